#!/usr/bin/env bash
# Runs the examples as quickstart.sh and the pages say, and looks for what they must show.
#   run_examples.sh BIN_FOLDER TICKETS.csv        GRAFT_MINILM names the folder of the published encoder, GRAFT_TEST_DATA that of real data
set -euo pipefail
bin=$1 tickets=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
expect() { grep -qF -- "$1" "$work/out" || { cat "$work/out"; echo "missing in the output: $1" >&2; exit 1; }; }

"$bin/graft" import "$GRAFT_MINILM" -o "$work/minilm.pt"

"$bin/01_quickstart" "$work/minilm.pt" "$tickets" "$work/tickets.pt" | tee "$work/out"
expect "On test data"
expect "Confusion"
expect "Surest mistakes"
expect "delivery         my parcel was due"
accuracy=$(awk '$1 == "accuracy" { print $2 }' "$work/out")
awk -v a="$accuracy" 'BEGIN { exit !(a > 0.6) }' || { echo "accuracy $accuracy is not above 0.6" >&2; exit 1; }

"$bin/02_custom_head" "$work/minilm.pt" "$tickets" "$work/urgency.pt" | tee "$work/out"
expect "urgency 2: i cannot get into my account"
expect "without the factory: logits"

above() { # metric, least value
  local value
  value=$(awk -v name="$1" '$1 == name { print $2 }' "$work/out" | tail -1)
  awk -v v="$value" -v least="$2" 'BEGIN { exit !(v > least) }' || { echo "$1 $value is not above $2" >&2; exit 1; }
}

network=${GRAFT_TEST_DATA:-}/weights/resnet_cifar10/resnet20-12fca82f.th clothes=/usr/share/datasets/fashion-mnist
if [ ! -f "$network" ]; then
  echo "left out: the examples with pictures, because there is no published network for them (GRAFT_TEST_DATA)"
  exit 0
fi
"$bin/graft" import "$network" -o "$work/resnet20.pt"

for colour in red green blue; do
  mkdir -p "$work/pictures/$colour"
  for i in $(seq 10); do
    awk -v colour="$colour" -v seed="$i" 'BEGIN {
      srand(seed); print "P3 32 32 255"
      for (p = 0; p < 1024; ++p) for (c = 1; c <= 3; ++c) print int(60 * rand()) + (substr("red  greenblue ", 5 * c - 4, 5) ~ colour ? 150 : 0)
    }' > "$work/pictures/$colour/$i.ppm"
  done
done
"$bin/06_your_pictures" "$work/resnet20.pt" "$work/pictures" "$work/colours.pt" "$work/pictures/red/1.ppm" | tee "$work/out"
expect "24 pictures train, 6 test; classes: blue green red"
expect "On test data"
above accuracy 0.9
tail -3 "$work/out" | head -1 | grep -q ' red$' || { echo "a red picture is not taken for red" >&2; exit 1; }

if [ -f "$clothes/train-images-idx3-ubyte.gz" ]; then
  "$bin/08_fashion_mnist" "$work/resnet20.pt" "$clothes" 500 | tee "$work/out"
  expect "500 pictures train, 200 test"
  expect "a linear head on the network as it is: accuracy 0."
  above accuracy 0.65
else
  echo "left out: 08_fashion_mnist, because $clothes is not there (apt-get install dataset-fashion-mnist)"
fi

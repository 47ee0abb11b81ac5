#!/usr/bin/env bash
# Installs graft, moves the install tree to another folder, and builds and runs each kind of consumer against it.
#   check_package.sh BUILD_FOLDER SOURCE_FOLDER LIBTORCH installed|embedded      embedded: add_subdirectory and FetchContent
set -euo pipefail
build=$1 source=$(cd "$2" && pwd) libtorch=$3 kind=$4
here=$source/tests/package
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# What a user builds is warned about as strictly as graft itself: its headers must be clean.
flags="-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror"

# A model to answer with, from the program that was built.
{
  echo "message,queue"
  for i in 1 2 3 4 5 6 7 8 9 10; do echo "a b c,A"; echo "p q r,B"; done
} > "$work/data.csv"
"$build/bin/graft" import "$here/../golden/tiny_bert" -o "$work/tiny.pt" > /dev/null
"$build/bin/graft" train --backbone "$work/tiny.pt" --train "$work/data.csv" --split 0.2 --out "$work/run" --quiet > /dev/null 2>&1
model=$work/run/model.pt

expect() { # expected, command...
  local expected=$1; shift
  local got; got=$("$@")
  [[ $got == $expected ]] || { echo "wanted \"$expected\" from: $*; got \"$got\"" >&2; exit 1; }
}
build() { # source, build folder, target, arguments...
  local from=$1 into=$2 target=$3; shift 3
  { cmake -S "$from" -B "$into" -G Ninja -DCMAKE_CXX_FLAGS="$flags" -DGRAFT_LIBTORCH="$libtorch" "$@" &&
    cmake --build "$into" --target $target; } > "$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
}

case $kind in
  installed)
    cmake --install "$build" --prefix "$work/first" > /dev/null
    mv "$work/first" "$work/moved"
    build "$here/find_package" "$work/b" all -Dgraft_ROOT="$work/moved"
    expect A "$work/b/answer" "$model" "a b c a"
    expect "graft *: valid accuracy *" "$work/b/tune" "$model" "$work/data.csv"
    expect "*graft *LibTorch*" "$work/moved/bin/graft" --version
    # A LibTorch that is not there is told in a sentence, not by the linker.
    if cmake -S "$here/find_package" -B "$work/none" -G Ninja -Dgraft_ROOT="$work/moved" -DGRAFT_LIBTORCH="$work" > "$work/log" 2>&1; then
      echo "a folder without LibTorch was accepted" >&2; exit 1
    fi
    grep -q "needs LibTorch" "$work/log" || { cat "$work/log" >&2; exit 1; }
    ;;
  embedded)
    # One after the other in one build folder, so that graft is compiled once for both.
    mkdir "$work/app"
    for way in add_subdirectory fetch_content; do
      cp "$here/$way/CMakeLists.txt" "$work/app/CMakeLists.txt"
      # Without optimization: whether it builds and answers is the question, and half of the time goes.
      build "$work/app" "$work/b" answer -DGRAFT_SOURCE="$source" -DCMAKE_BUILD_TYPE=None
      expect A "$work/b/answer" "$model" "a b c a"
      echo "$way: built and ran"
    done
    ;;
  *) echo "unknown kind $kind" >&2; exit 2 ;;
esac
echo "$kind: $SECONDS s"

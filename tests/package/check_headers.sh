#!/usr/bin/env bash
# Every public header compiles alone, under strict warnings and without a precompiled header; graft.h within its budget of processor time.
#   check_headers.sh COMPILER SOURCE_FOLDER LIBTORCH
set -euo pipefail
compiler=$1 source=$(cd "$2" && pwd) libtorch=$3
flags=(-std=c++20 -fsyntax-only -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -I "$source/include" -isystem "$libtorch/include" -x c++)

cd "$source/include"
check() { echo "#include \"$1\"" | "$compiler" "${@:2}" - || { echo "$1 does not compile alone" >&2; return 255; }; }
export -f check
export compiler
find graft -name '*.h' | sort | xargs -P 2 -I {} bash -c 'check "$@"' _ {} "${flags[@]}"
echo "$(find graft -name '*.h' | wc -l) headers compile alone"

# Processor time, as other work on the machine must not decide. On a slower machine the budget grows with what LibTorch's tensor header costs.
seconds() {
  local TIMEFORMAT="%U"
  { time echo "#include <$1>" | "$compiler" "${flags[@]}" - ; } 2>&1
}
graft=$(seconds graft/graft.h) tensor=$(seconds ATen/core/Tensor.h)
echo "graft.h takes $graft s of processor time to compile, ATen/core/Tensor.h alone $tensor s"
awk -v g="$graft" -v t="$tensor" 'BEGIN { exit !(g <= 4.0 || g <= 1.6 * t) }' || { echo "graft.h is over its budget of 4 s" >&2; exit 1; }

#!/usr/bin/env bash
# docs/checkpoints.md is what its command writes today. Where the real checkpoints are not there, only the part made of golden files is compared.
#   check_checkpoints.sh GRAFT PROJECT_FOLDER        GRAFT_TEST_DATA names the folder of real data
set -euo pipefail
graft=$1 project=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
real=${GRAFT_TEST_DATA:-}/torchscript
from=1
if [ ! -d "$real" ]; then
  echo "left out: the table of real checkpoints, because there is no folder of real data (GRAFT_TEST_DATA)"
  mkdir "$work/none" && real=$work/none
  from='/^## Six networks/'
fi
"$project/tests/docs/make_checkpoints.py" "$graft" "$project/tests/golden/checkpoints" "$real" > "$work/page.md"
without_real() { if [ "$from" = 1 ]; then cat; else grep -vE '^\| (silero_vad_v6_head |tchrs_foo9 |published: )'; fi; }
diff <(sed -n "$from,\$p" "$project/docs/checkpoints.md" | without_real) <(sed -n "$from,\$p" "$work/page.md" | without_real)

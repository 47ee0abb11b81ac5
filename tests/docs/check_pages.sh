#!/usr/bin/env bash
# Every error code of the sources is on docs/errors.md and the other way round; every link between pages leads somewhere.
#   check_pages.sh PROJECT_FOLDER
set -euo pipefail
cd "$1"
codes() { grep -rhoE 'graft-[CDMKNSW][0-9]{3}' "$@" | sort -u; }
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
exit $failed

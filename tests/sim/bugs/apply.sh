#!/bin/sh
# Every planted bug's patch must fit the tree as it is, without guessing: apply.sh SOURCE_DIR
#
# Lines may have moved; the lines around a change must not differ, or the patch may break another
# rule than it says, or none. This takes a second, so it is run for every change; whether the bugs
# are found is for run.sh. Two patches that change the same are one bug counted twice.
set -u
source_dir=$1
failures=0
count=0
changes=$(mktemp)
trap 'rm -f "$changes"' EXIT
for patch in "$source_dir"/tests/sim/bugs/*.patch; do
  name=$(basename "$patch" .patch)
  count=$((count + 1))
  if ! said=$(patch --dry-run --fuzz=0 --forward -p1 -d "$source_dir" -i "$patch" 2>&1); then
    echo "FAILED: $name.patch does not apply any more; make it anew: $said"
    failures=$((failures + 1))
  fi
  for line in found-by seeds; do
    grep -q "^# $line: ." "$patch" && continue
    echo "FAILED: $name.patch has no line '# $line: ...'"
    failures=$((failures + 1))
  done
  printf '%s %s\n' "$(grep -v '^#' "$patch" | cksum | cut -d ' ' -f 1)" "$name" >>"$changes"
done
for sum in $(cut -d ' ' -f 1 "$changes" | sort | uniq -d); do
  echo "FAILED: these are one bug: $(sed -n "s/^$sum //p" "$changes" | tr '\n' ' ')"
  failures=$((failures + 1))
done
echo "$count patches, $failures failures"
[ "$failures" -eq 0 ]

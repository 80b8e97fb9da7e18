#!/bin/sh
# Two builds of pinion-sim, of two compilers, must give the same runs: same_hashes.sh A B [SEEDS]
#
# What differs would be an order that the language leaves open, a hash, a pointer or an uninitialised
# value that reached a decision.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$1" --seed 1 --seeds "${3:-100}" --hashes --quiet >"$work/a"
"$2" --seed 1 --seeds "${3:-100}" --hashes --quiet >"$work/b"
if ! diff "$work/a" "$work/b" >"$work/difference"; then
  echo "FAILED: the runs differ (seed, steps, hash of the log; < of $1, > of $2):"
  head -n 6 "$work/difference"
  exit 1
fi
echo "the same ${3:-100} runs"

#!/bin/sh
# A swarm: seeds.sh PROGRAM COUNT VARIABLE [OPTION...]
#
# Runs COUNT seeds of pinion-sim or pinion-sim-store, or as many as the environment's VARIABLE says:
# ./test --all asks for thousands.
set -eu
program=$1
count=$2
eval "count=\${$3:-$count}"
shift 3
exec "$program" --seed 1 --seeds "$count" "$@"

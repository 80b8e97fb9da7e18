#!/usr/bin/env bash
# tests/gui/measure.sh: the table of docs/DASHBOARD.md, on this machine. Needs build/bin and Xvfb.
#
# Frames are of made-up data (1,000 partitions, 1,000,000 records): "processor" is what the program
# itself takes for a frame in processor time of its thread, "wall" the same by the clock, "drawing"
# that of OpenGL, here in software. Idle is measured against a real cluster with the cluster panel
# open, the software renderer's threads apart.
set -euo pipefail
cd "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/../.."

seconds=${SECONDS_IDLE:-20}
tests/gui/on_display.sh build/bin/pinion-dashboard --measure

work=$(mktemp -d)
port=${PINION_PORT:-23990}
build/bin/pinion up --data "$work/data" --nodes 3 --port "$port" >"$work/ready" 2>"$work/log" &
cluster=$!
trap 'kill "$cluster" 2>/dev/null || true; wait "$cluster" 2>/dev/null || true; rm -rf "$work"' EXIT
until grep -q '^ready ' "$work/ready"; do
  kill -0 "$cluster" 2>/dev/null || { cat "$work/log" >&2; exit 1; }
  sleep 0.05
done
build/bin/pinion --broker "tcp://127.0.0.1:$port" topic create orders --partitions 12 >/dev/null

cat >"$work/idle.sh" <<'IDLE'
# idle.sh SETTINGS ADDRESS SECONDS
ticks() {  # Of the program, and of the renderer's threads: 1/100 s.
  cat /proc/"$1"/task/*/stat | sed -E 's/^[0-9]+ \((.*)\) /\1\t/' | awk -F'\t' '
    { split($2, field, " "); time = field[12] + field[13] }
    $1 ~ /^llvmpipe/ { drawing += time; next }
    { program += time }
    END { print program + 0, drawing + 0 }'
}
build/bin/pinion-dashboard --settings "$1" "$2" &
program=$!
sleep 4
read -r before drawing_before <<<"$(ticks $program)"
sleep "$3"
read -r after drawing_after <<<"$(ticks $program)"
memory=$(awk '/VmRSS/ { print $2 }' /proc/$program/status)
kill $program
awk -v a="$before" -v b="$after" -v c="$drawing_before" -v d="$drawing_after" -v s="$3" \
  -v m="$((memory / 1024))" 'BEGIN {
    printf "Idle, connected: %.2f %% of a core, and %.2f %% for drawing in software; %d MiB\n",
      (b - a) / s, (d - c) / s, m }'
IDLE
tests/gui/on_display.sh bash "$work/idle.sh" "$work/conf" "tcp://127.0.0.1:$port" "$seconds"

#!/usr/bin/env bash
# tests/gui/measure.sh: the table of docs/DASHBOARD.md, on this machine. Needs build/bin and Xvfb.
#
# Frames are of made-up data (1,000 partitions, 1,000,000 records); "program" is the time that the
# dashboard itself takes for a frame, "drawing" that of OpenGL, here in software. Idle is measured
# against a real cluster with the cluster panel open, and with the consumer counting down.
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


cat >"$work/idle.sh" <<IDLE
build/bin/pinion-dashboard --settings "$work/conf" "tcp://127.0.0.1:$port" &
program=\$!
sleep 4
before=\$(sed 's/.*) //' /proc/\$program/stat | awk '{ print \$12 + \$13 }')
sleep $seconds
after=\$(sed 's/.*) //' /proc/\$program/stat | awk '{ print \$12 + \$13 }')
memory=\$(awk '/VmRSS/ { print \$2 }' /proc/\$program/status)
kill \$program
echo "Idle, connected: \$(awk "BEGIN { print (\$after - \$before) / $seconds }") % of a core, \$((memory / 1024)) MiB"
IDLE
tests/gui/on_display.sh bash "$work/idle.sh"

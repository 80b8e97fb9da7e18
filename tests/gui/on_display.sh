#!/usr/bin/env bash
# tests/gui/on_display.sh [-s WIDTHxHEIGHT] COMMAND [ARGUMENT...]
#
# Runs a command with a display in memory (Xvfb) and OpenGL in software, and ends with its status:
#   tests/gui/on_display.sh build/bin/pinion-dashboard --screenshots /tmp/pictures
#   tests/gui/on_display.sh build/bin/pinion-dashboard --measure
set -euo pipefail

size=1440x900
if [ "${1:-}" = -s ]; then
  size=$2
  shift 2
fi
command -v Xvfb >/dev/null || {
  echo "on_display.sh: Xvfb is missing; on Debian: apt-get install xvfb" >&2
  exit 1
}

work=$(mktemp -d)
mkfifo "$work/number"
Xvfb -displayfd 3 -screen 0 "${size}x24" -nolisten tcp 3>"$work/number" 2>/dev/null &
server=$!
trap 'kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT
read -r number <"$work/number"
WAYLAND_DISPLAY='' DISPLAY=:$number LIBGL_ALWAYS_SOFTWARE=1 "$@"

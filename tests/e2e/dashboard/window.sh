#!/usr/bin/env bash
# window.sh PROGRAM: runs the tests that drive the dashboard in a window on a display in memory, or
# says that this machine has none and ends with 77, which ctest shows as skipped.
set -euo pipefail

for tool in Xvfb xdotool; do
  command -v "$tool" >/dev/null && continue
  echo "NOT RUN: $tool is missing, so the dashboard was not tried in a window"
  exit 77
done
exec "$1" "[.dashboard]" --warn NoTests

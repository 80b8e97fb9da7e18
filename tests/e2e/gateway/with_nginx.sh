#!/usr/bin/env bash
# with_nginx.sh COMMAND...: runs tests that need nginx, or says that it is not here and ends with 77,
# which ctest shows as skipped: a test that was not run has not passed.
set -euo pipefail

if ! PATH="$PATH:/usr/sbin" command -v nginx >/dev/null; then
  echo "NOT RUN: nginx is not to be had here (apt-get install nginx)"
  exit 77
fi
exec "$@"

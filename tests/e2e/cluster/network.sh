#!/usr/bin/env bash
# network.sh PROGRAM: runs the tests that cut networks, or says that this machine does not let them
# and ends with 77, which ctest shows as skipped.
set -euo pipefail

probe=pn-probe-$$
if ! problem=$(ip netns add "$probe" 2>&1 && ip netns exec "$probe" iptables -w -L INPUT 2>&1 >/dev/null); then
  ip netns del "$probe" 2>/dev/null || true
  echo "NOT RUN: network namespaces with iptables are not to be had here: $problem"
  exit 77
fi
ip netns del "$probe"
exec "$1" "[.network]" --warn NoTests

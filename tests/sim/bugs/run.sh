#!/bin/sh
# The simulator must find every planted bug: run.sh SOURCE_DIR BUILD_DIR PINION_SIM [NAME...]
# Without names: those whose patch says "when: always", and with PINION_PLANTED_BUGS=all the others
# too (./test --all), because each costs a compilation and a link.
#
# Each patch beside this script changes the cores in one way that loses, repeats or invents
# something. CMake builds a pinion-sim with it (target pinion-sim-bug-NAME); here each must fail
# within the number of seeds that its patch states, and the unpatched one must pass the same seeds.
# A patch that says "found-by: client-visible" must be found by what clients see alone.
set -u
source_dir=$1
build_dir=$2
pinion_sim=$3
shift 3

if [ $# -eq 0 ]; then
  for patch in "$source_dir"/tests/sim/bugs/*.patch; do
    if [ "${PINION_PLANTED_BUGS:-}" = all ] || grep -q '^# when: always' "$patch"; then
      set -- "$@" "$(basename "$patch" .patch)"
    fi
  done
fi
# All that can be built is, at once; one that cannot fails alone, below.
log=$build_dir/planted-bugs.log
keep_going='-k'
grep -q '^CMAKE_GENERATOR:INTERNAL=Ninja' "$build_dir/CMakeCache.txt" && keep_going='-k 0'
targets=pinion-sim
for name in "$@"; do targets="$targets pinion-sim-bug-$name"; done
# shellcheck disable=SC2086
cmake --build "$build_dir" --target $targets -- $keep_going >"$log" 2>&1
if ! cmake --build "$build_dir" --target pinion-sim >"$log" 2>&1; then
  tail -n 40 "$log"
  echo "FAILED: pinion-sim itself does not build"
  exit 1
fi

bin=$build_dir/bugs
failures=0
client_visible=0
count=0
seeds_max=0
for name in "$@"; do
  patch=$source_dir/tests/sim/bugs/$name.patch
  seeds=$(sed -n 's/^# seeds: //p' "$patch")
  found_by=$(sed -n 's/^# found-by: //p' "$patch")
  flag=
  [ "$found_by" = client-visible ] && flag=--client-visible
  count=$((count + 1))
  if ! cmake --build "$build_dir" --target "pinion-sim-bug-$name" >"$log" 2>&1; then
    tail -n 20 "$log"
    echo "FAILED  $name does not build; does its patch no longer apply?"
    failures=$((failures + 1))
    continue
  fi
  [ "$seeds" -gt "$seeds_max" ] && seeds_max=$seeds
  said=$(timeout 1800 "$bin/pinion-sim-bug-$name" --seed 1 --seeds "$seeds" --quiet $flag 2>&1)
  status=$?
  line=$(printf '%s\n' "$said" | grep -E 'FAILED|assertion failed|fatal' | head -n 1)
  case "$found_by/$status" in
    client-visible/2 | client-visible/3)
      client_visible=$((client_visible + 1))
      echo "found   $name ($found_by): $line" ;;
    any/2 | any/3 | any/4)
      echo "found   $name ($found_by): $line" ;;
    *)
      echo "MISSED  $name ($found_by): status $status within $seeds seeds: $line"
      failures=$((failures + 1)) ;;
  esac
done

if ! "$pinion_sim" --seed 1 --seeds "$seeds_max" --quiet; then
  echo "FAILED: without a planted bug the same seeds must pass"
  failures=$((failures + 1))
fi
if [ $((client_visible * 2)) -lt "$count" ]; then
  echo "FAILED: only $client_visible of $count are found by client-visible checkers alone"
  failures=$((failures + 1))
fi
echo "$count planted bugs, $client_visible found by what clients see, $failures failures"
[ "$failures" -eq 0 ]

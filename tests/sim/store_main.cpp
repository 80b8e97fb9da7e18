// pinion-sim-store: the same simulation, in which the partition brokers keep their records in the
// real SQLite store, on a file system that loses, tears and refuses writes.
#include "tests/sim/runner.hpp"
#include "tests/sim/sqlite_disk.hpp"

int main(int argc, char** argv) {
  return pinion::sim::run_command_line(argc, argv, pinion::sim::make_sqlite_disk);
}

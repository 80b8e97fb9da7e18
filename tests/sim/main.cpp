// pinion-sim: the deterministic simulation over disks in memory.
#include "tests/sim/runner.hpp"

int main(int argc, char** argv) {
  return pinion::sim::run_command_line(argc, argv, pinion::sim::make_memory_disk);
}

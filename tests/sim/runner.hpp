// The command line of the simulation: which seeds, over which disks, and what is printed. Exit
// status: 0 all seeds passed, 1 wrong usage, 2 correctness, 3 liveness, 4 crash (an assertion of
// the code under test).
#pragma once

#include "tests/sim/cluster.hpp"

namespace pinion::sim {

[[nodiscard]] int run_command_line(int argc, char** argv, const MakeDisk& make_disk);

}  // namespace pinion::sim

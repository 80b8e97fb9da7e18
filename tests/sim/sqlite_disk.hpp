// A simulated node's disk with the real SQLite store on it, over the file system that fails
// (tests/integration/storage/fault_vfs.hpp). Only pinion-sim-store links it.
#pragma once

#include "tests/sim/disk.hpp"

#include <memory>
#include <string>

namespace pinion::sim {

[[nodiscard]] std::unique_ptr<Disk> make_sqlite_disk(const std::string& store_id);

}  // namespace pinion::sim

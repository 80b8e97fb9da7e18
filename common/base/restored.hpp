// Whether what a store is opened on was put back from a backup, and is meant to go on from there.
#pragma once

namespace pinion {

enum class Restored : bool { no, yes };

}  // namespace pinion

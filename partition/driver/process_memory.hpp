// What this process holds in memory, as the system counts it.
#pragma once

#include <cstdint>

namespace pinion::partition {

/// Resident bytes, 0 when the system does not say.
[[nodiscard]] std::uint64_t process_memory_bytes() noexcept;

}  // namespace pinion::partition

// This process's resident memory, as the system counts it. Cheap: one pread of a file that stays
// open. One thread.
#pragma once

#include <cstdint>

namespace pinion {

class ProcessMemory {
 public:
  ProcessMemory() noexcept;
  ~ProcessMemory();
  ProcessMemory(const ProcessMemory&) = delete;
  ProcessMemory& operator=(const ProcessMemory&) = delete;

  /// 0 when it cannot be told.
  [[nodiscard]] std::uint64_t bytes() const noexcept;
  /// Gives what the allocator holds free back to the system.
  void trim() const noexcept;

 private:
  int file_ = -1;
  std::uint64_t page_bytes_ = 4096;
};

}  // namespace pinion

#include "partition/driver/process_memory.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>

namespace pinion::partition {

std::uint64_t process_memory_bytes() noexcept {
  const int file = ::open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  char text[128] = {};
  const ssize_t size = ::read(file, text, sizeof text - 1);
  ::close(file);
  if (size <= 0) return 0;
  char* rest = nullptr;
  std::strtoull(text, &rest, 10);  // Total size; the resident one follows.
  const std::uint64_t pages = std::strtoull(rest, nullptr, 10);
  return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace pinion::partition

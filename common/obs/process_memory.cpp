#include "common/obs/process_memory.hpp"

#include <array>
#include <charconv>

#include <fcntl.h>
#include <malloc.h>
#include <unistd.h>

namespace pinion {

ProcessMemory::ProcessMemory() noexcept
    : file_(::open("/proc/self/statm", O_RDONLY | O_CLOEXEC)),
      page_bytes_(static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE))) {}

ProcessMemory::~ProcessMemory() {
  if (file_ >= 0) ::close(file_);
}

std::uint64_t ProcessMemory::bytes() const noexcept {
  // "total resident shared ...", in pages.
  std::array<char, 128> text{};
  const ssize_t size = file_ < 0 ? -1 : ::pread(file_, text.data(), text.size(), 0);
  if (size <= 0) return 0;
  const char* end = text.data() + size;
  const char* at = text.data();
  while (at != end && *at != ' ') ++at;
  if (at == end) return 0;
  std::uint64_t pages = 0;
  const auto [rest, error] = std::from_chars(at + 1, end, pages);
  return error == std::errc() ? pages * page_bytes_ : 0;
}

void ProcessMemory::trim() const noexcept { ::malloc_trim(0); }

}  // namespace pinion

// HeapLimit: what SQLite may allocate on this thread while the object lives. Past it SQLite is told
// that memory is out, and the statement fails with SQLITE_NOMEM as it would on a small machine.
//
// SQLite's own heap limits count the whole process and need its memory statistics, whose mutex
// every allocation of every thread would take; this counts one thread without a lock. For a thread
// that opens a connection, uses it and closes it inside the limit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

namespace pinion::sqlite {

class HeapLimit {
 public:
  /// `give_up` is asked now and then, with every 64 KiB that are allocated: true refuses all that
  /// follows. SQLite calls its progress handler between instructions only; this also ends a single
  /// long one, and the compiling of a statement.
  HeapLimit(std::size_t bytes_max, std::function<bool()> give_up);
  ~HeapLimit();
  HeapLimit(const HeapLimit&) = delete;
  HeapLimit& operator=(const HeapLimit&) = delete;

  /// Whether anything was refused, for whichever reason.
  [[nodiscard]] bool refused() const noexcept { return refused_; }

  // For the allocator.
  [[nodiscard]] bool may_take(std::size_t bytes) noexcept;
  void took(std::size_t bytes) noexcept { taken_ += static_cast<std::int64_t>(bytes); }
  void gave_back(std::size_t bytes) noexcept { taken_ -= static_cast<std::int64_t>(bytes); }

 private:
  const std::int64_t bytes_max_;
  const std::function<bool()> give_up_;
  std::int64_t taken_ = 0;  ///< Below 0 when something older is freed.
  std::size_t unasked_ = 0;
  bool given_up_ = false;
  bool refused_ = false;
};

/// Makes SQLite allocate through here. Before the library is initialised.
void install_heap_limits() noexcept;

}  // namespace pinion::sqlite

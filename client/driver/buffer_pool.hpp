// BufferPool: the buffers of batches, used again so that a busy producer allocates none. Bounded;
// thread-safe (the last owner of a sent frame is a thread of the socket library).
#pragma once

#include "common/base/bytes.hpp"

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace pinion::client {

class BufferPool : public std::enable_shared_from_this<BufferPool> {
 public:
  explicit BufferPool(std::size_t buffers_max) noexcept : buffers_max_(buffers_max) {}

  /// An empty string, with the capacity of its former use.
  [[nodiscard]] std::string take() {
    const std::lock_guard lock(mutex_);
    if (free_.empty()) return {};
    std::string buffer = std::move(free_.back());
    free_.pop_back();
    return buffer;
  }

  /// The buffer comes back when the last reference to these Bytes ends.
  [[nodiscard]] Bytes share(std::string buffer) {
    struct Loan {
      std::shared_ptr<BufferPool> pool;
      std::string buffer;
      ~Loan() { pool->give_back(std::move(buffer)); }
    };
    auto loan = std::make_shared<Loan>();
    loan->pool = shared_from_this();
    loan->buffer = std::move(buffer);
    const char* data = loan->buffer.data();
    const std::size_t size = loan->buffer.size();
    return {std::move(loan), data, size};
  }

 private:
  void give_back(std::string buffer) {
    buffer.clear();
    const std::lock_guard lock(mutex_);
    if (free_.size() < buffers_max_) free_.push_back(std::move(buffer));
  }

  const std::size_t buffers_max_;
  std::mutex mutex_;
  std::vector<std::string> free_;
};

}  // namespace pinion::client

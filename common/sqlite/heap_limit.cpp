#include "common/sqlite/heap_limit.hpp"

#include <malloc.h>
#include <sqlite3.h>

#include "common/base/assert.hpp"

#include <cstdlib>
#include <utility>

namespace pinion::sqlite {
namespace {

constexpr std::size_t ask_every_bytes = 64 * 1024;

thread_local HeapLimit* limit_here = nullptr;

void* take(int bytes) {
  const auto size = static_cast<std::size_t>(bytes);
  if (limit_here == nullptr) return std::malloc(size);
  if (!limit_here->may_take(size)) return nullptr;
  void* memory = std::malloc(size);
  limit_here->took(malloc_usable_size(memory));
  return memory;
}

void give_back(void* memory) {
  if (limit_here != nullptr) limit_here->gave_back(malloc_usable_size(memory));
  std::free(memory);
}

void* resize(void* memory, int bytes) {
  const auto size = static_cast<std::size_t>(bytes);
  if (limit_here == nullptr) return std::realloc(memory, size);
  const std::size_t old_size = malloc_usable_size(memory);
  if (size > old_size && !limit_here->may_take(size - old_size)) return nullptr;
  void* resized = std::realloc(memory, size);
  if (resized == nullptr) return nullptr;
  limit_here->gave_back(old_size);
  limit_here->took(malloc_usable_size(resized));
  return resized;
}

int size_of(void* memory) {
  return memory == nullptr ? 0 : static_cast<int>(malloc_usable_size(memory));
}

int round_up(int bytes) { return (bytes + 7) & ~7; }

int begin(void*) { return SQLITE_OK; }

void end(void*) {}

}  // namespace

HeapLimit::HeapLimit(std::size_t bytes_max, std::function<bool()> give_up)
    : bytes_max_(static_cast<std::int64_t>(bytes_max)), give_up_(std::move(give_up)) {
  PINION_ASSERT(limit_here == nullptr);
  limit_here = this;
}

HeapLimit::~HeapLimit() { limit_here = nullptr; }

bool HeapLimit::may_take(std::size_t bytes) noexcept {
  unasked_ += bytes;
  if (unasked_ >= ask_every_bytes) {
    unasked_ = 0;
    given_up_ = given_up_ || (give_up_ && give_up_());
  }
  if (given_up_ || taken_ + static_cast<std::int64_t>(bytes) > bytes_max_) {
    refused_ = true;
    return false;
  }
  return true;
}

void install_heap_limits() noexcept {
  static sqlite3_mem_methods methods = {take,     give_back, resize, size_of,
                                        round_up, begin,     end,    nullptr};
  sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
}

}  // namespace pinion::sqlite

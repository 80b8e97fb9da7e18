// Bytes: an immutable, shared piece of memory, so that a batch can travel from a socket to a file,
// to the tail kept for readers and back to a socket without being copied.
//
// Copying a Bytes copies a reference. Any thread may drop the last one; the owner's deleter must
// allow that.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pinion {

class Bytes {
 public:
  Bytes() noexcept = default;

  /// Takes the string over; no copy.
  explicit Bytes(std::string text) {
    auto owned = std::make_shared<const std::string>(std::move(text));
    data_ = owned->data();
    size_ = owned->size();
    owner_ = std::move(owned);
  }

  /// Refers to memory that `owner` keeps alive.
  Bytes(std::shared_ptr<const void> owner, const char* data, std::size_t size) noexcept
      : owner_(std::move(owner)), data_(data), size_(size) {}

  /// One allocation; none for no bytes.
  [[nodiscard]] static Bytes copy_of(std::string_view text) {
    if (text.empty()) return {};
    auto owned = std::make_shared_for_overwrite<char[]>(text.size());
    std::copy_n(text.data(), text.size(), owned.get());
    const char* data = owned.get();
    return {std::move(owned), data, text.size()};
  }

  [[nodiscard]] const char* data() const noexcept { return data_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::string_view view() const noexcept { return {data_, size_}; }
  [[nodiscard]] const std::shared_ptr<const void>& owner() const noexcept { return owner_; }

  /// A part of this, sharing its memory. Requires: begin + size <= this->size().
  [[nodiscard]] Bytes slice(std::size_t begin, std::size_t size) const noexcept {
    return {owner_, data_ + begin, size};
  }

  friend bool operator==(const Bytes& a, const Bytes& b) noexcept { return a.view() == b.view(); }

 private:
  std::shared_ptr<const void> owner_;
  const char* data_ = nullptr;
  std::size_t size_ = 0;
};

/// The frames of one multipart message, in order.
using Frames = std::vector<Bytes>;

[[nodiscard]] inline std::size_t size_of(const Frames& frames) noexcept {
  std::size_t size = 0;
  for (const Bytes& frame : frames) size += frame.size();
  return size;
}

}  // namespace pinion

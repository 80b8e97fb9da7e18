// A pull reader of msgpack: one token at a time, from left to right, straight into the caller's
// variables. Inside common/proto only.
//
// Why not the library's unpacker: it builds a tree, and allocates an array's claimed size before it
// has seen the elements. This one never allocates, so a frame can cost no more than its bytes do,
// and the router reads a header in tens of nanoseconds. A test holds the two against each other.
// The first problem sticks: every later read fails too.
#pragma once

#include "common/base/limits.hpp"

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string_view>

namespace pinion {

class MsgpackReader {
 public:
  explicit MsgpackReader(std::string_view bytes) noexcept : bytes_(bytes) {}

  [[nodiscard]] bool ok() const noexcept { return problem_ == nullptr; }
  /// What was wrong, or nullptr; and where.
  [[nodiscard]] const char* problem() const noexcept { return problem_; }
  [[nodiscard]] std::size_t at() const noexcept { return at_; }
  [[nodiscard]] std::size_t rest() const noexcept { return bytes_.size() - at_; }

  bool refuse(const char* problem) noexcept {
    if (problem_ == nullptr) problem_ = problem;
    return false;
  }

  /// Any integer type but bool; out of its range is a problem.
  template <std::integral T>
  bool read_integer(T& value) noexcept {
    std::uint64_t magnitude = 0;
    bool negative = false;
    if (!read_number(magnitude, negative)) return false;
    if (negative) {
      const auto number = static_cast<std::int64_t>(magnitude);
      if (std::unsigned_integral<T> || number < std::int64_t{least<T>()}) return out_of_range();
      value = static_cast<T>(number);
    } else {
      if (magnitude > static_cast<std::uint64_t>(std::numeric_limits<T>::max())) {
        return out_of_range();
      }
      value = static_cast<T>(magnitude);
    }
    return true;
  }

  bool read_bool(bool& value) noexcept {
    const unsigned tag = take_tag();
    if (tag != 0xc2 && tag != 0xc3) return refuse("true or false was expected");
    value = tag == 0xc3;
    return true;
  }

  bool read_double(double& value) noexcept {
    const unsigned tag = take_tag();
    std::uint64_t bits = 0;
    if (tag == 0xca) {
      if (!take_big_endian(4, bits)) return false;
      value = double{std::bit_cast<float>(static_cast<std::uint32_t>(bits))};
      return true;
    }
    if (tag != 0xcb) return refuse("a floating-point number was expected");
    if (!take_big_endian(8, bits)) return false;
    value = std::bit_cast<double>(bits);
    return true;
  }

  bool read_string(std::string_view& text) noexcept {
    const unsigned tag = take_tag();
    std::uint64_t size = tag & 0x1f;
    if (tag >= 0xd9 && tag <= 0xdb) {
      if (!take_big_endian(std::size_t{1} << (tag - 0xd9), size)) return false;
    } else if (tag >> 5 != 0b101) {
      return refuse("text was expected");
    }
    return take_bytes(size, text);
  }

  bool read_binary(std::string_view& bytes) noexcept {
    const unsigned tag = take_tag();
    std::uint64_t size = 0;
    if (tag < 0xc4 || tag > 0xc6) return refuse("bytes were expected");
    return take_big_endian(std::size_t{1} << (tag - 0xc4), size) && take_bytes(size, bytes);
  }

  /// An array's header. Each element takes at least a byte, so a count beyond what is left is a
  /// lie, found before anybody acts on it.
  bool read_array(std::uint32_t& count) noexcept {
    const unsigned tag = take_tag();
    std::uint64_t claimed = tag & 0x0f;
    if (tag == 0xdc || tag == 0xdd) {
      if (!take_big_endian(tag == 0xdc ? 2 : 4, claimed)) return false;
    } else if (tag >> 4 != 0b1001) {
      return refuse("an array was expected");
    }
    if (claimed > rest()) return refuse("an array claims more elements than there are bytes");
    count = static_cast<std::uint32_t>(claimed);
    return true;
  }

  /// The kind of the next token, without taking it.
  enum class Next : std::uint8_t { nothing, nil, integer, real, text, bytes, other };
  [[nodiscard]] Next next() const noexcept {
    if (!ok() || rest() == 0) return Next::nothing;
    const unsigned tag = static_cast<unsigned char>(bytes_[at_]);
    if (tag <= 0x7f || tag >= 0xe0 || (tag >= 0xcc && tag <= 0xd3)) return Next::integer;
    if (tag == 0xc0) return Next::nil;
    if (tag == 0xca || tag == 0xcb) return Next::real;
    if (tag >> 5 == 0b101 || (tag >= 0xd9 && tag <= 0xdb)) return Next::text;
    if (tag >= 0xc4 && tag <= 0xc6) return Next::bytes;
    return Next::other;
  }

  bool skip_nil() noexcept { return take_tag() == 0xc0 || refuse("nil was expected"); }

  /// Passes over one value of any kind: an element that this version does not know.
  bool skip(std::size_t depth = 1) noexcept;

 private:
  template <typename T>
  static constexpr T least() noexcept {
    return std::numeric_limits<T>::min();
  }
  bool out_of_range() noexcept { return refuse("a number is out of range"); }

  /// The tag's byte, or one that begins nothing (0xc1) at the end.
  unsigned take_tag() noexcept {
    if (!ok()) return 0xc1;
    if (at_ >= bytes_.size()) {
      refuse("the message ends too early");
      return 0xc1;
    }
    return static_cast<unsigned char>(bytes_[at_++]);
  }

  bool take_big_endian(std::size_t size, std::uint64_t& value) noexcept {
    if (!ok()) return false;
    if (rest() < size) return refuse("the message ends too early");
    value = 0;
    for (std::size_t i = 0; i < size; ++i) {
      value = value << 8 | static_cast<unsigned char>(bytes_[at_++]);
    }
    return true;
  }

  bool take_bytes(std::uint64_t size, std::string_view& bytes) noexcept {
    if (!ok()) return false;
    if (size > rest()) return refuse("text or bytes claim to be longer than the message");
    bytes = bytes_.substr(at_, static_cast<std::size_t>(size));
    at_ += bytes.size();
    return true;
  }

  /// A non-negative number's value, or a negative one's two's complement.
  bool read_number(std::uint64_t& value, bool& negative) noexcept {
    const unsigned tag = take_tag();
    if (tag <= 0x7f) {
      value = tag;
      return true;
    }
    if (tag >= 0xe0) {
      value = static_cast<std::uint64_t>(static_cast<std::int64_t>(static_cast<std::int8_t>(tag)));
      negative = true;
      return true;
    }
    if (tag < 0xcc || tag > 0xd3) return refuse("an integer was expected");
    const bool is_signed = tag >= 0xd0;
    const std::size_t size = std::size_t{1} << (tag - (is_signed ? 0xd0 : 0xcc));
    if (!take_big_endian(size, value)) return false;
    if (!is_signed) return true;
    const std::size_t unused = 64 - 8 * size;  // Extends the sign.
    const auto number = static_cast<std::int64_t>(value << unused) >> unused;
    value = static_cast<std::uint64_t>(number);
    negative = number < 0;
    return true;
  }

  std::string_view bytes_;
  std::size_t at_ = 0;
  const char* problem_ = nullptr;
};

inline bool MsgpackReader::skip(std::size_t depth) noexcept {
  if (depth > limits::unpack_depth_max) return refuse("values are nested too deeply");
  const unsigned tag = take_tag();
  if (!ok()) return false;
  std::uint64_t count = 0;  // Of bytes, or of values within.
  bool values = false;
  if (tag <= 0x7f || tag >= 0xe0 || tag == 0xc0 || tag == 0xc2 || tag == 0xc3) return true;
  if (tag <= 0x8f) {
    count = std::uint64_t{tag & 0x0f} * 2;
    values = true;
  } else if (tag <= 0x9f) {
    count = tag & 0x0f;
    values = true;
  } else if (tag <= 0xbf) {
    count = tag & 0x1f;
  } else if (tag >= 0xc4 && tag <= 0xc6) {
    if (!take_big_endian(std::size_t{1} << (tag - 0xc4), count)) return false;
  } else if (tag >= 0xc7 && tag <= 0xc9) {
    if (!take_big_endian(std::size_t{1} << (tag - 0xc7), count)) return false;
    ++count;  // An extension's type.
  } else if (tag == 0xca || tag == 0xcb) {
    count = tag == 0xca ? 4 : 8;
  } else if (tag >= 0xcc && tag <= 0xd3) {
    count = std::uint64_t{1} << ((tag - 0xcc) & 3);
  } else if (tag >= 0xd4 && tag <= 0xd8) {
    count = (std::uint64_t{1} << (tag - 0xd4)) + 1;
  } else if (tag >= 0xd9 && tag <= 0xdb) {
    if (!take_big_endian(std::size_t{1} << (tag - 0xd9), count)) return false;
  } else if (tag >= 0xdc) {
    if (!take_big_endian(tag % 2 == 0 ? 2 : 4, count)) return false;
    if (tag >= 0xde) count *= 2;
    values = true;
  } else {
    return refuse("a byte that begins no value");
  }
  if (count > rest()) return refuse("a value claims to be longer than the message");
  if (!values) {
    at_ += static_cast<std::size_t>(count);
    return true;
  }
  for (std::uint64_t i = 0; i < count; ++i) {
    if (!skip(depth + 1)) return false;
  }
  return true;
}

}  // namespace pinion

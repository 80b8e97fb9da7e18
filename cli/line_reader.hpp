// Lines of a file or pipe, one record each: what stands between two newlines, exactly (a CR stays,
// an empty line is a line, and so is a last one without a newline).
//
// A waiting read ends when a signal comes. One thread.
#pragma once

#include "common/base/result.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace pinion::cli {

class LineReader {
 public:
  /// Reads from an open descriptor that the caller keeps; `line_bytes_max` bounds the memory.
  LineReader(int descriptor, std::size_t line_bytes_max) noexcept
      : descriptor_(descriptor), line_bytes_max_(line_bytes_max) {}

  /// The next line, valid until the next call; nothing at the end, or after a signal.
  [[nodiscard]] Result<std::optional<std::string_view>> next();

  [[nodiscard]] std::uint64_t lines() const noexcept { return lines_; }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

 private:
  enum class Filled : unsigned char { more, end };

  [[nodiscard]] Result<Filled> fill();
  [[nodiscard]] tl::unexpected<Error> too_long() const;
  [[nodiscard]] std::optional<std::string_view> take(std::size_t size, std::size_t with_newline);

  int descriptor_;
  std::size_t line_bytes_max_;
  std::string buffer_;
  std::size_t begin_ = 0;    ///< Of what is not handed out yet.
  std::size_t scanned_ = 0;  ///< Up to here there is no newline.
  std::size_t end_ = 0;
  bool at_end_ = false;
  std::uint64_t lines_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace pinion::cli

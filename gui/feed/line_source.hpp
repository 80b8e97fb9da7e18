// LineSource: a file's lines, one at a time, however long it is; a line over the limit is an error
// and not an allocation. One thread.
#pragma once

#include "common/base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

namespace pinion::gui {

class LineSource {
 public:
  [[nodiscard]] static Result<LineSource> open(const std::string& path, std::size_t line_bytes_max);
  /// Without its line end; nothing at the end of the file.
  [[nodiscard]] Result<std::optional<std::string>> next();
  [[nodiscard]] std::uint64_t file_bytes() const noexcept { return file_bytes_; }
  [[nodiscard]] std::uint64_t bytes_read() const noexcept { return bytes_read_; }

 private:
  std::ifstream file_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t line_bytes_max_ = 0;
  std::uint64_t file_bytes_ = 0;
  std::uint64_t bytes_read_ = 0;
  std::uint64_t line_ = 0;
};

}  // namespace pinion::gui

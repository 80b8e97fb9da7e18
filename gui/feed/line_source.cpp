#include "gui/feed/line_source.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

namespace pinion::gui {
namespace {

constexpr std::size_t buffer_bytes = 256UL * 1024;

}  // namespace

Result<LineSource> LineSource::open(const std::string& path, std::size_t line_bytes_max) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    return failure(Errc::io_failed, "'" + path + "' is no file that can be read" +
                                        (error ? ": " + error.message() : std::string()));
  }
  LineSource source;
  source.file_bytes_ = std::filesystem::file_size(path, error);
  source.file_.open(path, std::ios::binary);
  if (!source.file_) {
    return failure(Errc::io_failed, "'" + path + "' cannot be read: " + std::strerror(errno));
  }
  source.buffer_.resize(buffer_bytes);
  source.line_bytes_max_ = line_bytes_max;
  return source;
}

Result<std::optional<std::string>> LineSource::next() {
  std::string line;
  bool any = false;
  for (;;) {
    if (begin_ == end_) {
      file_.read(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
      begin_ = 0;
      end_ = static_cast<std::size_t>(file_.gcount());
      if (file_.bad()) return failure(Errc::io_failed, "the file could not be read any further");
      if (end_ == 0) break;
    }
    any = true;
    const char* at = buffer_.data() + begin_;
    const auto* newline = static_cast<const char*>(std::memchr(at, '\n', end_ - begin_));
    const std::size_t size =
        newline == nullptr ? end_ - begin_ : static_cast<std::size_t>(newline - at);
    if (line.size() + size > line_bytes_max_) {
      return failure(Errc::record_too_large,
                     "line " + std::to_string(line_ + 1) + " is longer than the largest record");
    }
    line.append(at, size);
    begin_ += size + (newline == nullptr ? 0 : 1);
    bytes_read_ += size + (newline == nullptr ? 0 : 1);
    if (newline != nullptr) break;
  }
  if (!any) return std::optional<std::string>();
  ++line_;
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return std::optional<std::string>(std::move(line));
}

}  // namespace pinion::gui

#include "cli/line_reader.hpp"

#include "cli/interrupt.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <poll.h>
#include <unistd.h>

namespace pinion::cli {
namespace {

constexpr std::size_t read_bytes = 256 * 1024;

}  // namespace

Result<std::optional<std::string_view>> LineReader::next() {
  for (;;) {
    const void* found =
        end_ > scanned_ ? std::memchr(buffer_.data() + scanned_, '\n', end_ - scanned_) : nullptr;
    if (found != nullptr) {
      const auto at = static_cast<std::size_t>(static_cast<const char*>(found) - buffer_.data());
      if (at - begin_ > line_bytes_max_) return too_long();
      return take(at - begin_, at - begin_ + 1);
    }
    scanned_ = end_;
    if (end_ - begin_ > line_bytes_max_) return too_long();
    if (at_end_) {
      if (begin_ == end_) return std::optional<std::string_view>();
      return take(end_ - begin_, end_ - begin_);
    }
    PINION_TRY(filled, fill());
    if (filled == Filled::end) {
      at_end_ = true;
      // After a signal a line that has no newline yet is not a line: it was still being written.
      if (interrupted()) return std::optional<std::string_view>();
    }
  }
}

std::optional<std::string_view> LineReader::take(std::size_t size, std::size_t with_newline) {
  const std::string_view line(buffer_.data() + begin_, size);
  begin_ += with_newline;
  scanned_ = begin_;
  ++lines_;
  bytes_ += with_newline;
  return line;
}

tl::unexpected<Error> LineReader::too_long() const {
  return failure(Errc::record_too_large, "line " + std::to_string(lines_ + 1) +
                                             " is longer than a record may be (" +
                                             std::to_string(line_bytes_max_) + " bytes)");
}

Result<LineReader::Filled> LineReader::fill() {
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    scanned_ -= begin_;
    begin_ = 0;
  }
  if (buffer_.size() < end_ + read_bytes) {
    buffer_.resize(std::max(buffer_.size() * 2, end_ + read_bytes));
  }
  for (;;) {
    if (interrupted()) return Filled::end;
    pollfd waits[2] = {{descriptor_, POLLIN, 0}, {interrupt_descriptor(), POLLIN, 0}};
    ::poll(waits, 2, -1);
    if (waits[0].revents == 0) continue;
    const ssize_t got = ::read(descriptor_, buffer_.data() + end_, buffer_.size() - end_);
    if (got > 0) {
      end_ += static_cast<std::size_t>(got);
      return Filled::more;
    }
    if (got == 0) return Filled::end;
    if (errno != EINTR && errno != EAGAIN) {
      return failure(Errc::io_failed, std::strerror(errno));
    }
  }
}

}  // namespace pinion::cli

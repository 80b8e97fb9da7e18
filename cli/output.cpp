#include "cli/output.hpp"

#include "cli/interrupt.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pinion::cli {
namespace {

/// The most that a pipe that polls writable takes without blocking.
constexpr std::size_t pipe_bytes = 4096;

bool can_block(int descriptor) {
  struct stat status {};
  if (fstat(descriptor, &status) != 0) return false;
  return !S_ISREG(status.st_mode);
}

std::string one_line(std::string_view text) {
  std::string line(text);
  std::replace(line.begin(), line.end(), '\n', ' ');
  std::replace(line.begin(), line.end(), '\r', ' ');
  return line;
}

void write_stderr(const std::string& text) {
  std::string_view rest = text;
  while (!rest.empty()) {
    const ssize_t written = ::write(2, rest.data(), rest.size());
    if (written <= 0) return;
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace

Output::Output(int descriptor) : descriptor_(descriptor), may_block_(can_block(descriptor)) {}

bool Output::flush() {
  if (buffer_.empty() || !good()) {
    buffer_.clear();
    return good();
  }
  const bool written = write_all(buffer_);
  buffer_.clear();
  return written;
}

bool Output::write_all(std::string_view text) {
  while (!text.empty()) {
    std::size_t size = text.size();
    if (may_block_) {
      pollfd waits[2] = {{descriptor_, POLLOUT, 0}, {interrupt_descriptor(), POLLIN, 0}};
      ::poll(waits, interrupted() ? 1 : 2, interrupted() ? 100 : -1);
      if ((waits[0].revents & (POLLOUT | POLLERR | POLLHUP)) == 0) {
        if (!interrupted()) continue;
        errno_ = EINTR;
        return false;
      }
      size = std::min(size, pipe_bytes);
    }
    const ssize_t written = ::write(descriptor_, text.data(), size);
    if (written < 0) {
      if (errno == EINTR || errno == EAGAIN) continue;
      errno_ = errno;
      return false;
    }
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

int Output::exit_status() const {
  if (errno_ == 0) return 0;
  if (errno_ == EPIPE) return exit_closed_pipe;
  if (errno_ == EINTR) return exit_interrupted;
  return complain(std::string("writing the output failed: ") + std::strerror(errno_) +
                  "; make room or choose another place for it");
}

int complain(std::string_view sentence) {
  write_stderr("pinion: " + one_line(sentence) + "\n");
  return 1;
}

void remark(std::string_view sentence) { write_stderr(one_line(sentence) + "\n"); }

Progress::Progress() : enabled_(is_terminal(2)) {}

bool Progress::due() {
  if (!enabled_) return false;
  const Micros now = monotonic_now();
  if (now < next_) return false;
  next_ = now + 200ms;
  return true;
}

void Progress::show(std::string_view text) {
  if (!enabled_) return;
  write_stderr("\r\x1b[K" + one_line(text));
  shown_ = true;
}

void Progress::finish() {
  if (shown_) write_stderr("\r\x1b[K");
  shown_ = false;
}

bool is_terminal(int descriptor) { return isatty(descriptor) == 1; }

Micros monotonic_now() {
  return std::chrono::duration_cast<Micros>(std::chrono::steady_clock::now().time_since_epoch());
}

Micros wall_now() {
  return std::chrono::duration_cast<Micros>(std::chrono::system_clock::now().time_since_epoch());
}

}  // namespace pinion::cli

// What the command line writes: results on stdout, errors as one line on stderr, progress on a
// terminal only.
//
// Output buffers, writes whole buffers, and remembers a closed pipe instead of dying of it, so that
// a consumer commits no position for what nobody read. One thread at a time.
#pragma once

#include "common/base/time.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace pinion::cli {

class Output {
 public:
  explicit Output(int descriptor = 1);
  ~Output() { flush(); }
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  void write(std::string_view text) {
    buffer_.append(text);
    if (buffer_.size() >= flush_bytes) flush();
  }
  void line(std::string_view text) {
    buffer_.append(text);
    write("\n");
  }

  /// False when the reader is gone, or the write failed; then nothing more is written.
  bool flush();

  [[nodiscard]] bool good() const noexcept { return errno_ == 0; }
  /// The exit status that a failed output asks for, after its line on stderr (a closed pipe: none).
  [[nodiscard]] int exit_status() const;

 private:
  static constexpr std::size_t flush_bytes = 64 * 1024;

  bool write_all(std::string_view text);

  int descriptor_;
  bool may_block_;  ///< A pipe or a terminal: a write must not keep a signal waiting.
  int errno_ = 0;
  std::string buffer_;
};

/// "pinion: SENTENCE" on stderr, as one line. Returns 1, for `return complain(...)`.
int complain(std::string_view sentence);
/// A line on stderr that is no error.
void remark(std::string_view sentence);

/// One line on stderr that is rewritten a few times a second; nothing at all when stderr is no
/// terminal.
class Progress {
 public:
  Progress();
  ~Progress() { finish(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// True when it is time to show something again: ask before building the text.
  [[nodiscard]] bool due();
  void show(std::string_view text);
  void finish();

 private:
  bool enabled_;
  bool shown_ = false;
  Micros next_{0};
};

[[nodiscard]] bool is_terminal(int descriptor);
[[nodiscard]] Micros monotonic_now();
[[nodiscard]] Micros wall_now();

}  // namespace pinion::cli

// The structured log: one line an event, for people and for grep.
//
//   log_info("node registered", {{"node", id}, {"incarnation", incarnation}});
//   2026-01-02T03:04:05.678901Z info  node registered node=3 incarnation=7
//
// Any thread may log, I/O threads too: a line is formatted where it is made and handed to one
// writer thread through a bounded queue; when the disk or terminal cannot keep up the oldest lines
// are lost and counted, and nobody waits. Before start_log() warnings and errors go straight to
// stderr. This module is the one home of spdlog.
#pragma once

#include "common/base/error.hpp"
#include "common/base/result.hpp"
#include "common/base/tagged.hpp"
#include "common/base/time.hpp"
#include "common/obs/log_config.hpp"

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

namespace pinion {

/// A field's value; refers to text that the caller keeps for the length of the call.
class LogValue {
 public:
  using Held = std::variant<std::int64_t, std::uint64_t, double, bool, std::string_view>;

  LogValue(bool value) noexcept : held_(value) {}                                // NOLINT
  LogValue(double value) noexcept : held_(value) {}                              // NOLINT
  LogValue(const char* text) noexcept : held_(std::string_view(text)) {}         // NOLINT
  LogValue(std::string_view text) noexcept : held_(text) {}                      // NOLINT
  LogValue(const std::string& text) noexcept : held_(std::string_view(text)) {}  // NOLINT
  LogValue(Errc code) noexcept : held_(name_of(code)) {}                         // NOLINT
  template <std::signed_integral T>
  LogValue(T value) noexcept : held_(static_cast<std::int64_t>(value)) {}  // NOLINT
  template <std::unsigned_integral T>
  requires(!std::same_as<T, bool>) LogValue(T value)
  noexcept : held_(static_cast<std::uint64_t>(value)) {}  // NOLINT
  template <typename Rep, typename Tag>
  LogValue(Tagged<Rep, Tag> value) noexcept : LogValue(value.raw()) {}  // NOLINT
  /// Microseconds; let the field's name end in _us.
  LogValue(Micros value) noexcept : held_(std::int64_t{value.count()}) {}  // NOLINT

  [[nodiscard]] const Held& held() const noexcept { return held_; }

 private:
  Held held_;
};

struct LogField {
  std::string_view name;
  LogValue value;
};
using LogFields = std::initializer_list<LogField>;

/// Starts the writer thread. Once a process, before servers start; a second call fails with
/// invalid_argument. `io_failed` when the file cannot be opened.
[[nodiscard]] Result<void> start_log(const LogConfig& config);

/// Writes what is queued and ends the writer thread. Lines after it go to stderr, as before
/// start_log(). Harmless when the log was never started.
void stop_log();

/// Lines that were lost because the queue was full, since the start.
[[nodiscard]] std::uint64_t log_lines_lost() noexcept;

/// For work that is only worth doing when its line would be written.
[[nodiscard]] bool log_enabled(LogLevel level) noexcept;

/// `event` is a constant: what happened, in words that never change, so that it can be searched
/// for. What varies goes into the fields.
void log_line(LogLevel level, std::string_view event, LogFields fields = {});

inline void log_debug(std::string_view event, LogFields fields = {}) {
  if (log_enabled(LogLevel::debug)) log_line(LogLevel::debug, event, fields);
}
inline void log_info(std::string_view event, LogFields fields = {}) {
  if (log_enabled(LogLevel::info)) log_line(LogLevel::info, event, fields);
}
inline void log_warn(std::string_view event, LogFields fields = {}) {
  if (log_enabled(LogLevel::warn)) log_line(LogLevel::warn, event, fields);
}
inline void log_error(std::string_view event, LogFields fields = {}) {
  if (log_enabled(LogLevel::error)) log_line(LogLevel::error, event, fields);
}

/// The line without time and level: "node registered node=3 rack=\"a b\"". Values that hold spaces,
/// quotes or control characters are quoted and escaped, so that a line stays a line whatever a peer
/// sends.
[[nodiscard]] std::string format_log_line(std::string_view event, LogFields fields);

/// For events that a peer can cause at will: lets one through each `every` and counts the rest.
/// Belongs to one thread.
class LogLimiter {
 public:
  explicit LogLimiter(Micros every = Micros(1'000'000)) noexcept : every_(every) {}

  /// True when a line may be written now; `suppressed()` then says how many were not since.
  [[nodiscard]] bool allow(Micros monotonic) noexcept {
    if (monotonic < next_) {
      ++waiting_;
      return false;
    }
    next_ = monotonic + every_;
    suppressed_ = waiting_;
    waiting_ = 0;
    return true;
  }
  [[nodiscard]] std::uint64_t suppressed() const noexcept { return suppressed_; }

 private:
  Micros every_;
  Micros next_{Micros::min()};
  std::uint64_t waiting_ = 0;
  std::uint64_t suppressed_ = 0;
};

}  // namespace pinion

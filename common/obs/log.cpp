#include "common/obs/log.hpp"

#include <spdlog/async.h>
#include <spdlog/async_logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "common/base/limits.hpp"
#include "common/base/text.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <cstdio>
#include <deque>
#include <memory>
#include <utility>

namespace pinion {
namespace {

constexpr std::string_view hex = "0123456789abcdef";

/// One start of the log. Never destroyed, so that a thread which is just logging while the log
/// stops holds nothing that goes away; spdlog's own weak pointer tells it that the writer is gone.
struct Writer {
  std::shared_ptr<spdlog::async_logger> logger;
  std::weak_ptr<spdlog::details::thread_pool> pool;
  std::atomic<std::uint64_t> lost_reported{0};

  [[nodiscard]] std::uint64_t lost() const {
    const auto locked = pool.lock();
    return locked ? std::uint64_t{locked->overrun_counter()} : 0;
  }
};

/// Owned by the thread that starts and stops the log.
struct Owner {
  std::shared_ptr<spdlog::details::thread_pool> pool;
  std::deque<Writer> writers;
};
Owner& owner() {
  static Owner* const instance = new Owner;  // Outlives every thread that may still log.
  return *instance;
}

std::atomic<Writer*> current{nullptr};
std::atomic<LogLevel> level_now{LogLevel::warn};
std::atomic<std::uint64_t> lost_before{0};

std::string_view level_text(LogLevel level) noexcept {
  constexpr std::array<std::string_view, 4> texts = {"debug ", "info  ", "warn  ", "error "};
  return texts[std::min(static_cast<std::size_t>(level), texts.size() - 1)];
}

bool is_bare(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return c > ' ' && c < 0x7F && c != '"' && c != '=' && c != '\\';
  });
}

void append_text(std::string& line, std::string_view text) {
  const bool cut = text.size() > limits::log_value_bytes_max;
  text = text.substr(0, limits::log_value_bytes_max);
  if (is_bare(text) && !cut) {
    line += text;
    return;
  }
  const bool readable = is_utf8(text);
  line += '"';
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      line += '\\';
      line += c;
    } else if (code < 0x20 || code == 0x7F || (code > 0x7F && !readable)) {
      line += "\\x";
      line += hex[code >> 4];
      line += hex[code & 15];
    } else {
      line += c;
    }
  }
  line += cut ? "...\"" : "\"";
}

template <typename Number>
void append_number(std::string& line, Number value) {
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  line.append(digits.data(), end);
}

void append_value(std::string& line, const LogValue& value) {
  std::visit(
      [&line]<typename T>(const T& held) {
        if constexpr (std::is_same_v<T, bool>) {
          line += held ? "true" : "false";
        } else if constexpr (std::is_same_v<T, std::string_view>) {
          append_text(line, held);
        } else {
          append_number(line, held);
        }
      },
      value.held());
}

/// UTC, to the microsecond; the level is a part of the line.
std::unique_ptr<spdlog::formatter> make_formatter() {
  return std::make_unique<spdlog::pattern_formatter>("%Y-%m-%dT%H:%M:%S.%fZ %v",
                                                     spdlog::pattern_time_type::utc);
}

std::shared_ptr<spdlog::sinks::sink> make_sink(const LogConfig& config) {
  if (config.file.empty()) return std::make_shared<spdlog::sinks::stderr_sink_mt>();
  return std::make_shared<spdlog::sinks::rotating_file_sink_mt>(
      config.file, std::size_t{config.file_mib_max} * limits::mib, config.files_kept);
}

void write(Writer& writer, std::string_view line) {
  writer.logger->log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
}

/// Says once what the queue had no room for.
void report_losses(Writer& writer) {
  const std::uint64_t lost = writer.lost();
  std::uint64_t reported = writer.lost_reported.load(std::memory_order_relaxed);
  if (lost == reported || !writer.lost_reported.compare_exchange_strong(reported, lost)) return;
  std::string line(level_text(LogLevel::warn));
  line += format_log_line("log lines lost", {{"lines", lost - reported}});
  write(writer, line);
}

}  // namespace

Result<void> start_log(const LogConfig& config) {
  if (owner().pool) return failure(Errc::invalid_argument, "the log is already running");
  // spdlog reports what it cannot do by throwing; it says so of opening files and making threads.
  try {
    auto sink = make_sink(config);
    auto pool = std::make_shared<spdlog::details::thread_pool>(limits::log_queue_lines, 1U);
    auto logger = std::make_shared<spdlog::async_logger>(
        "pinion", std::move(sink), pool, spdlog::async_overflow_policy::overrun_oldest);
    logger->set_formatter(make_formatter());
    logger->set_level(spdlog::level::trace);
    logger->flush_on(spdlog::level::trace);  // By the writer thread, so that a crash loses little.
    Writer& writer = owner().writers.emplace_back();
    writer.logger = std::move(logger);
    writer.pool = pool;
    owner().pool = std::move(pool);
    level_now.store(config.level, std::memory_order_relaxed);
    current.store(&writer, std::memory_order_release);
    return {};
  } catch (const std::exception& error) {
    return failure(Errc::io_failed, "the log cannot be written: " + std::string(error.what()));
  }
}

void stop_log() {
  Writer* const writer = current.exchange(nullptr, std::memory_order_acq_rel);
  if (writer == nullptr) return;
  report_losses(*writer);
  lost_before.fetch_add(writer->lost(), std::memory_order_relaxed);
  level_now.store(LogLevel::warn, std::memory_order_relaxed);
  owner().pool.reset();  // Writes what is queued, then joins its thread.
}

std::uint64_t log_lines_lost() noexcept {
  const Writer* const writer = current.load(std::memory_order_acquire);
  return lost_before.load(std::memory_order_relaxed) + (writer != nullptr ? writer->lost() : 0);
}

bool log_enabled(LogLevel level) noexcept {
  return level >= level_now.load(std::memory_order_relaxed);
}

void log_line(LogLevel level, std::string_view event, LogFields fields) {
  if (!log_enabled(level) || level == LogLevel::off) return;
  std::string line(level_text(level));
  line += format_log_line(event, fields);
  Writer* const writer = current.load(std::memory_order_acquire);
  if (writer == nullptr) {
    std::fprintf(stderr, "%s\n", line.c_str());
    return;
  }
  write(*writer, line);
  report_losses(*writer);
}

std::string format_log_line(std::string_view event, LogFields fields) {
  std::string line(event);
  for (const LogField& field : fields) {
    line += ' ';
    line += field.name;
    line += '=';
    append_value(line, field.value);
  }
  return line;
}

}  // namespace pinion

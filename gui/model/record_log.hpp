// RecordLog: the records that were fetched for a panel, oldest first, bounded in number and bytes.
// What does not fit is dropped at the old end, and counted.
//
// The feed thread appends; view() is an immutable picture that costs a vector of pointers, for the
// UI thread to keep as long as it likes. A record's number counts from the first one that was ever
// appended, so it stays the same when older ones are dropped.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/ids.hpp"
#include "common/base/time.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pinion::gui {

/// One record, in 56 bytes: key, headers and value lie one after the other in memory that its chunk
/// keeps.
struct RecordRow {
  static constexpr std::uint32_t none = 0xffffffff;

  const std::string* topic = nullptr;
  const char* body = nullptr;
  std::int64_t offset = 0;
  std::int64_t timestamp = 0;  ///< Microseconds since 1970, the producer's.
  std::int64_t log_time = 0;   ///< The log's.
  std::int32_t partition = 0;
  std::uint32_t key_size = none;
  std::uint32_t headers_size = none;
  std::uint32_t value_size = 0;

  [[nodiscard]] std::optional<std::string_view> key() const noexcept {
    if (key_size == none) return std::nullopt;
    return std::string_view(body, key_size);
  }
  [[nodiscard]] std::optional<std::string_view> headers() const noexcept {
    if (headers_size == none) return std::nullopt;
    return std::string_view(body + key_bytes(), headers_size);
  }
  [[nodiscard]] std::string_view value_bytes() const noexcept {
    return {body + key_bytes() + (headers_size == none ? 0 : headers_size), value_size};
  }
  [[nodiscard]] std::size_t body_bytes() const noexcept {
    return key_bytes() + (headers_size == none ? 0 : headers_size) + value_size;
  }

 private:
  [[nodiscard]] std::size_t key_bytes() const noexcept { return key_size == none ? 0 : key_size; }
};

struct RecordChunk {
  std::vector<RecordRow> rows;
  std::vector<Bytes> memory;  ///< What the rows refer to.
  std::vector<std::shared_ptr<const std::string>> topics;
  std::size_t bytes = 0;  ///< Of the rows and what they refer to.
};

/// Makes one chunk of records whose parts may lie anywhere, by copying them.
class RecordChunkBuilder {
 public:
  struct Record {
    std::int32_t partition = 0;
    std::int64_t offset = 0;
    std::int64_t timestamp = 0;
    std::int64_t log_time = 0;
    std::optional<std::string_view> key{};
    std::optional<std::string_view> headers{};
    std::string_view value{};
  };
  explicit RecordChunkBuilder(std::shared_ptr<const std::string> topic);
  void add(const Record& record);
  [[nodiscard]] std::size_t size() const noexcept { return rows_.size(); }
  [[nodiscard]] RecordChunk build() &&;

 private:
  std::shared_ptr<const std::string> topic_;
  std::string memory_;
  std::vector<std::size_t> begins_;
  std::vector<RecordRow> rows_;
};

/// An immutable picture of a RecordLog.
class LogView {
 public:
  using Chunks = std::vector<std::shared_ptr<const RecordChunk>>;

  LogView() = default;
  LogView(std::uint64_t first, std::uint64_t end, std::vector<std::uint64_t> begins, Chunks chunks)
      : first_(first), end_(end), begins_(std::move(begins)), chunks_(std::move(chunks)) {}

  [[nodiscard]] std::uint64_t first() const noexcept { return first_; }  ///< Number of the oldest.
  [[nodiscard]] std::uint64_t end() const noexcept { return end_; }      ///< Behind the newest.
  [[nodiscard]] std::size_t size() const noexcept {
    return static_cast<std::size_t>(end_ - first_);
  }
  [[nodiscard]] bool empty() const noexcept { return first_ == end_; }
  /// Nothing when it was dropped, or is not there yet.
  [[nodiscard]] const RecordRow* find(std::uint64_t number) const;

  /// The rows from `number` on that lie together, for scans; empty at the end, and where numbers
  /// have no row.
  struct Run {
    const RecordRow* rows = nullptr;
    std::size_t count = 0;
  };
  [[nodiscard]] Run run_at(std::uint64_t number) const;
  /// Where rows may go on behind a number that has none: always beyond it, at most end().
  [[nodiscard]] std::uint64_t next_begin(std::uint64_t number) const;

 private:
  std::uint64_t first_ = 0;
  std::uint64_t end_ = 0;
  std::vector<std::uint64_t> begins_;  ///< The number of each chunk's first row.
  Chunks chunks_;
};

struct RecordLogLimits {
  std::size_t rows_max = 1'000'000;
  std::size_t bytes_max = 512UL * 1024 * 1024;
};

class RecordLog {
 public:
  explicit RecordLog(RecordLogLimits limits = {}) : limits_(limits) {}

  void append(RecordChunk&& chunk);
  void clear();

  [[nodiscard]] LogView view() const;
  [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

 private:
  void drop_oldest();

  RecordLogLimits limits_;
  std::deque<std::shared_ptr<const RecordChunk>> chunks_;
  std::uint64_t first_ = 0;
  std::uint64_t end_ = 0;
  std::uint64_t dropped_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace pinion::gui

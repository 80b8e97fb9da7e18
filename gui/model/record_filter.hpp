// RecordFilter: which records a panel shows; and FilteredRecords, which finds them a bounded piece
// of work at a time, so that a frame never waits for a scan of a million records.
//
// The text of a filter:   words anywhere            ann
//                         in the key                key:ann
//                         in a header               header:trace-id   header:trace-id=4bf9
//                         of a partition            partition:3
//                         by JSON path              .user.name = ann   .price >= 10   .error
//                         and with any name         $["a.b"] ~ part
// Several parts are joined by blanks and all must hold; quotes keep blanks: "two words". Around a
// sign blanks may stand or not; in quotes it is none. Case counts only in JSON names. Pure.
#pragma once

#include "common/base/result.hpp"
#include "gui/model/json.hpp"
#include "gui/model/record_log.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace pinion::gui {

class RecordFilter {
 public:
  /// An empty text lets everything pass. `invalid_argument` says which part is wrong.
  [[nodiscard]] static Result<RecordFilter> parse(std::string_view text);
  [[nodiscard]] bool matches(const RecordRow& row) const;
  [[nodiscard]] bool lets_all_pass() const noexcept { return parts_.empty(); }

 private:
  enum class Where : std::uint8_t { anywhere, key, value, header, partition, json };
  enum class Compare : std::uint8_t {
    exists,
    equal,
    unequal,
    less,
    at_most,
    greater,
    at_least,
    contains
  };
  struct Part {
    Where where = Where::anywhere;
    Compare compare = Compare::contains;
    std::string text{};  ///< In small letters, but for `json`.
    std::string name{};  ///< Of a header.
    std::vector<JsonStep> path{};
    std::optional<double> number{};
    std::int32_t partition = 0;
    bool negated = false;
  };
  struct Written;
  static Result<Part> parse_part(const Written& written);
  static Result<Part> parse_comparison(const Written& written, Part part);
  static bool holds(const Part& part, const RecordRow& row);
  static bool holds_json(const Part& part, std::string_view value);
  static bool holds_header(const Part& part, const RecordRow& row);

  std::vector<Part> parts_;
};

enum class LatestOfKey : std::uint8_t { no, yes };

/// The numbers of the records that match, oldest first. With LatestOfKey only the last one of each
/// topic and key; a record without a key is none.
class FilteredRecords {
 public:
  void set(RecordFilter filter, LatestOfKey latest = LatestOfKey::no);
  /// What one step reads at most, but for its last record: some milliseconds of JSON.
  static constexpr std::size_t step_bytes_max = 256UL * 1024;
  /// Looks at up to `rows_max` records that were not looked at yet, of not many more bytes than
  /// `step_bytes_max`. True when there are more.
  /// Follows the log: what was dropped there goes here too.
  bool advance(const LogView& records, std::size_t rows_max);

  /// When everything passes there is no list: the view's own numbers are used.
  [[nodiscard]] std::size_t size(const LogView& records) const;
  [[nodiscard]] std::uint64_t number_at(const LogView& records, std::size_t index) const;
  /// The index of a number, or of the first one behind it.
  [[nodiscard]] std::size_t index_of(const LogView& records, std::uint64_t number) const;
  [[nodiscard]] bool filters() const noexcept {
    return latest_ == LatestOfKey::yes || !filter_.lets_all_pass();
  }
  [[nodiscard]] std::uint64_t looked_at(const LogView& records) const;

 private:
  void add(const LogView& records, const RecordRow& row, std::uint64_t number);
  void drop_outdated();

  RecordFilter filter_;
  LatestOfKey latest_ = LatestOfKey::no;
  /// By a hash of topic and key: the last number of it. Two keys with one hash are both shown.
  std::unordered_map<std::size_t, std::uint64_t> last_;
  std::vector<std::uint64_t> outdated_;  ///< Of `found_`, ascending once sorted.
  std::vector<std::uint64_t> found_;
  std::size_t dropped_ = 0;  ///< Of `found_`, at its front.
  std::uint64_t next_ = 0;   ///< The number to look at next.
};

}  // namespace pinion::gui

// What a run of senders and readers must satisfy, in the terms of Jepsen's queue workload
// (docs/TESTING.md "Words of the checkers"): it is told every send with its outcome and every
// record that was read, and names what is wrong.
//
// Every value is sent once only. A send ends as ok (acknowledged at an offset), fail (never in the
// log) or info (unknown: it may be there once, or not). Calls may come from several threads.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace pinion::test {

struct LogPlace {
  std::int32_t partition = 0;
  std::int64_t offset = 0;
  auto operator<=>(const LogPlace&) const = default;
};

class LogChecker {
 public:
  /// Before the send. The values of one sender that go to one partition must keep their order.
  void on_send(const std::string& sender, const std::string& value);
  void on_ok(const std::string& value, LogPlace place);
  void on_fail(const std::string& value);
  void on_info(const std::string& value);

  /// In the order in which `reader` got them. A reader that starts again is another reader.
  void on_read(const std::string& reader, LogPlace place, const std::string& value);

  struct Counts {
    std::uint64_t sent = 0;
    std::uint64_t ok = 0;
    std::uint64_t fail = 0;
    std::uint64_t info = 0;
    std::uint64_t recovered = 0;  ///< info, and read.
    std::uint64_t read = 0;       ///< Distinct values.
  };
  [[nodiscard]] Counts counts() const;

  /// What is wrong, a sentence each, the kind first; at most 20 a kind. Empty: nothing is.
  /// Requires: every reader of the final phase has read to the end.
  [[nodiscard]] std::vector<std::string> anomalies() const;

  /// `ok` values that nobody has read yet.
  [[nodiscard]] std::uint64_t unseen() const;

 private:
  enum class Outcome : std::uint8_t { open, ok, fail, info };
  struct Send {
    std::string sender;
    std::uint64_t number = 0;  ///< In its sender's order.
    Outcome outcome = Outcome::open;
    std::optional<LogPlace> acked;
    std::set<LogPlace> read_at;
  };
  struct Report;

  void check_sends(Report& report) const;
  void check_places(Report& report) const;
  void check_send_order(Report& report) const;
  void check_readers(Report& report) const;

  mutable std::mutex mutex_;
  std::map<std::string, Send> sends_;
  std::map<std::string, std::uint64_t> sent_by_;
  std::map<LogPlace, std::set<std::string>> values_at_;
  std::map<std::string, std::map<std::int32_t, std::vector<std::int64_t>>> reads_of_;
  std::set<std::string> unexpected_;
};

}  // namespace pinion::test

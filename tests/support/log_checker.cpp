#include "tests/support/log_checker.hpp"

#include <algorithm>

namespace pinion::test {
namespace {

constexpr std::size_t sentences_per_kind_max = 20;

std::string text_of(const LogPlace& place) {
  return "partition " + std::to_string(place.partition) + " offset " + std::to_string(place.offset);
}

}  // namespace

struct LogChecker::Report {
  std::vector<std::string> sentences;
  std::map<std::string, std::size_t> kinds;

  void add(const std::string& kind, const std::string& what) {
    const std::size_t count = ++kinds[kind];
    if (count <= sentences_per_kind_max) sentences.push_back(kind + ": " + what);
  }
};

void LogChecker::on_send(const std::string& sender, const std::string& value) {
  const std::lock_guard lock(mutex_);
  Send& send = sends_[value];
  send.sender = sender;
  send.number = sent_by_[sender]++;
}

void LogChecker::on_ok(const std::string& value, LogPlace place) {
  const std::lock_guard lock(mutex_);
  Send& send = sends_[value];
  send.outcome = Outcome::ok;
  send.acked = place;
  values_at_[place].insert(value);
}

void LogChecker::on_fail(const std::string& value) {
  const std::lock_guard lock(mutex_);
  sends_[value].outcome = Outcome::fail;
}

void LogChecker::on_info(const std::string& value) {
  const std::lock_guard lock(mutex_);
  sends_[value].outcome = Outcome::info;
}

void LogChecker::on_read(const std::string& reader, LogPlace place, const std::string& value) {
  const std::lock_guard lock(mutex_);
  values_at_[place].insert(value);
  reads_of_[reader][place.partition].push_back(place.offset);
  const auto found = sends_.find(value);
  if (found == sends_.end()) {
    unexpected_.insert(value);
  } else {
    found->second.read_at.insert(place);
  }
}

LogChecker::Counts LogChecker::counts() const {
  const std::lock_guard lock(mutex_);
  Counts counts;
  for (const auto& [value, send] : sends_) {
    ++counts.sent;
    if (send.outcome == Outcome::ok) ++counts.ok;
    if (send.outcome == Outcome::fail) ++counts.fail;
    const bool unknown = send.outcome == Outcome::info || send.outcome == Outcome::open;
    if (unknown) ++counts.info;
    if (unknown && !send.read_at.empty()) ++counts.recovered;
    if (!send.read_at.empty()) ++counts.read;
  }
  return counts;
}

std::uint64_t LogChecker::unseen() const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::uint64_t>(std::count_if(sends_.begin(), sends_.end(), [](const auto& s) {
    return s.second.outcome == Outcome::ok && s.second.read_at.empty();
  }));
}

std::vector<std::string> LogChecker::anomalies() const {
  const std::lock_guard lock(mutex_);
  Report report;
  check_sends(report);
  check_places(report);
  check_send_order(report);
  check_readers(report);
  return report.sentences;
}

/// lost, unexpected, duplicate, G1a (aborted read), and an ack that names another place.
void LogChecker::check_sends(Report& report) const {
  for (const std::string& value : unexpected_) {
    report.add("unexpected", "'" + value.substr(0, 80) + "' was read and never sent");
  }
  for (const auto& [value, send] : sends_) {
    if (send.outcome == Outcome::ok && send.read_at.empty()) {
      report.add("lost",
                 "'" + value + "' was acknowledged at " + text_of(*send.acked) + " and never read");
    }
    if (send.outcome == Outcome::fail && !send.read_at.empty()) {
      report.add("G1a", "'" + value + "' failed for certain and was read at " +
                            text_of(*send.read_at.begin()));
    }
    if (send.read_at.size() > 1) {
      report.add("duplicate", "'" + value + "' is at " + text_of(*send.read_at.begin()) + " and " +
                                  text_of(*send.read_at.rbegin()));
    }
    if (send.acked && !send.read_at.empty() && send.read_at.count(*send.acked) == 0) {
      report.add("inconsistent-offsets", "'" + value + "' was acknowledged at " +
                                             text_of(*send.acked) + " and read at " +
                                             text_of(*send.read_at.begin()));
    }
  }
}

void LogChecker::check_places(Report& report) const {
  for (const auto& [place, values] : values_at_) {
    if (values.size() > 1) {
      report.add("inconsistent-offsets",
                 text_of(place) + " held '" + *values.begin() + "' and '" + *values.rbegin() + "'");
    }
  }
}

/// In each partition one sender's values stand in the order in which it sent them.
void LogChecker::check_send_order(Report& report) const {
  std::map<std::pair<std::int32_t, std::string>, std::pair<std::uint64_t, std::string>> last;
  for (const auto& [place, values] : values_at_) {
    for (const std::string& value : values) {
      const auto found = sends_.find(value);
      if (found == sends_.end()) continue;
      auto& [number, before] = last[{place.partition, found->second.sender}];
      if (!before.empty() && found->second.number < number) {
        report.add("nonmonotonic-send", "'" + value + "' at " + text_of(place) +
                                            " was sent before '" + before +
                                            "', which stands in front of it");
      }
      number = found->second.number;
      before = value;
    }
  }
}

/// No reader goes back, and none skips a place that holds a value.
void LogChecker::check_readers(Report& report) const {
  for (const auto& [reader, partitions] : reads_of_) {
    for (const auto& [partition, offsets] : partitions) {
      for (std::size_t i = 1; i < offsets.size(); ++i) {
        const LogPlace place{partition, offsets[i]};
        if (offsets[i] <= offsets[i - 1]) {
          report.add("nonmonotonic-poll", reader + " read " + text_of(place) + " after offset " +
                                              std::to_string(offsets[i - 1]));
        } else if (offsets[i] != offsets[i - 1] + 1) {
          report.add("poll-skip", reader + " read " + text_of(place) + " right after offset " +
                                      std::to_string(offsets[i - 1]));
        }
      }
    }
  }
}

}  // namespace pinion::test

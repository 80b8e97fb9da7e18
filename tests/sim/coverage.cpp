#include "tests/sim/coverage.hpp"

#include "common/base/error.hpp"
#include "tests/sim/event_names.hpp"

#include <map>

namespace pinion::sim {

namespace {

const char* const faults[] = {
    "fault: kill of a node",
    "fault: power cut of a node",
    "fault: clean stop of a node",
    "fault: kill of a broker",
    "fault: power cut of a broker",
    "fault: clean stop of the broker",
    "fault: pause of a node",
    "fault: pause of a broker",
    "fault: cut one way",
    "fault: clog",
    "fault: failing sync",
    "fault: full disk",
    "fault: full metadata disk",
    "fault: slow disk",
    "fault: hanging disk",
    "fault: clock jump",
    "fault: blackout",
    "fault: cut between nodes",
    "fault: isolated node",
    "fault: an isolated node dies",
    "fault: two groups",
    "fault: bridge",
    "fault: ring",
    "fault: gone for good",
    "fault: one left behind",
    "fault: flipped bits",
    "fault: truncated files",
    "fault: emptied files",
    "fault: lost files",
    "fault: swapped files",
    "fault: another disk",
    "fault: an older file",
    "fault: an older disk",
    "fault: a lying disk",
    "fault: another node beside an older disk",
    "fault: a disk of an earlier life",
    "fault: kill of a prod",
    "fault: kill of a cons",
    "fault: kill of a deq",
    "fault: kill of a raw",
    "fault: kill of a oper",
    "network: lost",
    "network: duplicated",
    "network: slow",
    "network: clogged",
    "network: lost in a cut",
    "disk: stall",
    "broker: a node's queue is full",
};

const char* const operations[] = {
    "sends: ok",
    "sends: fail",
    "sends: info",
    "commits: ok",
    "commits: info",
    "dequeued",
    "consumer: seek",
    "producer: closed and opened",
    "consumer: asks any replica",
    "records polled",
    "raw producer: gave up",
    "operation: drain",
    "operation: keep",
    "operation: remove",
    "operation: rebalance",
    "operation: one more node",
    "operation: alter partitions",
    "operation: alter replication",
    "operation: alter the least in sync",
};

/// Codes that no answer to a client has, and why.
const std::map<Errc, const char*>& codes_excused() {
  static const char* const library = "made by the client library, never sent";
  static const char* const local = "of a program's own files; never sent";
  static const char* const codec =
      "the codec's own tests and fuzzers send it; messages here are "
      "encoded by it";
  static const std::map<Errc, const char*> codes = {
      {Errc::ok, "counted with the operations"},
      {Errc::malformed, codec},
      {Errc::unknown_kind, codec},
      {Errc::unknown_reader, "kept for groups"},
      {Errc::not_registered, "a node's; it is told to register by other means"},
      {Errc::fenced_controller, "there is one broker, and its epoch only grows"},
      {Errc::log_truncated, "rare: after an unclean election, who had read beyond; unit tests"},
      {Errc::limit_reached, "the limits are far beyond a simulated cluster"},
      {Errc::connection_lost, library},
      {Errc::closed, library},
      {Errc::cancelled, library},
      {Errc::config_invalid, local},
      {Errc::file_corrupt, local},
      {Errc::io_failed, local},
      {Errc::sql_refused, "the memory disk knows one statement"},
      {Errc::sql_limit, "the memory disk knows one statement"},
  };
  return codes;
}

const std::map<std::string, const char*>& events_excused() {
  static const std::map<std::string, const char*> events = {
      {"broker event: client evicted", "a run ends before its silent clients do; unit tests"},
      {"node event: membership save failed", "saved once, before any fault; unit tests"},
      {"node event: controller fenced", "a message of the broker's life before; rare, unit tests"},
      {"node event: producer evicted", "needs more producers than a run has; unit tests"},
      {"node event: wal warning", "the memory disk has no write-ahead log"},
      {"node event: topic remove failed", "the memory disk removes at once"},
      {"node event: unexpected", "would be a fault of the program"},
      {"client event: hello refused", "sane clients greet the right cluster"},
      {"client event: message refused", "would be a fault of the program"},
      {"client event: corrupt batch", "would be a fault of the program"},
  };
  return events;
}

template <typename Kind>
void add_events(const std::string& prefix, std::vector<CoveragePath>& paths) {
  for (int at = 0;; ++at) {
    const std::string name = name_of(static_cast<Kind>(at));
    if (name == "?") return;
    const auto excused = events_excused().find(prefix + name);
    paths.push_back({prefix + name, excused == events_excused().end() ? "" : excused->second});
  }
}

void add_answers(std::vector<CoveragePath>& paths) {
  static constexpr Errc codes[] = {
#define PINION_ERROR(code, ...) Errc::code,
#include "common/base/error_codes.def"
#undef PINION_ERROR
  };
  for (const Errc code : codes) {
    const auto excused = codes_excused().find(code);
    paths.push_back({"client hears: " + std::string(name_of(code)),
                     excused == codes_excused().end() ? "" : excused->second});
  }
}

}  // namespace

std::vector<CoveragePath> coverage_paths() {
  std::vector<CoveragePath> paths;
  for (const char* const fault : faults) paths.push_back({fault, ""});
  for (const char* const operation : operations) paths.push_back({operation, ""});
  add_events<BrokerEventKind>("broker event: ", paths);
  add_events<partition::EventKind>("node event: ", paths);
  add_events<client::EventKind>("client event: ", paths);
  add_answers(paths);
  return paths;
}

std::vector<std::string> not_reached(const Counters& counters) {
  std::vector<std::string> all;
  for (const CoveragePath& path : coverage_paths()) {
    if (path.excuse.empty() && counters.of(path.what) == 0) all.push_back(path.what);
  }
  return all;
}

}  // namespace pinion::sim

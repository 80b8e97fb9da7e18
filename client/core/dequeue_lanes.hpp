// DequeueLanes: how many dequeues of one reader and partition are on their way, and under which
// tokens, so that none of them is lost when its answer is.
//
// A partition remembers the newest dequeue of each taker (partition/core/dequeue_tokens.hpp);
// whoever comes again under its token gets the same record. A client has no more than
// dequeues_inflight_per_reader of them on their way to one place, each as a taker of its own, so
// the partition has few to remember however many callers the client has; and when all answers are
// lost, every record comes again. The others wait here, unsent. Pure; part of RequestTable.
#pragma once

#include "client/core/session_io.hpp"
#include "common/base/ids.hpp"

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

namespace pinion::client {

struct DequeuePlace {
  std::string topic;
  PartitionIndex partition{0};
  std::string reader;
  auto operator<=>(const DequeuePlace&) const = default;
};

class DequeueLanes {
 public:
  /// `name`: no other client's.
  explicit DequeueLanes(std::uint64_t name);

  /// The call may be sent, from now until it leaves; or it waits for its turn. Calls that are in
  /// stay in.
  [[nodiscard]] bool enter(const DequeuePlace& place, CallId call);
  /// A token that nobody else has. Requires: the call is in.
  [[nodiscard]] std::string make_token(const DequeuePlace& place, CallId call);
  /// The call has ended, sent or not. Returns whose turn it is now, if anybody's.
  std::optional<CallId> leave(const DequeuePlace& place, CallId call);

 private:
  struct Lane {
    std::map<CallId, std::size_t> in;  ///< With its taker's number, the lowest that was free.
    std::set<std::size_t> free;        ///< Of those that have been used.
    std::set<CallId> waiting;          ///< Ids grow: the lowest has waited longest.
  };
  void put_in(Lane& lane, CallId call);

  std::string name_;
  std::uint64_t count_ = 0;
  std::map<DequeuePlace, Lane> lanes_;
};

}  // namespace pinion::client

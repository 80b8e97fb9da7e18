// RequestTable: single requests with a deadline, of the admin calls and of dequeues. Each is sent
// as soon as the connection allows, again when its answer does not come, is retriable or the
// connection was lost, and answered by its deadline whatever happens. Pure; part of ClientSession.
//
// A call that names a topic waits until the metadata says which one that is. Calls that must not be
// carried out twice (a registration without a name) are not repeated once they may have been.
// Dequeues of one reader go out a few at a time (dequeue_lanes.hpp); those without a token get one.
#pragma once

#include "client/core/backoff.hpp"
#include "client/core/dequeue_lanes.hpp"
#include "client/core/metadata_cache.hpp"
#include "client/core/session_io.hpp"
#include "client/core/timer_queue.hpp"
#include "client/core/wire.hpp"
#include "common/base/time.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>

namespace pinion::client {

class RequestTable {
 public:
  RequestTable(Wire& wire, MetadataCache& metadata)
      : wire_(&wire), metadata_(&metadata), lanes_(wire.prng.next()) {}

  void add(const Now& now, Call&& call, Effects& out);
  void on_answer(const Now& now, CallId id, Message&& answer, Effects& out);
  void on_tick(const Now& now, Effects& out);
  void on_connected(const Now& now, Effects& out);
  void on_lost(const Now& now, Effects& out);
  void on_metadata(const Now& now, const MetadataChanges& changes, Effects& out);
  /// Credit came back.
  void on_room(const Now& now, Effects& out);
  /// Sends those whose turn came when others ended. After every step.
  void pump(const Now& now, Effects& out);
  /// Ends all of them: with cancelled what may have been carried out, with closed the rest.
  void on_stop(Effects& out);

  [[nodiscard]] Micros next_deadline() const noexcept { return timers_.next(); }
  [[nodiscard]] std::size_t size() const noexcept { return open_.size(); }

 private:
  struct Open {
    Call call;
    std::optional<RequestId> request;
    Micros answer_by = never;
    Micros retry_at{0};
    bool maybe_done = false;  ///< An attempt went out whose fate nobody knows.
    bool sent = false;
    std::optional<Error> last;      ///< Refusal.
    Micros no_nodes_since = never;  ///< The first refusal of that kind.
    Backoff retry{limits::client_retry_min, limits::client_retry_max};
  };
  using Table = std::map<CallId, Open>;

  void attempt(const Now& now, Table::iterator at, Effects& out);
  void attempt_all(const Now& now, Effects& out);
  [[nodiscard]] bool has_its_turn(Open& open);
  void retry_later(const Now& now, Open& open);
  void end(Table::iterator at, Result<Message> reply, Effects& out);
  void expire(Table::iterator at, Effects& out);
  [[nodiscard]] static bool may_have_happened(const Open& open);
  void schedule(const Now& now, const Open& open);

  Wire* wire_;
  MetadataCache* metadata_;
  Table open_;
  TimerQueue<CallId> timers_;
  DequeueLanes lanes_;
  std::deque<CallId> turns_;  ///< Have their turn now, and may have ended since.
};

}  // namespace pinion::client

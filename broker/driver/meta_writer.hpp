// MetaWriter: the one thread that writes metadata. It takes all the writes that wait, applies them
// in one transaction, and reports the last one's ticket.
//
// A store without room keeps its group and tries again each second; one that fails in any other way
// ends the process (fatal metadata_unusable): what is on disk is then unknown, and a start from
// disk is the tested path. push(), take_done() and stop() belong to the driver's thread.
#pragma once

#include "common/base/bounded_queue.hpp"
#include "common/base/ids.hpp"
#include "common/base/time.hpp"
#include "common/ports/meta_store.hpp"

#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace pinion {

class MetaWriter {
 public:
  /// Either a durable ticket, or why none becomes durable now.
  struct Done {
    Ticket ticket{0};
    std::string stalled;  ///< Empty when the ticket is durable.
  };

  /// `wake` is called from the writer's thread when there is something to take.
  MetaWriter(MetaStore& store, std::function<void()> wake);
  ~MetaWriter() { stop(); }
  MetaWriter(const MetaWriter&) = delete;
  MetaWriter& operator=(const MetaWriter&) = delete;

  void push(MetaWrite write);
  void take_done(std::vector<Done>& out) { done_.take_all(out); }

  /// Writes what waits (if the store has room) and ends the thread. Idempotent.
  void stop();

 private:
  void run();
  void report(Done done);

  MetaStore& store_;
  std::function<void()> wake_;
  BoundedQueue<MetaWrite> queue_;
  BoundedQueue<Done> done_;
  std::thread thread_;
};

}  // namespace pinion

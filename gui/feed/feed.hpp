// Feed: one cluster's data, for the dashboard. A thread of its own does everything that may wait;
// the UI thread posts commands, takes the newest snapshot once a frame, and waits for nothing.
//
//   UI thread     post(Command) -> bounded queue -> feed thread -> libpinion (callbacks)
//   UI thread  <- snapshot() <- one slot <- feed thread
//
// The feed thread holds the models of gui/model; what libpinion answers on its I/O thread is put
// into the same queue, so the models see one thing after the other.
#pragma once

#include "common/base/time.hpp"
#include "gui/feed/browse_feed.hpp"
#include "gui/model/commands.hpp"
#include "gui/model/record_log.hpp"
#include "gui/model/snapshot.hpp"

#include <functional>
#include <memory>
#include <string>

namespace pinion::gui {

struct FeedOptions {
  std::string address = "tcp://127.0.0.1:5550";
  /// Called on the feed thread after a snapshot was published: wake the UI thread. Must not wait.
  std::function<void()> wake{};
  RecordLogLimits records{};
  BrowseLimits browse{};
};

class Feed {
 public:
  /// Does not wait. An address that is none shows as Connection::invalid.
  explicit Feed(FeedOptions options);
  /// Ends the thread, and waits for it: some tenths of a second until positions are kept, and as
  /// long as the disk takes for an export of which all is written.
  ~Feed();
  Feed(const Feed&) = delete;
  Feed& operator=(const Feed&) = delete;

  /// Ends the thread and does not wait for it, so that several end at a time.
  void stop();
  /// False: the queue is full, and nothing was done.
  [[nodiscard]] bool post(Command command);
  /// Never nothing.
  [[nodiscard]] std::shared_ptr<const Snapshot> snapshot() const;

  class Inside;

 private:
  std::shared_ptr<Inside> inside_;
};

}  // namespace pinion::gui

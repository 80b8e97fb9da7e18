#include "broker/driver/meta_writer.hpp"

#include <iterator>
#include <utility>

#include "common/base/assert.hpp"
#include "common/base/limits.hpp"

namespace pinion {

namespace {

constexpr std::size_t queue_weight_max = SIZE_MAX;

}  // namespace

MetaWriter::MetaWriter(MetaStore& store, std::function<void()> wake)
    : store_(store),
      wake_(std::move(wake)),
      queue_(limits::meta_writes_queued_max, queue_weight_max),
      done_(limits::meta_writes_queued_max, queue_weight_max),
      thread_([this] { run(); }) {}

void MetaWriter::push(MetaWrite write) {
  const Pushed pushed = queue_.try_push(std::move(write));
  PINION_ASSERT(pushed != Pushed::full);
}

void MetaWriter::stop() {
  queue_.close();
  if (thread_.joinable()) thread_.join();
}

void MetaWriter::report(Done done) {
  const Pushed pushed = done_.try_push(std::move(done));
  PINION_ASSERT(pushed != Pushed::full);
  wake_();
}

void MetaWriter::run() {
  std::vector<MetaWrite> group;
  bool stalled = false;
  while (true) {
    // While the store is full this is the pause before the next try, too.
    const std::size_t taken =
        queue_.wait_and_take(group, limits::meta_writes_per_commit_max - group.size(),
                             stalled ? Micros(1s) : Micros(1h));
    if (group.empty()) {
      if (queue_.closed()) return;
      continue;
    }
    const Result<void> applied = store_.apply(group);
    if (applied) {
      stalled = false;
      report({.ticket = group.back().ticket, .stalled = {}});
      group.clear();
      continue;
    }
    if (applied.error().code != Errc::storage_full) {
      fatal(FatalReason::metadata_unusable, applied.error().to_string());
    }
    if (!stalled) report({.ticket = Ticket{0}, .stalled = applied.error().to_string()});
    stalled = true;
    if (taken == 0 && queue_.closed()) return;
  }
}

}  // namespace pinion

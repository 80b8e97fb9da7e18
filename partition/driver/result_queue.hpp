// ResultQueue: what store and reader threads tell the I/O thread, in one push and at most one wake.
//
// The core bounds what is on its way (limits.hpp), and each piece of work brings one result, so the
// queue cannot fill up. Any thread pushes; the I/O thread takes.
#pragma once

#include "common/base/assert.hpp"
#include "common/base/bounded_queue.hpp"
#include "common/ports/transport.hpp"
#include "partition/core/node_io.hpp"

#include <cstddef>
#include <utility>
#include <vector>

namespace pinion::partition {

class ResultQueue {
 public:
  /// `transport` outlives the threads that push.
  explicit ResultQueue(Transport& transport) noexcept : transport_(&transport) {}

  void push(Input result) {
    const Pushed pushed = queue_.try_push(std::move(result));
    PINION_ASSERT(pushed == Pushed::first || pushed == Pushed::more);
    if (pushed == Pushed::first) transport_->wake();
  }

  std::size_t take_all(std::vector<Input>& out) { return queue_.take_all(out); }

 private:
  /// Opens of every partition, all tickets of the node on their own, and then some.
  static constexpr std::size_t items_max =
      2 * limits::partitions_max + limits::pending_tickets_per_node_max +
      limits::reads_inflight_max + limits::queries_inflight_max;

  Transport* transport_;
  BoundedQueue<Input> queue_{items_max, 0};
};

}  // namespace pinion::partition

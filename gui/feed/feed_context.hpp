// FeedContext: what the parts of the feed share. The feed thread's own, but for the inbox.
#pragma once

#include "client/api/client.hpp"
#include "common/base/bounded_queue.hpp"
#include "common/base/time.hpp"

#include <functional>
#include <memory>
#include <utility>

namespace pinion::gui {

/// Work for the feed thread: commands of the UI and answers of libpinion. An answer is never more
/// than what was asked for, and asking is bounded; so the queue only fills when the UI floods it.
using Inbox = BoundedQueue<std::function<void()>>;

struct FeedContext {
  std::shared_ptr<Inbox> inbox;
  std::unique_ptr<Client> client;  ///< Nothing: the address is none.
  std::shared_ptr<Calls> calls;    ///< With the client.
  Now now{};                       ///< Read at the start of each turn.
  bool dirty = true;               ///< Something is to be published.

  /// A callback for libpinion that runs `then(result)` on the feed thread.
  template <typename T, typename Then>
  [[nodiscard]] std::function<void(Result<T>)> on_feed(Then then) const {
    return [inbox = inbox, then = std::move(then)](Result<T> result) {
      auto shared = std::make_shared<Result<T>>(std::move(result));
      static_cast<void>(inbox->try_push([then, shared] { then(std::move(*shared)); }));
    };
  }
};

/// How long single requests are tried for.
inline constexpr Micros call_timeout = 5s;

}  // namespace pinion::gui

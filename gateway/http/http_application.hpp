// What an HTTP server serves: one method, asynchronous. The server knows nothing of topics, the
// application nothing of sockets.
#pragma once

#include "gateway/core/http_message.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>

namespace pinion::gateway {

/// Text that is sent piece by piece, as it comes. Not asked for the next piece before the last one
/// was sent: so a slow reader waits for nobody but itself.
class EventStream {
 public:
  virtual ~EventStream() = default;
  /// Calls back once, from any thread: the next piece, or nothing when the stream has ended.
  virtual void next(std::function<void(std::optional<std::string>)> then) = 0;
  /// The reader has gone: what is waited for is of no use any more.
  virtual void stop() = 0;
};

using HttpResult = std::variant<HttpAnswer, std::shared_ptr<EventStream>>;

class HttpApplication {
 public:
  virtual ~HttpApplication() = default;
  /// Reads the request before it returns, and calls back once, from any thread, perhaps before it
  /// returns.
  virtual void serve(const HttpRequest& request, std::function<void(HttpResult)> then) = 0;
};

}  // namespace pinion::gateway

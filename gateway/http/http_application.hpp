// What an HTTP server serves: one method, asynchronous. The server knows nothing of topics, the
// application nothing of sockets.
#pragma once

#include "gateway/core/http_message.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
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

/// What a request line alone says of a request.
struct RequestTraits {
  std::uint64_t body_bytes_max = 0;
  /// What it brings is held elsewhere until it is answered, so its body counts for so long.
  bool keeps_body = false;
  /// It is refused while too many large answers wait for their readers: before it is carried out.
  bool has_large_answer = false;
  /// Its answer was taken for this reader alone: nobody else gets it, so it is always sent.
  bool takes = false;
};

class HttpApplication {
 public:
  virtual ~HttpApplication() = default;
  /// From any thread; must be quick.
  [[nodiscard]] virtual RequestTraits traits_of(std::string_view method,
                                                std::string_view target) const = 0;

  /// Ends a wait: what waits for something to happen is answered now, with what is there.
  using Hurry = std::function<void()>;
  /// Reads the request before it returns, and calls back once, from any thread, perhaps before it
  /// returns. What it gives is called at most once, from any thread, when nobody wants to wait any
  /// longer; nothing: the request does not wait.
  [[nodiscard]] virtual Hurry serve(const HttpRequest& request,
                                    std::function<void(HttpResult)> then) = 0;
};

}  // namespace pinion::gateway

// ConnectionSession: says hello, keeps the connection alive, and gives it up when the broker has
// gone quiet. Pure; part of ClientSession.
//
//              first tick                    hello_reply
//   (start) ──────────────► greeting ─────────────────────────► ready
//                 hello ▲      │ no answer, refused     │  quiet, goodbye
//       reset the link, │      ▼                        │
//                       └─── resting ◄──────────────────┘
//            after a pause that doubles, with jitter
//   say_hello in `ready` (a restarted broker, or one that forgot us): greeting at once, same link.
//
// Pings carry back the broker's last mark, which says that all that came before it has been read:
// at once when it is ready, with each heartbeat, and after each client_ping_every_bytes.
//
// Any message is a sign of life. Whenever `ready` ends, all that was on its way is of unknown fate
// and is sent again, under its sequences, once it begins again.
#pragma once

#include "client/core/backoff.hpp"
#include "client/core/session_io.hpp"
#include "client/core/wire.hpp"
#include "common/base/ids.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"
#include "common/proto/messages.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace pinion::client {

class ConnectionSession {
 public:
  enum class State : std::uint8_t { start, greeting, ready, resting };
  enum class Change : std::uint8_t { none, became_ready, lost };

  ConnectionSession(std::string broker, Hello hello, Wire& wire);

  /// A message of so many bytes came.
  void on_heard(const Now& now, std::size_t bytes) noexcept;
  /// The broker wants to know whether this has been read.
  void on_mark(std::uint64_t mark) noexcept { mark_ = mark; }
  [[nodiscard]] Change on_hello_reply(const Now& now, const Header& header, const Body& body,
                                      Effects& out);
  [[nodiscard]] Change on_say_hello(const Now& now, Effects& out);
  [[nodiscard]] Change on_goodbye(const Now& now, Effects& out);
  [[nodiscard]] Change on_tick(const Now& now, Effects& out);
  void on_stop(Effects& out);

  [[nodiscard]] Micros next_deadline() const noexcept;
  [[nodiscard]] State state() const noexcept { return state_; }
  [[nodiscard]] ConnectionStatus status() const;
  /// The broker refused our last hello, and why.
  [[nodiscard]] const std::optional<Error>& refusal() const noexcept { return refusal_; }

 private:
  void greet(const Now& now, Effects& out);
  [[nodiscard]] Change rest(const Now& now, std::string why, Effects& out);
  void ping(const Now& now, Effects& out);
  [[nodiscard]] Change become_ready(const Now& now, const HelloReply& reply, Effects& out);

  const std::string broker_;
  Hello hello_;
  Wire* wire_;
  State state_ = State::start;
  RequestId hello_id_{0};
  Micros wake_at_{0};  ///< greeting: the hello's time is over. resting: the next try.
  Micros heard_at_{0};
  Micros ping_at_{0};
  Micros heartbeat_{0};
  std::uint64_t mark_ = 0;            ///< The last one that came.
  std::size_t bytes_since_ping_ = 0;  ///< Received.
  Backoff pause_;
  std::optional<Error> refusal_;
  ConnectionStatus status_;
};

}  // namespace pinion::client

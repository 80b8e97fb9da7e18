// UnreadAccount: what was handed on to one client and may still lie in the broker's memory, because
// the client does not read. ZeroMQ bounds a client's queue in messages alone, and a thousand
// answers to fetches are gigabytes.
//
// The broker gives a client a mark, a random number, with hello_reply and pong; the client's next
// ping carries it back. The mark stood behind all that had been sent before it, so that was read,
// or lost with a connection. One mark is out at a time, and is given again until it comes back.
//
//        put()                    mark()                      on_mark(the same)
//   bytes grow        the bytes so far are `marked`        marked bytes are off the account
//
// Each client has a bound of its own, so none is refused for what another leaves unread. Their sum
// is not bounded here: that is what the memory fuse is for (decision 0012).
//
// Pure; one thread.
#pragma once

#include "common/base/limits.hpp"
#include "common/base/prng.hpp"

#include <cstdint>

namespace pinion {

struct UnreadLimits {
  std::uint64_t asking = limits::client_unread_asking_bytes_max;
  std::uint64_t bytes = limits::client_unread_bytes_max;
};

class UnreadAccount {
 public:
  /// What it asks for may go on.
  [[nodiscard]] bool may_ask(const UnreadLimits& most) const noexcept {
    return bytes_ <= most.asking;
  }
  /// Counts a message of so many bytes, unless there is no room: then it must be dropped. One
  /// message, the largest there is, may go beyond the bound.
  [[nodiscard]] bool put(const UnreadLimits& most, std::uint64_t bytes) noexcept;
  /// The mark to be sent now.
  [[nodiscard]] std::uint64_t mark(Prng& prng) noexcept;
  /// The client said that it has read up to this mark.
  void on_mark(std::uint64_t mark) noexcept;
  /// Its connection is gone, and with it all that was not read.
  void settle() noexcept;

  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] bool holds_together() const noexcept { return marked_ <= bytes_; }

 private:
  std::uint64_t bytes_ = 0;
  std::uint64_t marked_ = 0;  ///< Of these, what was sent before the mark. At most `bytes_`.
  std::uint64_t mark_ = 0;    ///< 0: none is out.
};

}  // namespace pinion

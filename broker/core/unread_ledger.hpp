// UnreadLedger: what was handed on to each client and may still lie in the broker's memory, because
// the client does not read. ZeroMQ bounds a client's queue in messages alone, and a thousand
// answers to fetches are gigabytes.
//
// Nobody's word is taken for it. The broker gives a client a mark, a random number, with
// hello_reply and pong; the client's next ping carries it back. The mark stood behind all that had
// been sent before it, so that was read, or lost with a connection. One mark is out at a time.
//
//        put()                    mark()                      on_mark(the same)
//   bytes grow        the bytes so far are `marked`        marked bytes are off the account
//
// All clients share one pool, and each may hold as much as is still free in it: one alone half of
// it, n of them an (n+1)th each. A second pool behind it is for those who have lately brought back
// a mark, so that clients that never read take no room from those that do.
//
// Clients that left (goodbye, silence) with bytes on their account are remembered until their
// connection is known to be gone: whoever comes back under the same id finds its account.
//
// Pure; one thread.
#pragma once

#include "common/base/limits.hpp"
#include "common/base/prng.hpp"
#include "common/base/time.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace pinion {

struct UnreadLimits {
  std::uint64_t bytes = limits::clients_unread_bytes_max;                  ///< The first pool.
  std::uint64_t bytes_reading = limits::clients_unread_reading_bytes_max;  ///< Both pools.
  Micros reads_within = limits::client_reads_within;
  std::size_t departed = limits::clients_max;
};

class UnreadLedger {
 public:
  struct Account {
    std::uint64_t bytes = 0;
    std::uint64_t marked = 0;  ///< Of these, what was sent before the mark. At most `bytes`.
    std::uint64_t mark = 0;    ///< 0: none is out.
    bool has_read = false;     ///< A mark came back in this life.
    Micros fresh_at{0};        ///< When the last one did, or the life began.
  };

  /// `seed`: what makes the marks hard to guess.
  UnreadLedger(UnreadLimits limits, std::uint64_t seed) noexcept : limits_(limits), prng_(seed) {}

  /// Of a client that says hello; with what it left unread, if it left.
  [[nodiscard]] Account open(const Now& now, std::string_view id);
  /// The client leaves. Keeps what it has not read until connection_lost().
  void close(const Account& account, const std::string& id);

  /// It would have room for an answer: what it asks for may go on.
  [[nodiscard]] bool may_ask(Micros now, const Account& account) const noexcept;
  /// Counts a message of so many bytes, unless there is no room: then it must be dropped.
  [[nodiscard]] bool put(Micros now, Account& account, std::uint64_t bytes) noexcept;
  /// The mark to be sent now.
  [[nodiscard]] std::uint64_t mark(Account& account) noexcept;
  /// A client said that it has read up to this mark.
  void on_mark(Micros now, Account& account, std::uint64_t mark) noexcept;
  /// Its connection is gone, and with it all that was not read.
  void settle(Account& account) noexcept;
  /// The same of a client that left. False: it was not remembered.
  bool connection_lost(std::string_view id);
  /// All connections are gone. Requires: every account was closed.
  void connections_lost();

  /// A mark came back lately, or was not due yet.
  [[nodiscard]] bool is_fresh(Micros now, const Account& account) const noexcept {
    return now - account.fresh_at <= limits_.reads_within;
  }
  /// Those that left with bytes on their account: whoever can should find out whether they are
  /// still connected.
  void for_each_departed(const std::function<void(const std::string& id)>& visit) const;
  [[nodiscard]] bool has_departed() const noexcept { return !departed_.empty(); }

  /// Over all clients.
  [[nodiscard]] std::uint64_t bytes() const noexcept { return total_; }
  /// `open_bytes` is the sum over the accounts.
  void check_invariants(std::uint64_t open_bytes) const;

 private:
  [[nodiscard]] std::uint64_t room(Micros now, const Account& account) const noexcept;

  UnreadLimits limits_;
  Prng prng_;
  std::uint64_t total_ = 0;
  std::map<std::string, std::uint64_t, std::less<>> departed_;
};

}  // namespace pinion

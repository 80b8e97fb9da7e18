// What a reader's last dequeues returned, by their tokens, so that a repeat returns it again. Kept
// in the reader's position as text, for a person can read it there:
//
//   last_token    newest-token \n offset older-token \n offset still-older-token ...
//   last_offset   of the newest one
//
// An offset of -2 - P: that dequeue found nothing and was sent on to partition P.
//
// The newest dequeue_tokens_remembered of all stay there. Several takers may share a reader, and
// one that lost its answer may come back late, when others have taken many more. A taker has one
// dequeue on its way, and its tokens are its name and a counter ("worker7-41"): so what is pushed
// out by others is kept in a slot (dequeue_slots.hpp) unless its taker has a newer one here, which
// nobody asks for any more. A token without a counter is a taker of its own. Pure.
#pragma once

#include "common/base/ids.hpp"
#include "common/ports/record_store.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pinion::partition {

/// What the dequeue with this token returned (see is_sent_on), or nothing when it is not known (any
/// more).
[[nodiscard]] std::optional<Offset> find_dequeue(const Position& position, std::string_view token);

[[nodiscard]] constexpr Offset sent_on_to(PartitionIndex partition) noexcept {
  return Offset(-2 - std::int64_t{partition.raw()});
}
[[nodiscard]] constexpr bool is_sent_on(Offset offset) noexcept { return offset.raw() <= -2; }
/// Requires: is_sent_on(offset).
[[nodiscard]] constexpr PartitionIndex sent_on_where(Offset offset) noexcept {
  return PartitionIndex(static_cast<std::int32_t>(-2 - offset.raw()));
}

/// "worker7" of "worker7-41" and of "worker7-17.41"; empty for a token that ends in no counter,
/// which nothing follows.
[[nodiscard]] std::string_view taker_of(std::string_view token);

struct KnownDequeue {
  std::string token;
  Offset offset;
};

/// Makes it the newest, and gives those that have no room any more and may be asked for. Requires:
/// the token is not empty, has no control characters and is not known.
[[nodiscard]] std::vector<KnownDequeue> remember_dequeue(Position& position, std::string_view token,
                                                         Offset offset);

}  // namespace pinion::partition

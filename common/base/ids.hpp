// The identifiers and quantities of the domain, one type each. docs/GLOSSARY.md defines the words.
#pragma once

#include "common/base/tagged.hpp"

#include <compare>
#include <cstdint>

namespace pinion {

/// A record's place in its partition. The first record has offset 0. -1 stands for "not assigned".
using Offset = Tagged<std::int64_t, struct OffsetTag>;
inline constexpr Offset offset_unassigned{-1};

/// A partition's leadership number: grows with every new leader, and with every start of a leader's
/// process. (epoch, offset) names one record for ever. 0 stands for "unknown".
using Epoch = Tagged<std::int64_t, struct EpochTag>;
inline constexpr Epoch epoch_unknown{0};

/// The controller's own number: grows with every start (later: election) of a leader broker.
using ControllerEpoch = Tagged<std::int64_t, struct ControllerEpochTag>;

/// A topic's identity. Never used again, not even when a deleted topic's name is.
using TopicId = Tagged<std::int64_t, struct TopicIdTag>;

/// A partition's index within its topic, from 0.
using PartitionIndex = Tagged<std::int32_t, struct PartitionIndexTag>;

/// A partition broker's id, from its config. At least 1; 0 stands for "none".
using NodeId = Tagged<std::int32_t, struct NodeIdTag>;
inline constexpr NodeId node_none{0};

/// One life of a process: a partition broker's grows with each of its starts, a client's is random.
using Incarnation = Tagged<std::int64_t, struct IncarnationTag>;

/// An idempotent sending session. Handed out by the controller in ranges; 0 stands for "not
/// idempotent".
using ProducerId = Tagged<std::int64_t, struct ProducerIdTag>;
inline constexpr ProducerId producer_none{0};

/// Grows when a session gives up on a batch whose fate is unknown and starts again at sequence 0.
using ProducerEpoch = Tagged<std::int32_t, struct ProducerEpochTag>;

/// A record's number in its producer's session, per partition, from 0.
using Sequence = Tagged<std::int64_t, struct SequenceTag>;

/// Chosen by the asker, echoed in the answer. Unique within one connection of one process life.
using RequestId = Tagged<std::uint64_t, struct RequestIdTag>;

/// Numbers one request to a store; a store answers tickets in order.
using Ticket = Tagged<std::uint64_t, struct TicketTag>;

/// The number of the last change to a partition's consumer positions.
using PositionVersion = Tagged<std::int64_t, struct PositionVersionTag>;

/// A producer or consumer registered by number, from 1, each kind counted separately.
using RegistrationId = Tagged<std::int64_t, struct RegistrationIdTag>;

/// A registered producer may number its records itself. It then sends under this id, which no
/// session is ever given, in one epoch, and may leave numbers out: whoever gives up on a record
/// goes on with the next number.
inline constexpr std::int64_t registered_producers_begin = std::int64_t{1} << 62;
[[nodiscard]] constexpr ProducerId producer_of(RegistrationId id) noexcept {
  return ProducerId(registered_producers_begin + id.raw());
}
[[nodiscard]] constexpr bool may_skip_sequences(ProducerId id) noexcept {
  return id.raw() >= registered_producers_begin;
}

/// One partition of one topic, by identity.
struct PartitionKey {
  TopicId topic;
  PartitionIndex partition;
  auto operator<=>(const PartitionKey&) const = default;
};

}  // namespace pinion

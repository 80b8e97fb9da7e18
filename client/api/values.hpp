// The small values that the calls of libpinion and its session cores share. Plain; no thread.
#pragma once

#include "common/base/error.hpp"
#include "common/base/ids.hpp"
#include "common/base/time.hpp"

#include <compare>
#include <cstdint>
#include <string>

namespace pinion {

/// What became of a record.
enum class Outcome : std::uint8_t {
  acknowledged,  ///< In the log (as far as `acks` says).
  failed,        ///< Not in the log, and never will be.
  unknown,       ///< May or may not be in the log.
};

/// A partition by its topic's name.
struct TopicPartition {
  std::string topic{};
  PartitionIndex partition{0};
  auto operator<=>(const TopicPartition&) const = default;
};

/// A place in a partition.
struct Place {
  enum class Kind : std::uint8_t { earliest, latest, offset, timestamp };
  Kind kind = Kind::earliest;
  Offset offset{0};     ///< With `offset`.
  Micros timestamp{0};  ///< With `timestamp`: the first record whose log time is not before it.

  [[nodiscard]] static Place earliest() noexcept { return {}; }
  [[nodiscard]] static Place latest() noexcept { return {Kind::latest, Offset{0}, Micros{0}}; }
  [[nodiscard]] static Place at(Offset offset) noexcept {
    return {Kind::offset, offset, Micros{0}};
  }
  [[nodiscard]] static Place time(Micros timestamp) noexcept {
    return {Kind::timestamp, Offset{0}, timestamp};
  }
};

/// What happens when the position is not in the log, or the log was cut below it.
enum class OnLostPosition : std::uint8_t {
  error,     ///< poll() tells it once; that partition then waits for a seek().
  earliest,  ///< Goes on at the log's start.
  latest,    ///< Goes on at the log's end.
};

enum class MissingTopic : std::uint8_t {
  error,  ///< Opening fails; a topic deleted later is told by poll() once.
  wait,   ///< It is read from its start as soon as somebody creates it.
};

/// What the connection is doing; for people and for readiness checks.
struct ConnectionStatus {
  bool connected = false;      ///< The broker answered our hello and has not gone quiet since.
  std::string cluster_id;      ///< Empty until the first connection.
  std::string server_version;  ///< Of the broker.
  std::uint64_t record_bytes_max = 0;  ///< The cluster's limit of a record; 0 until known.
  std::uint64_t reconnects = 0;        ///< Since the start.
  std::string problem;  ///< When not connected: what is wrong and what to do. Else empty.
  Errc refused = Errc::ok;  ///< When not connected because a broker answered and refused: why.
  Micros away_for{0};       ///< When not connected: since it was lost, or since the start.
};

}  // namespace pinion

// MetadataCache: what the client knows of the topics that somebody here watches: whether they
// exist, their partitions, and each partition's leader epoch. Pure; part of ClientSession.
//
// It is pushed (metadata_changed) and pulled: on every connection, when a name is new, when an
// answer says that a leader moved, and when a pong shows a version that was not pulled yet, so that
// a lost push costs a heartbeat and no more. Nothing older than what is known is ever taken in.
#pragma once

#include "client/core/backoff.hpp"
#include "client/core/session_io.hpp"
#include "client/core/wire.hpp"
#include "common/base/ids.hpp"
#include "common/base/time.hpp"
#include "common/proto/messages.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace pinion::client {

/// What a step changed, for the other parts.
struct MetadataChanges {
  std::vector<std::string> topics;  ///< Found, changed, gone, or now known to be missing.
  std::vector<PartitionKey> moved;  ///< Partitions with a newer leader epoch, or online again.
  /// All of `topics`, and those of which something else came: a partition's state or leader. News
  /// for whoever shows or chooses partitions; work on its way has nothing to do about it.
  std::vector<std::string> replaced;
};

class MetadataCache {
 public:
  enum class Knowledge : std::uint8_t { unknown, missing, present };

  explicit MetadataCache(Wire& wire) : wire_(&wire) {}

  /// True when the name is new here.
  bool watch(const std::string& name);
  void unwatch(const std::string& name);

  [[nodiscard]] Knowledge knowledge(const std::string& name) const;
  /// Nothing unless `present`.
  [[nodiscard]] std::shared_ptr<const TopicMetadata> find(const std::string& name) const;
  /// 0 when it is not known.
  [[nodiscard]] Epoch leader_epoch(PartitionKey key) const;

  /// An answer showed that something here is old.
  void refresh() noexcept { wanted_ = true; }
  /// An answer named a newer leader epoch than is known. True when that is news.
  bool note_epoch(PartitionKey key, Epoch epoch);

  void on_connected();
  void on_lost();
  void on_pong(const Pong& pong);
  [[nodiscard]] MetadataChanges on_reply(const Now& now, RequestId id, const Body& body);
  [[nodiscard]] MetadataChanges on_changed(const MetadataChanged& change);

  /// Sends the request that is due, if any.
  void pump(const Now& now, Effects& out);
  [[nodiscard]] Micros next_deadline() const noexcept;

 private:
  using Version = std::pair<ControllerEpoch, std::int64_t>;
  struct Topic {
    std::size_t watchers = 0;
    Knowledge knowledge = Knowledge::unknown;
    std::shared_ptr<const TopicMetadata> metadata;
  };

  void take_in(const TopicMetadata& fresh, MetadataChanges& changes);
  void take_out(const std::string& name, Topic& topic, MetadataChanges& changes);

  Wire* wire_;
  std::map<std::string, Topic> topics_;
  std::map<TopicId, std::map<PartitionIndex, Epoch>> epochs_;  ///< Of present topics.
  Version seen_{};                                             ///< The newest that was taken in.
  Version pulled_{};  ///< The newest that an answer carried.
  bool wanted_ = false;
  std::optional<RequestId> request_;
  std::vector<std::string> asked_;
  Micros answer_by_ = never;
  Micros retry_at_{0};
  Backoff retry_{limits::client_metadata_retry_min, limits::client_metadata_retry_max};
};

}  // namespace pinion::client

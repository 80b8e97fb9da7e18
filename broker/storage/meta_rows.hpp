// Rows of broker.db and the structs of ports/meta_store.hpp, one into the other.
//
// MetaReader reads all there is; MetaRowWriter carries out operations with prepared statements.
// Both use a Database that outlives them, inside a transaction that the caller holds.
#pragma once

#include "common/base/result.hpp"
#include "common/ports/meta_store.hpp"
#include "common/sqlite/database.hpp"

#include <cstdint>
#include <string>

namespace pinion {

[[nodiscard]] Result<MetaState> read_meta_state(sqlite::Database& database);

class MetaRowWriter {
 public:
  [[nodiscard]] static Result<MetaRowWriter> prepare(sqlite::Database& database);

  [[nodiscard]] Result<void> write(const MetaOp& op);
  [[nodiscard]] Result<void> put_meta(std::string_view name, std::int64_t value);
  [[nodiscard]] Result<void> put_meta(std::string_view name, std::string_view value);
  /// And forgets those that limits::terms_kept later ones have followed.
  [[nodiscard]] Result<void> put_term(const Term& term);

 private:
  struct Statements {
    sqlite::Statement put_meta;
    sqlite::Statement put_term;
    sqlite::Statement forget_terms;
    sqlite::Statement put_node;
    sqlite::Statement refresh_node;
    sqlite::Statement put_topic;
    sqlite::Statement put_partition;
    sqlite::Statement set_partition;
    sqlite::Statement set_opened;
    sqlite::Statement get_made;
    sqlite::Statement set_config;
    sqlite::Statement remove_node;
    sqlite::Statement refresh_partition;
    sqlite::Statement remove_topic;
    sqlite::Statement remove_partitions;
    sqlite::Statement remove_producers;
    sqlite::Statement remove_consumers;
    sqlite::Statement put_tombstone;
    sqlite::Statement clear_tombstone;
    sqlite::Statement put_producer;
    sqlite::Statement put_consumer;
    sqlite::Statement count_topic;
  };
  explicit MetaRowWriter(Statements statements) noexcept : s_(std::move(statements)) {}

  [[nodiscard]] Result<void> on(const PutNode& op);
  [[nodiscard]] Result<void> on(const PutTopic& op);
  [[nodiscard]] Result<void> on(const SetPartition& op);
  [[nodiscard]] Result<void> on(const SetTopicConfig& op);
  [[nodiscard]] Result<void> on(const AddPartitions& op);
  [[nodiscard]] Result<void> on(const RemoveNode& op);
  [[nodiscard]] Result<void> put_partition(const PartitionMeta& partition);
  [[nodiscard]] Result<void> on(const SetOpened& op);
  [[nodiscard]] Result<void> on(const RemoveTopic& op);
  [[nodiscard]] Result<void> on(const ClearTombstone& op);
  [[nodiscard]] Result<void> on(const PutRegistration& op);
  [[nodiscard]] Result<void> on(const SetCounters& op);
  [[nodiscard]] Result<void> on(const RefreshNode& op);
  [[nodiscard]] Result<void> on(const RefreshPartition& op);

  Statements s_;
};

}  // namespace pinion

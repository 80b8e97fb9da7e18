#include "broker/storage/meta_rows.hpp"

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include "common/base/limits.hpp"

namespace pinion {

namespace {

// ---- Lists in a column
// -----------------------------------------------------------------------------

[[nodiscard]] std::string join_ids(const std::vector<NodeId>& ids) {
  std::string text;
  for (const NodeId id : ids) {
    if (!text.empty()) text += ',';
    text += std::to_string(id.raw());
  }
  return text;
}

[[nodiscard]] std::string join_texts(const std::vector<std::string>& texts) {
  std::string joined;
  for (const std::string& text : texts) {
    if (!joined.empty()) joined += ',';
    joined += text;
  }
  return joined;
}

[[nodiscard]] std::vector<std::string> split_texts(std::string_view joined) {
  std::vector<std::string> texts;
  while (!joined.empty()) {
    const std::size_t comma = std::min(joined.find(','), joined.size());
    texts.emplace_back(joined.substr(0, comma));
    joined.remove_prefix(std::min(comma + 1, joined.size()));
  }
  return texts;
}

[[nodiscard]] Result<std::vector<NodeId>> split_ids(std::string_view joined) {
  std::vector<NodeId> ids;
  for (const std::string& text : split_texts(joined)) {
    std::int32_t id = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
    if (error != std::errc() || end != text.data() + text.size()) {
      return failure(Errc::file_corrupt, "'" + text + "' is not a node's id");
    }
    ids.emplace_back(id);
  }
  return ids;
}

[[nodiscard]] std::string_view name_of_health(NodeHealth health) noexcept {
  switch (health) {
    case NodeHealth::alive:
      return "alive";
    case NodeHealth::stopping:
      return "stopping";
    case NodeHealth::lost:
      break;
  }
  return "lost";
}

[[nodiscard]] NodeHealth health_of_name(std::string_view name) noexcept {
  if (name == "alive") return NodeHealth::alive;
  if (name == "stopping") return NodeHealth::stopping;
  return NodeHealth::lost;
}

constexpr const char* next_topic_id = "next_topic_id";
constexpr const char* next_producer_id = "next_producer_id";
constexpr const char* next_producer = "next_producer";
constexpr const char* next_consumer = "next_consumer";

// ---- Reading
// ---------------------------------------------------------------------------------------

/// Calls `row` for each row of a query.
template <typename Row>
[[nodiscard]] Result<void> for_each(sqlite::Database& database, std::string_view sql, Row row) {
  PINION_TRY(statement, database.prepare(sql));
  while (true) {
    PINION_TRY(more, statement.step());
    if (!more) return {};
    PINION_CHECK(row(statement));
  }
}

[[nodiscard]] Result<void> read_meta(sqlite::Database& database, MetaState& state) {
  return for_each(database, "SELECT name, value FROM meta", [&](sqlite::Statement& s) {
    const std::string name = s.column_string(0);
    const std::int64_t number = s.column_int(1);
    if (name == "cluster_id") state.cluster_id = s.column_string(1);
    if (name == "controller_epoch") state.controller_epoch = ControllerEpoch(number);
    if (name == next_topic_id) state.counters.topic = TopicId(number);
    if (name == next_producer_id) state.counters.producer_id = ProducerId(number);
    if (name == next_producer) state.counters.producer = RegistrationId(number);
    if (name == next_consumer) state.counters.consumer = RegistrationId(number);
    return Result<void>{};
  });
}

[[nodiscard]] Result<void> read_terms(sqlite::Database& database, MetaState& state) {
  return for_each(
      database, "SELECT controller_epoch, start_id FROM terms ORDER BY 1",
      [&](sqlite::Statement& s) {
        state.earlier_terms.push_back({ControllerEpoch(s.column_int(0)), s.column_int(1)});
        return Result<void>{};
      });
}

[[nodiscard]] Result<void> read_nodes(sqlite::Database& database, MetaState& state) {
  return for_each(database,
                  "SELECT id, endpoint, status, last_heartbeat, region, rack, topics, store_id, "
                  "incarnation, version, registered_at, draining, start_id, last_join FROM brokers "
                  "ORDER BY id",
                  [&](sqlite::Statement& s) {
                    NodeMeta node;
                    node.id = NodeId(static_cast<std::int32_t>(s.column_int(0)));
                    node.address = s.column_string(1);
                    node.health = health_of_name(s.column_bytes(2));
                    node.last_heartbeat = Micros(s.column_int(3));
                    node.region = s.column_string(4);
                    node.rack = s.column_string(5);
                    node.topics = split_texts(s.column_bytes(6));
                    node.store_id = s.column_string(7);
                    node.incarnation = Incarnation(s.column_int(8));
                    node.version = s.column_string(9);
                    node.registered_at = Micros(s.column_int(10));
                    node.draining = s.column_int(11) != 0;
                    node.start_id = s.column_int(12);
                    node.join = s.column_int(13);
                    state.nodes.push_back(std::move(node));
                    return Result<void>{};
                  });
}

[[nodiscard]] Result<void> read_topics(sqlite::Database& database, MetaState& state) {
  return for_each(database,
                  "SELECT id, name, partitions, replication, retention_ms, retention_bytes, "
                  "created_at, min_insync_replicas, unclean_elections FROM topics ORDER BY id",
                  [&](sqlite::Statement& s) {
                    TopicMeta topic;
                    topic.id = TopicId(s.column_int(0));
                    topic.name = s.column_string(1);
                    topic.config.partitions = static_cast<std::int32_t>(s.column_int(2));
                    topic.config.replication = static_cast<std::int32_t>(s.column_int(3));
                    topic.config.retention_ms = s.column_int(4);
                    topic.config.retention_bytes = s.column_int(5);
                    topic.created_at = Micros(s.column_int(6));
                    topic.config.min_insync_replicas = static_cast<std::int32_t>(s.column_int(7));
                    topic.config.unclean_elections = s.column_int(8) != 0;
                    state.topics.push_back(std::move(topic));
                    return Result<void>{};
                  });
}

[[nodiscard]] Result<void> read_partitions(sqlite::Database& database, MetaState& state) {
  return for_each(
      database,
      "SELECT topic_id, partition, node, replicas, isr, epoch, version, opened, log_end, size, "
      "made, eligible, target, min_insync_before "
      "FROM partitions ORDER BY topic_id, partition",
      [&](sqlite::Statement& s) -> Result<void> {
        PartitionMeta partition;
        partition.key = {TopicId(s.column_int(0)),
                         PartitionIndex(static_cast<std::int32_t>(s.column_int(1)))};
        partition.leader = NodeId(static_cast<std::int32_t>(s.column_int(2)));
        PINION_TRY(replicas, split_ids(s.column_bytes(3)));
        PINION_TRY(isr, split_ids(s.column_bytes(4)));
        partition.replicas = std::move(replicas);
        partition.isr = std::move(isr);
        partition.leader_epoch = Epoch(s.column_int(5));
        partition.version = s.column_int(6);
        partition.opened = s.column_int(7) != 0;
        partition.log_end = Offset(s.column_int(8));
        partition.file_bytes = static_cast<std::uint64_t>(s.column_int(9));
        PINION_TRY(made, split_ids(s.column_bytes(10)));
        PINION_TRY(eligible, split_ids(s.column_bytes(11)));
        PINION_TRY(target, split_ids(s.column_bytes(12)));
        partition.made = std::move(made);
        partition.eligible = std::move(eligible);
        partition.target = std::move(target);
        partition.min_insync_before = static_cast<std::int32_t>(s.column_int(13));
        state.partitions.push_back(std::move(partition));
        return {};
      });
}

[[nodiscard]] Result<void> read_tombstones(sqlite::Database& database, MetaState& state) {
  return for_each(
      database,
      "SELECT topic_id, node, name, deleted_at FROM deleted_topics ORDER BY topic_id, node",
      [&](sqlite::Statement& s) {
        const TopicId topic(s.column_int(0));
        if (state.tombstones.empty() || state.tombstones.back().topic != topic) {
          state.tombstones.push_back({.topic = topic,
                                      .name = s.column_string(2),
                                      .deleted_at = Micros(s.column_int(3)),
                                      .holders = {}});
        }
        const NodeId holder(static_cast<std::int32_t>(s.column_int(1)));
        state.tombstones.back().holders.push_back(holder);
        return Result<void>{};
      });
}

[[nodiscard]] Result<void> read_registrations(sqlite::Database& database, RegistrationKind kind,
                                              std::string_view sql, MetaState& state) {
  return for_each(database, sql, [&](sqlite::Statement& s) {
    state.registrations.push_back({.kind = kind,
                                   .id = RegistrationId(s.column_int(0)),
                                   .topic = TopicId(s.column_int(1)),
                                   .name = s.column_string(2),
                                   .registered_at = Micros(s.column_int(3))});
    return Result<void>{};
  });
}

/// What a person's hand may have broken, and what the controller relies on.
[[nodiscard]] Result<void> check_state(const MetaState& state) {
  std::size_t next = 0;
  for (const TopicMeta& topic : state.topics) {
    if (topic.id >= state.counters.topic) {
      return failure(Errc::file_corrupt, "topic '" + topic.name + "' has an id not given out yet");
    }
    for (std::int32_t i = 0; i < topic.config.partitions; ++i, ++next) {
      const PartitionKey key{topic.id, PartitionIndex(i)};
      if (next >= state.partitions.size() || state.partitions[next].key != key) {
        return failure(Errc::file_corrupt, "partition " + std::to_string(i) + " of topic '" +
                                               topic.name + "' is missing");
      }
    }
  }
  if (next != state.partitions.size()) {
    return failure(Errc::file_corrupt, "there are partitions of no topic");
  }
  return {};
}

}  // namespace

Result<MetaState> read_meta_state(sqlite::Database& database) {
  MetaState state;
  PINION_CHECK(read_meta(database, state));
  PINION_CHECK(read_terms(database, state));
  PINION_CHECK(read_nodes(database, state));
  PINION_CHECK(read_topics(database, state));
  PINION_CHECK(read_partitions(database, state));
  PINION_CHECK(read_tombstones(database, state));
  PINION_CHECK(read_registrations(
      database, RegistrationKind::producer,
      "SELECT id, topic_id, name, registered_at FROM producers ORDER BY id", state));
  PINION_CHECK(read_registrations(
      database, RegistrationKind::consumer,
      "SELECT id, topic_id, name, registered_at FROM consumers ORDER BY id", state));
  PINION_CHECK(check_state(state));
  return state;
}

// ---- Writing
// ---------------------------------------------------------------------------------------

Result<MetaRowWriter> MetaRowWriter::prepare(sqlite::Database& database) {
  Statements s;
  const std::pair<sqlite::Statement*, const char*> all[] = {
      {&s.put_meta, "INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)"},
      {&s.put_term, "INSERT INTO terms (controller_epoch, start_id) VALUES (?, ?)"},
      {&s.forget_terms, "DELETE FROM terms WHERE controller_epoch <= ?"},
      {&s.put_node,
       "INSERT OR REPLACE INTO brokers (id, endpoint, status, last_heartbeat, region, rack, "
       "topics, store_id, incarnation, version, registered_at, draining, start_id, "
       "last_join) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"},
      {&s.refresh_node, "UPDATE brokers SET last_heartbeat = ?, status = ? WHERE id = ?"},
      {&s.put_topic,
       "INSERT OR REPLACE INTO topics (id, name, partitions, replication, retention_ms, "
       "retention_bytes, created_at, min_insync_replicas, unclean_elections) "
       "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"},
      {&s.put_partition,
       "INSERT OR REPLACE INTO partitions (topic_id, partition, node, replicas, isr, epoch, "
       "version, opened, log_end, size, made, eligible, target, min_insync_before) "
       "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"},
      {&s.set_partition,
       "UPDATE partitions SET node = ?, epoch = ?, isr = ?, version = ?, replicas = ?, made = ?, "
       "eligible = ?, target = ?, min_insync_before = ? WHERE topic_id = ? AND partition = ?"},
      {&s.set_opened,
       "UPDATE partitions SET opened = 1, made = ? WHERE topic_id = ? AND partition = ?"},
      {&s.get_made, "SELECT made FROM partitions WHERE topic_id = ? AND partition = ?"},
      {&s.set_config,
       "UPDATE topics SET partitions = ?, replication = ?, retention_ms = ?, retention_bytes = ?, "
       "min_insync_replicas = ?, unclean_elections = ? WHERE id = ?"},
      {&s.remove_node, "DELETE FROM brokers WHERE id = ?"},
      {&s.refresh_partition,
       "UPDATE partitions SET log_end = ?, size = ? WHERE topic_id = ? AND partition = ?"},
      {&s.remove_topic, "DELETE FROM topics WHERE id = ?"},
      {&s.remove_partitions, "DELETE FROM partitions WHERE topic_id = ?"},
      {&s.remove_producers, "DELETE FROM producers WHERE topic_id = ?"},
      {&s.remove_consumers, "DELETE FROM consumers WHERE topic_id = ?"},
      {&s.put_tombstone,
       "INSERT OR REPLACE INTO deleted_topics (topic_id, node, name, deleted_at) "
       "VALUES (?, ?, ?, ?)"},
      {&s.clear_tombstone, "DELETE FROM deleted_topics WHERE topic_id = ? AND node = ?"},
      {&s.put_producer,
       "INSERT OR REPLACE INTO producers (id, topic_id, name, registered_at) VALUES (?, ?, ?, ?)"},
      {&s.put_consumer,
       "INSERT OR REPLACE INTO consumers (id, topic_id, name, registered_at) VALUES (?, ?, ?, ?)"},
      {&s.count_topic, "SELECT count(*) FROM topics WHERE id = ?"},
  };
  for (const auto& [statement, sql] : all) {
    PINION_TRY(prepared, database.prepare(sql));
    *statement = std::move(prepared);
  }
  return MetaRowWriter(std::move(s));
}

Result<void> MetaRowWriter::write(const MetaOp& op) {
  return std::visit([this](const auto& o) { return on(o); }, op);
}

Result<void> MetaRowWriter::put_meta(std::string_view name, std::int64_t value) {
  s_.put_meta.bind_text(1, name);
  s_.put_meta.bind(2, value);
  return s_.put_meta.run();
}

Result<void> MetaRowWriter::put_meta(std::string_view name, std::string_view value) {
  s_.put_meta.bind_text(1, name);
  s_.put_meta.bind_text(2, value);
  return s_.put_meta.run();
}

Result<void> MetaRowWriter::put_term(const Term& term) {
  s_.put_term.bind(1, term.epoch.raw());
  s_.put_term.bind(2, term.start_id);
  PINION_CHECK(s_.put_term.run());
  s_.forget_terms.bind(1, term.epoch.raw() - limits::terms_kept);
  return s_.forget_terms.run();
}

Result<void> MetaRowWriter::on(const PutNode& op) {
  const NodeMeta& node = op.node;
  const std::string topics = join_texts(node.topics);
  s_.put_node.bind(1, node.id.raw());
  s_.put_node.bind_text(2, node.address);
  s_.put_node.bind_text(3, name_of_health(node.health));
  s_.put_node.bind(4, node.last_heartbeat.count());
  s_.put_node.bind_text(5, node.region);
  s_.put_node.bind_text(6, node.rack);
  s_.put_node.bind_text(7, topics);
  s_.put_node.bind_text(8, node.store_id);
  s_.put_node.bind(9, node.incarnation.raw());
  s_.put_node.bind_text(10, node.version);
  s_.put_node.bind(11, node.registered_at.count());
  s_.put_node.bind(12, node.draining ? 1 : 0);
  s_.put_node.bind(13, node.start_id);
  s_.put_node.bind(14, node.join);
  return s_.put_node.run();
}

Result<void> MetaRowWriter::on(const PutTopic& op) {
  const TopicMeta& topic = op.topic;
  s_.put_topic.bind(1, topic.id.raw());
  s_.put_topic.bind_text(2, topic.name);
  s_.put_topic.bind(3, topic.config.partitions);
  s_.put_topic.bind(4, topic.config.replication);
  s_.put_topic.bind(5, topic.config.retention_ms);
  s_.put_topic.bind(6, topic.config.retention_bytes);
  s_.put_topic.bind(7, topic.created_at.count());
  s_.put_topic.bind(8, topic.config.min_insync_replicas);
  s_.put_topic.bind(9, topic.config.unclean_elections ? 1 : 0);
  PINION_CHECK(s_.put_topic.run());
  for (const PartitionMeta& partition : op.partitions) PINION_CHECK(put_partition(partition));
  return {};
}

Result<void> MetaRowWriter::put_partition(const PartitionMeta& partition) {
  const std::string replicas = join_ids(partition.replicas);
  const std::string isr = join_ids(partition.isr);
  const std::string made = join_ids(partition.made);
  const std::string eligible = join_ids(partition.eligible);
  const std::string target = join_ids(partition.target);
  sqlite::Statement& put = s_.put_partition;
  put.bind(1, partition.key.topic.raw());
  put.bind(2, partition.key.partition.raw());
  put.bind(3, partition.leader.raw());
  put.bind_text(4, replicas);
  put.bind_text(5, isr);
  put.bind(6, partition.leader_epoch.raw());
  put.bind(7, partition.version);
  put.bind(8, partition.opened ? 1 : 0);
  put.bind(9, partition.log_end.raw());
  put.bind(10, static_cast<std::int64_t>(partition.file_bytes));
  put.bind_text(11, made);
  put.bind_text(12, eligible);
  put.bind_text(13, target);
  put.bind(14, partition.min_insync_before);
  return put.run();
}

Result<void> MetaRowWriter::on(const AddPartitions& op) {
  for (const PartitionMeta& partition : op.partitions) PINION_CHECK(put_partition(partition));
  return {};
}

Result<void> MetaRowWriter::on(const SetTopicConfig& op) {
  s_.set_config.bind(1, op.config.partitions);
  s_.set_config.bind(2, op.config.replication);
  s_.set_config.bind(3, op.config.retention_ms);
  s_.set_config.bind(4, op.config.retention_bytes);
  s_.set_config.bind(5, op.config.min_insync_replicas);
  s_.set_config.bind(6, op.config.unclean_elections ? 1 : 0);
  s_.set_config.bind(7, op.topic.raw());
  return s_.set_config.run();
}

Result<void> MetaRowWriter::on(const RemoveNode& op) {
  s_.remove_node.bind(1, op.node.raw());
  return s_.remove_node.run();
}

Result<void> MetaRowWriter::on(const SetPartition& op) {
  const PartitionMeta& partition = op.partition;
  const std::string isr = join_ids(partition.isr);
  const std::string replicas = join_ids(partition.replicas);
  const std::string made = join_ids(partition.made);
  const std::string eligible = join_ids(partition.eligible);
  const std::string target = join_ids(partition.target);
  sqlite::Statement& set = s_.set_partition;
  set.bind(1, partition.leader.raw());
  set.bind(2, partition.leader_epoch.raw());
  set.bind_text(3, isr);
  set.bind(4, partition.version);
  set.bind_text(5, replicas);
  set.bind_text(6, made);
  set.bind_text(7, eligible);
  set.bind_text(8, target);
  set.bind(9, partition.min_insync_before);
  set.bind(10, partition.key.topic.raw());
  set.bind(11, partition.key.partition.raw());
  return set.run();
}

Result<void> MetaRowWriter::on(const SetOpened& op) {
  s_.get_made.bind(1, op.key.topic.raw());
  s_.get_made.bind(2, op.key.partition.raw());
  PINION_TRY(row, s_.get_made.step());
  const std::string text = row ? s_.get_made.column_string(0) : std::string();
  s_.get_made.reset();
  PINION_TRY(made, split_ids(text));
  if (op.node != node_none && std::find(made.begin(), made.end(), op.node) == made.end()) {
    made.push_back(op.node);
  }
  const std::string joined = join_ids(made);
  s_.set_opened.bind_text(1, joined);
  s_.set_opened.bind(2, op.key.topic.raw());
  s_.set_opened.bind(3, op.key.partition.raw());
  return s_.set_opened.run();
}

Result<void> MetaRowWriter::on(const RemoveTopic& op) {
  const std::int64_t topic = op.tombstone.topic.raw();
  s_.count_topic.bind(1, topic);
  PINION_TRY(row, s_.count_topic.step());
  const bool exists = row && s_.count_topic.column_int(0) != 0;
  s_.count_topic.reset();
  if (!exists) return {};
  for (sqlite::Statement* remove :
       {&s_.remove_topic, &s_.remove_partitions, &s_.remove_producers, &s_.remove_consumers}) {
    remove->bind(1, topic);
    PINION_CHECK(remove->run());
  }
  for (const NodeId holder : op.tombstone.holders) {
    s_.put_tombstone.bind(1, topic);
    s_.put_tombstone.bind(2, holder.raw());
    s_.put_tombstone.bind_text(3, op.tombstone.name);
    s_.put_tombstone.bind(4, op.tombstone.deleted_at.count());
    PINION_CHECK(s_.put_tombstone.run());
  }
  return {};
}

Result<void> MetaRowWriter::on(const ClearTombstone& op) {
  s_.clear_tombstone.bind(1, op.topic.raw());
  s_.clear_tombstone.bind(2, op.holder.raw());
  return s_.clear_tombstone.run();
}

Result<void> MetaRowWriter::on(const PutRegistration& op) {
  const Registration& r = op.registration;
  sqlite::Statement& put = r.kind == RegistrationKind::producer ? s_.put_producer : s_.put_consumer;
  put.bind(1, r.id.raw());
  put.bind(2, r.topic.raw());
  put.bind_text(3, r.name);
  put.bind(4, r.registered_at.count());
  return put.run();
}

Result<void> MetaRowWriter::on(const SetCounters& op) {
  PINION_CHECK(put_meta(next_topic_id, op.counters.topic.raw()));
  PINION_CHECK(put_meta(next_producer_id, op.counters.producer_id.raw()));
  PINION_CHECK(put_meta(next_producer, op.counters.producer.raw()));
  return put_meta(next_consumer, op.counters.consumer.raw());
}

Result<void> MetaRowWriter::on(const RefreshNode& op) {
  s_.refresh_node.bind(1, op.last_heartbeat.count());
  s_.refresh_node.bind_text(2, name_of_health(op.health));
  s_.refresh_node.bind(3, op.node.raw());
  return s_.refresh_node.run();
}

Result<void> MetaRowWriter::on(const RefreshPartition& op) {
  s_.refresh_partition.bind(1, op.log_end.raw());
  s_.refresh_partition.bind(2, static_cast<std::int64_t>(op.file_bytes));
  s_.refresh_partition.bind(3, op.key.topic.raw());
  s_.refresh_partition.bind(4, op.key.partition.raw());
  return s_.refresh_partition.run();
}

}  // namespace pinion

#include "gui/feed/cluster_feed.hpp"

#include <algorithm>
#include <utility>

namespace pinion::gui {
namespace {

constexpr Micros look_every_connected = 250ms;
constexpr Micros look_every_waiting = 100ms;
constexpr Micros status_timeout = 4s;
constexpr Micros topic_timeout = 15s;

std::string partitions_text(std::int32_t count) {
  return std::to_string(count) + (count == 1 ? " partition" : " partitions");
}

}  // namespace

ClusterFeed::ClusterFeed(FeedContext& context, std::string address) : context_(&context) {
  connection_.address = std::move(address);
}

void ClusterFeed::set_invalid(std::string problem) {
  connection_.state = Connection::invalid;
  connection_.problem = std::move(problem);
  context_->dirty = true;
}

Micros ClusterFeed::next_deadline() const noexcept {
  if (!context_->client) return never;
  return asking_ ? look_at_ : std::min(look_at_, ask_at_);
}

void ClusterFeed::on_tick() {
  if (!context_->client) return;
  if (context_->now.monotonic >= look_at_) look_at_connection();
  if (connection_.state == Connection::connected && context_->now.monotonic >= ask_at_)
    ask_status();
  if (connection_.state != Connection::connected) ask_at_ = look_at_;
}

void ClusterFeed::look_at_connection() {
  const ConnectionStatus status = context_->client->status();
  Connection state = connection_.state;
  if (status.connected) {
    state = Connection::connected;
  } else if (status.refused != Errc::ok) {
    state = Connection::refused;
  } else if (!connection_.cluster_id.empty()) {
    state = Connection::lost;
  }
  const bool changed = state != connection_.state || status.problem != connection_.problem;
  if (state != connection_.state) {
    connection_.since = context_->now.monotonic;
    if (state == Connection::connected) ask_at_ = context_->now.monotonic;
  }
  connection_.state = state;
  connection_.problem = status.connected ? std::string() : status.problem;
  if (!status.cluster_id.empty()) connection_.cluster_id = status.cluster_id;
  if (!status.server_version.empty()) connection_.server_version = status.server_version;
  connection_.record_bytes_max = status.record_bytes_max;
  connection_.reconnects = status.reconnects;
  if (changed) {
    model_.on_connection(context_->now, status.connected,
                         status.connected ? connection_.address : status.problem);
    context_->dirty = true;
  }
  look_at_ =
      context_->now.monotonic + (status.connected ? look_every_connected : look_every_waiting);
}

void ClusterFeed::ask_status() {
  if (!context_->client) return;
  if (asking_) {
    ask_again_ = true;
    return;
  }
  asking_ = true;
  context_->calls->cluster_status(
      status_timeout, Admin::Partitions::yes,
      context_->on_feed<ClusterStatusReply>(
          [this](Result<ClusterStatusReply>&& reply) { on_status(std::move(reply)); }));
  ask_at_ = context_->now.monotonic + status_every;
}

void ClusterFeed::on_status(Result<ClusterStatusReply>&& reply) {
  asking_ = false;
  ask_at_ = context_->now.monotonic + status_every;
  if (std::exchange(ask_again_, false)) ask_at_ = context_->now.monotonic;
  if (!reply) return;  // The connection's own state says what is wrong.
  model_.on_status(context_->now, std::move(*reply));
  std::map<std::string, std::int32_t> topics;
  for (const TopicRow& topic : model_.view()->topics) topics[topic.name] = topic.partitions;
  if (topics != topics_) {
    topics_ = std::move(topics);
    ++topics_version_;
  }
  context_->dirty = true;
}

void ClusterFeed::begin_action(std::string text) {
  ++action_.number;
  action_.running = true;
  action_.ok = false;
  action_.text = std::move(text);
  context_->dirty = true;
}

void ClusterFeed::end_action(std::uint64_t number, const Result<void>& result, std::string text) {
  if (number != action_.number) return;
  action_.running = false;
  action_.ok = result.has_value();
  action_.text = result ? std::move(text) : result.error().to_string();
  context_->dirty = true;
  ask_status();
}

void ClusterFeed::make_topic(const MakeTopic& command) {
  begin_action("Creating " + command.name + "\u2026");
  const std::uint64_t number = action_.number;
  const std::string done =
      "Created " + command.name + " with " + partitions_text(command.config.partitions) + ".";
  if (!context_->client) {
    return end_action(number, failure(Errc::connection_lost, connection_.problem), {});
  }
  context_->calls->create_topic(
      command.name, command.config, topic_timeout,
      context_->on_feed<TopicMetadata>([this, number, done](Result<TopicMetadata>&& topic) {
        Result<void> result;
        if (!topic) result = failure(topic.error());
        end_action(number, result, done);
      }));
}

void ClusterFeed::remove_topic(const RemoveTopic& command) {
  begin_action("Deleting " + command.name + "\u2026");
  const std::uint64_t number = action_.number;
  if (!context_->client) {
    return end_action(number, failure(Errc::connection_lost, connection_.problem), {});
  }
  context_->calls->delete_topic(
      command.name, topic_timeout,
      context_->on_feed<void>([this, number, name = command.name](Result<void>&& result) {
        end_action(number, result, "Deleted " + name + ".");
      }));
}

void ClusterFeed::put_into(Snapshot& snapshot) const {
  snapshot.connection = connection_;
  snapshot.cluster = model_.view();
  snapshot.events = model_.events();
  snapshot.topic_action = action_;
}

}  // namespace pinion::gui

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

/// Of a command to a node, while and after it is carried out.
struct Words {
  std::string doing;
  std::string done;
  std::string done_alone;  ///< When nothing had to move.
};

Words words_of(const ChangeNode& command) {
  const std::string number = std::to_string(command.node.raw());
  std::string done;
  switch (command.command) {
    case NodeCommand::drain:
      done = "Node " + number + " is being drained";
      return {"Draining node " + number, done, "Node " + number + " is drained"};
    case NodeCommand::keep:
      done = "Node " + number + " may hold partitions again";
      return {"Keeping node " + number, done, done};
    case NodeCommand::remove:
      done = "Node " + number + " is forgotten";
      return {"Removing node " + number, done, done};
    case NodeCommand::rebalance:
      break;
  }
  return {"Spreading replicas", "Replicas are being spread evenly", "Replicas lie evenly already"};
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
  if (asking_ && context_->now.monotonic < asked_at_ + 2 * status_timeout) {
    ask_again_ = true;
    return;
  }
  asking_ = true;  // Or its answer found the queue full, and is lost.
  asked_at_ = context_->now.monotonic;
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

std::uint64_t ClusterFeed::begin(ActionResult& action, std::string text) {
  ++action.number;
  action.running = true;
  action.ok = false;
  action.text = std::move(text);
  context_->dirty = true;
  return action.number;
}

void ClusterFeed::end(ActionResult& action, std::uint64_t number, bool ok, std::string text) {
  if (number != action.number) return;
  action.running = false;
  action.ok = ok;
  action.text = std::move(text);
  context_->dirty = true;
  ask_status();
}

void ClusterFeed::make_topic(const MakeTopic& command) {
  const std::uint64_t number = begin(topic_action_, "Creating " + command.name + "\u2026");
  if (!context_->client) return end(topic_action_, number, false, connection_.problem);
  context_->calls->create_topic(
      command.name, command.config, topic_timeout,
      context_->on_feed<TopicMetadata>([this, number,
                                        name = command.name](Result<TopicMetadata>&& topic) {
        end(topic_action_, number, topic.has_value(),
            topic ? "Created " + name + " with " + partitions_text(topic->config.partitions) + "."
                  : topic.error().to_string());
      }));
}

void ClusterFeed::remove_topic(const RemoveTopic& command) {
  const std::uint64_t number = begin(topic_action_, "Deleting " + command.name + "\u2026");
  if (!context_->client) return end(topic_action_, number, false, connection_.problem);
  context_->calls->delete_topic(
      command.name, topic_timeout,
      context_->on_feed<void>([this, number, name = command.name](Result<void>&& result) {
        end(topic_action_, number, result.has_value(),
            result ? "Deleted " + name + "." : result.error().to_string());
      }));
}

void ClusterFeed::change_topic(const ChangeTopic& command) {
  const std::string& name = command.change.name;
  const std::uint64_t number = begin(topic_action_, "Altering " + name + "\u2026");
  if (!context_->client) return end(topic_action_, number, false, connection_.problem);
  context_->calls->alter_topic(
      command.change, topic_timeout,
      context_->on_feed<TopicMetadata>([this, number, name](Result<TopicMetadata>&& topic) {
        if (!topic) return end(topic_action_, number, false, topic.error().to_string());
        std::int32_t moving = 0;
        for (const PartitionMetadata& partition : topic->partitions) {
          if (!partition.target.empty()) ++moving;
        }
        end(topic_action_, number, true,
            "Altered " + name +
                (moving == 0 ? "." : "; " + partitions_text(moving) + " are being moved."));
      }));
}

void ClusterFeed::change_node(const ChangeNode& command) {
  const Words words = words_of(command);
  const std::uint64_t number = begin(node_action_, words.doing + "\u2026");
  if (!context_->client) return end(node_action_, number, false, connection_.problem);
  context_->calls->command_node(
      command.command, command.node, topic_timeout,
      context_->on_feed<std::uint32_t>([this, number, words](Result<std::uint32_t>&& moves) {
        if (!moves) return end(node_action_, number, false, moves.error().to_string());
        const auto count = static_cast<std::int32_t>(*moves);
        end(node_action_, number, true,
            count == 0 ? words.done_alone + "."
                       : words.done + "; " + partitions_text(count) + " are being moved.");
      }));
}

void ClusterFeed::put_into(Snapshot& snapshot) const {
  snapshot.connection = connection_;
  snapshot.cluster = model_.view();
  snapshot.events = model_.events();
  snapshot.topic_action = topic_action_;
  snapshot.node_action = node_action_;
}

}  // namespace pinion::gui

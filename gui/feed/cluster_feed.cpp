#include "gui/feed/cluster_feed.hpp"

#include "gui/feed/host_lookup.hpp"
#include "gui/model/changes.hpp"
#include "gui/model/words.hpp"

#include <algorithm>
#include <utility>

namespace pinion::gui {
namespace {

constexpr Micros look_every_connected = 250ms;
constexpr Micros look_every_waiting = 100ms;
constexpr Micros status_timeout = 4s;
constexpr Micros topic_timeout = 15s;
constexpr Micros look_up_every = 10s;
constexpr Micros first_answer_within = 300ms;

std::string partitions_text(std::int32_t count) {
  return counted(static_cast<std::uint64_t>(count), "partition", "partitions");
}

std::string doing_text(const ChangeNode& command) {
  const std::string node = "node " + std::to_string(command.node.raw());
  switch (command.command) {
    case NodeCommand::drain:
      return "Draining " + node + "\u2026";
    case NodeCommand::keep:
      return "Keeping " + node + "\u2026";
    case NodeCommand::remove:
      return "Removing " + node + "\u2026";
    case NodeCommand::rebalance:
      break;
  }
  return "Spreading replicas\u2026";
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
  if (!status.connected && context_->now.monotonic >= look_up_at_) look_up_broker();
  if (status.connected) host_problem_.clear();  // Or it would be said of the next loss.
  if (began_at_ == Micros{0}) began_at_ = context_->now.monotonic;
  // Before an answer could have come, that there is none says nothing.
  const bool early =
      state == Connection::connecting && context_->now.monotonic < began_at_ + first_answer_within;
  std::string problem = early ? std::string() : status.problem;
  if (!host_problem_.empty() && status.refused == Errc::ok) problem = host_problem_;
  if (status.connected) problem.clear();
  const bool changed = state != connection_.state || problem != connection_.problem;
  if (state != connection_.state) {
    connection_.since = context_->now.monotonic;
    if (state == Connection::connected) ask_at_ = context_->now.monotonic;
  }
  connection_.state = state;
  connection_.problem = std::move(problem);
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

/// While nobody answers: is there such a host at all?
void ClusterFeed::look_up_broker() {
  look_up_at_ = context_->now.monotonic + look_up_every;
  const std::string host = host_name_of(connection_.address);
  if (host.empty() || std::exchange(looking_up_, true)) return;
  look_up_host(host, [this, inbox = context_->inbox](const std::string& problem) {
    // A closed inbox takes nothing: whoever owned this is gone, and is not touched.
    static_cast<void>(inbox->try_push([this, problem] {
      looking_up_ = false;
      host_problem_ = problem;
      look_at_ = context_->now.monotonic;
    }));
  });
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
  ReadTopics topics;
  for (const TopicRow& topic : model_.view()->topics) {
    topics[topic.name] = {topic.partitions, topic.id};
  }
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
  action.wants_attention = false;
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
  if (!context_->client) return end(topic_action_, number, false, sentence(connection_.problem));
  context_->calls->create_topic(
      command.name, command.config, topic_timeout,
      context_->on_feed<TopicMetadata>([this, number,
                                        name = command.name](Result<TopicMetadata>&& topic) {
        end(topic_action_, number, topic.has_value(),
            topic ? "Created " + name + " with " + partitions_text(topic->config.partitions) + "."
                  : words_of(topic.error()));
      }));
}

void ClusterFeed::remove_topic(const RemoveTopic& command) {
  const std::uint64_t number = begin(topic_action_, "Deleting " + command.name + "\u2026");
  if (!context_->client) return end(topic_action_, number, false, sentence(connection_.problem));
  context_->calls->delete_topic(
      command.name, topic_timeout,
      context_->on_feed<void>([this, number, name = command.name](Result<void>&& result) {
        end(topic_action_, number, result.has_value(),
            result ? "Deleted " + name + "." : words_of(result.error()));
      }));
}

void ClusterFeed::change_topic(const ChangeTopic& command) {
  const std::string& name = command.change.name;
  const std::uint64_t number = begin(topic_action_, "Altering " + name + "\u2026");
  if (!context_->client) return end(topic_action_, number, false, sentence(connection_.problem));
  context_->calls->alter_topic(
      command.change, topic_timeout,
      context_->on_feed<TopicMetadata>([this, number, name](Result<TopicMetadata>&& topic) {
        if (!topic) return end(topic_action_, number, false, words_of(topic.error()));
        std::int32_t moving = 0;
        for (const PartitionMetadata& partition : topic->partitions) {
          if (!partition.target.empty()) ++moving;
        }
        end(topic_action_, number, true,
            "Altered " + name +
                (moving == 0   ? "."
                 : moving == 1 ? "; one partition is being moved."
                               : "; " + partitions_text(moving) + " are being moved."));
      }));
}

void ClusterFeed::change_node(const ChangeNode& command) {
  const std::uint64_t number = begin(node_action_, doing_text(command));
  if (!context_->client) return end(node_action_, number, false, sentence(connection_.problem));
  context_->calls->command_node(
      command.command, command.node, topic_timeout,
      context_->on_feed<std::uint32_t>([this, number, command](Result<std::uint32_t>&& moves) {
        if (!moves) return end(node_action_, number, false, words_of(moves.error()));
        end_change(command, number, *moves);
      }));
}

Freshness ClusterFeed::freshness() const {
  const bool recent =
      model_.view() && context_->now.monotonic - model_.view()->answered_at <= stale_after;
  return recent && connection_.state == Connection::connected ? Freshness::fresh : Freshness::stale;
}

void ClusterFeed::end_change(const ChangeNode& command, std::uint64_t number, std::uint32_t moves) {
  const std::string node = "Node " + std::to_string(command.node.raw());
  Outcome outcome;
  switch (command.command) {
    case NodeCommand::drain:
      outcome = drain_outcome(model_.view().get(), command.node, moves, freshness());
      break;
    case NodeCommand::keep:
      outcome.text = node + " may hold partitions again.";
      break;
    case NodeCommand::remove:
      outcome.text = node + " is forgotten.";
      break;
    case NodeCommand::rebalance:
      outcome.text = moves == 0
                         ? "Replicas lie evenly already."
                         : "Replicas are being spread evenly; " +
                               counted(moves, "partition is", "partitions are") + " being moved.";
      break;
  }
  end(node_action_, number, true, std::move(outcome.text));
  if (number == node_action_.number) node_action_.wants_attention = outcome.wants_attention;
}

void ClusterFeed::put_into(Snapshot& snapshot) const {
  snapshot.connection = connection_;
  snapshot.cluster = model_.view();
  snapshot.events = model_.events();
  snapshot.topic_action = topic_action_;
  snapshot.node_action = node_action_;
}

}  // namespace pinion::gui

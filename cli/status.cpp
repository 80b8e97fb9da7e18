// pinion status: nodes, topics, partitions, leaders, rates, lag and sizes, once or again and again.
#include "cli/command.hpp"
#include "cli/interrupt.hpp"
#include "cli/json_text.hpp"
#include "cli/output.hpp"
#include "cli/session.hpp"
#include "cli/text.hpp"

#include <algorithm>
#include <map>
#include <memory>

namespace pinion::cli {
namespace {

constexpr Micros watch_every = 1s;
/// Rows of a terminal that shows everything would scroll away; the rest is counted.
constexpr std::size_t rows_max = 200;

struct StatusOptions {
  bool watch = false;
  bool json = false;
};

std::string age_of(Micros then, Micros now) {
  if (then.count() == 0) return "never";
  return format_number(static_cast<double>(std::max<std::int64_t>(0, (now - then).count())) / 1e6,
                       1) +
         " s";
}

std::string milliseconds_of(std::uint32_t micros) { return format_number(micros / 1e3, 2); }

std::string broker_line(const ClusterStatusReply& status) {
  const BrokerStatus& broker = status.broker;
  const auto alive = std::count_if(status.nodes.begin(), status.nodes.end(), [](const auto& node) {
    return node.health == NodeHealth::alive;
  });
  std::uint64_t in = 0;
  std::uint64_t out = 0;
  for (const PartitionStatus& partition : status.partitions) {
    in += partition.records_in_per_s;
    out += partition.records_out_per_s;
  }
  std::string line = "cluster " + broker.cluster_name + " (" + broker.cluster_id + "), broker " +
                     broker.version + " up " + age_of(broker.started_at, broker.now) + ", " +
                     std::to_string(alive) + " of " + std::to_string(status.nodes.size()) +
                     " nodes alive, " + std::to_string(status.topics.size()) + " topics, " +
                     std::to_string(broker.clients) + " clients, in " + format_count(in) +
                     "/s, out " + format_count(out) + "/s, memory " +
                     format_bytes(broker.memory_bytes) + "\n";
  if (broker.refused_malformed + broker.refused_throttled + broker.replies_dropped +
          broker.fuse_trips >
      0) {
    line += "refused: " + format_count(broker.refused_malformed) + " malformed, " +
            format_count(broker.refused_throttled) + " throttled; " +
            format_count(broker.replies_dropped) + " answers to clients that were gone; memory " +
            "fuse tripped " + format_count(broker.fuse_trips) + " times\n";
  }
  return line;
}

std::string nodes_of(const ClusterStatusReply& status) {
  Table table({"node", "health", "leads", "heard", "memory", "disk free", "commits",
               "commit p50 ms", "p99 ms", "address", "rack", "region"});
  for (const NodeStatus& node : status.nodes) {
    table.add({std::to_string(node.id.raw()), std::string(name_of(node.health)),
               std::to_string(node.partitions_led), age_of(node.last_heartbeat, status.broker.now),
               format_bytes(node.load.memory_bytes), format_bytes(node.load.disk_free_bytes),
               std::to_string(node.load.commits), milliseconds_of(node.load.commit_p50_us),
               milliseconds_of(node.load.commit_p99_us), node.address, node.rack, node.region});
  }
  std::string text = table.to_string();
  for (const NodeStatus& node : status.nodes) {
    if (node.detail.empty()) continue;
    text += "node " + std::to_string(node.id.raw()) + " was not let in: " + node.detail + "\n";
  }
  return text;
}

std::string lag_of(const PartitionStatus& partition) {
  std::string text;
  for (const ReaderStatus& reader : partition.readers) {
    const std::int64_t lag = std::max<std::int64_t>(0, partition.high_watermark - reader.position);
    text += (text.empty() ? "" : " ") + reader.reader + "=" + std::to_string(lag);
  }
  return text;
}

std::string numbers_of(const std::vector<NodeId>& nodes) {
  std::string text;
  for (const NodeId node : nodes) text += (text.empty() ? "" : ",") + std::to_string(node.raw());
  return text;
}

/// Followers that are not at the leader's end, or not in sync: "3=1520 (out, 4.2 s)".
std::string behind_of(const PartitionStatus& partition, Micros now) {
  std::string text;
  for (const FollowerStatus& follower : partition.followers) {
    if (follower.in_sync && follower.behind_since == Micros{0}) continue;
    text += (text.empty() ? "" : " ") + std::to_string(follower.node.raw()) + "=";
    text +=
        follower.durable_end < Offset{0}
            ? "?"
            : std::to_string(std::max<std::int64_t>(0, partition.log_end - follower.durable_end));
    if (follower.in_sync) continue;
    const bool told = follower.behind_since != Micros{0};
    text += told ? " (out, " + age_of(follower.behind_since, now) + ")" : " (out)";
  }
  return text;
}

std::string partitions_of(const ClusterStatusReply& status) {
  std::map<TopicId, const TopicMetadata*> topics;
  for (const TopicMetadata& topic : status.topics) topics[topic.id] = &topic;
  std::map<PartitionKey, const PartitionStatus*> known;
  for (const PartitionStatus& p : status.partitions) known[{p.topic, p.partition}] = &p;

  Table table({"topic", "partition", "leader", "epoch", "state", "replicas", "in sync", "behind",
               "from", "to", "in/s", "out/s", "size", "wal", "lag", "detail"});
  std::size_t rows = 0;
  std::size_t left_out = 0;
  for (const TopicMetadata& topic : status.topics) {
    for (const PartitionMetadata& p : topic.partitions) {
      if (++rows > rows_max) {
        ++left_out;
        continue;
      }
      const auto found = known.find({topic.id, p.partition});
      const PartitionStatus none;
      const PartitionStatus& last = found == known.end() ? none : *found->second;
      const bool told = found != known.end() && last.high_watermark >= Offset{0};
      const std::string unknown = "?";
      table.add({topic.name, std::to_string(p.partition.raw()), std::to_string(p.leader.raw()),
                 std::to_string(p.leader_epoch.raw()), std::string(name_of(p.state)),
                 numbers_of(p.replicas), numbers_of(p.isr), behind_of(last, status.broker.now),
                 told ? std::to_string(last.log_start.raw()) : unknown,
                 told ? std::to_string(last.high_watermark.raw()) : unknown,
                 told ? std::to_string(last.records_in_per_s) : unknown,
                 told ? std::to_string(last.records_out_per_s) : unknown,
                 told ? format_bytes(last.file_bytes) : unknown,
                 told ? format_bytes(last.wal_bytes) : unknown, lag_of(last),
                 p.detail.empty() ? last.detail : p.detail});
    }
  }
  std::string text = table.to_string();
  if (left_out > 0) {
    text += "and " + std::to_string(left_out) + " partitions more; --json lists all\n";
  }
  return text;
}

std::string text_of(const ClusterStatusReply& status) {
  std::string text = broker_line(status) + "\n" + nodes_of(status);
  if (!status.topics.empty()) text += "\n" + partitions_of(status);
  return text;
}

int show_once(Client& client, const StatusOptions& options, Output& out) {
  const Result<ClusterStatusReply> status = client.admin().cluster_status(answer_timeout);
  if (!status) return complain_about(status.error());
  if (options.json) {
    out.line(json_of(*status));
  } else {
    out.write(text_of(*status));
  }
  out.flush();
  return out.exit_status();
}

/// A terminal shows the newest picture in place of the last one, a pipe one after the other.
int watch(Client& client, const StatusOptions& options, Output& out) {
  const bool in_place = is_terminal(1) && !options.json;
  while (!interrupted()) {
    const Result<ClusterStatusReply> status = client.admin().cluster_status(answer_timeout);
    if (interrupted()) break;
    if (in_place) out.write("\x1b[H\x1b[J");
    if (!status) {
      remark("no picture: " + status.error().detail);
    } else if (options.json) {
      out.line(json_of(*status));
    } else {
      out.write(text_of(*status) + (in_place ? "" : "\n"));
    }
    if (!out.flush()) return out.exit_status();
    sleep_unless_interrupted(watch_every);
  }
  return 0;
}

int status(const StatusOptions& options, const std::string& broker) {
  const std::unique_ptr<Client> client = connect(broker, "status");
  if (!client) return 1;
  Output out;
  return options.watch ? watch(*client, options, out) : show_once(*client, options, out);
}

}  // namespace

void add_status(CLI::App& app, Commands& commands) {
  CLI::App* command =
      app.add_subcommand("status", "Show nodes, topics, partitions, leaders, rates, lag and sizes");
  const auto options = std::make_shared<StatusOptions>();
  command->add_flag("--watch", options->watch, "Again every second, until Ctrl-C");
  command->add_flag("--json", options->json, "One JSON object a picture");
  add_broker_option(*command, commands);
  command->callback([options, &commands] {
    commands.run = [options, &commands] { return status(*options, commands.broker); };
  });
}

}  // namespace pinion::cli

// pinion topic create, alter, list, describe, delete.
#include "cli/command.hpp"
#include "cli/interrupt.hpp"
#include "cli/json_text.hpp"
#include "cli/output.hpp"
#include "cli/session.hpp"
#include "cli/text.hpp"

#include "common/base/limits.hpp"

#include <algorithm>
#include <limits>
#include <memory>

namespace pinion::cli {
namespace {

/// A topic of many partitions on a slow disk takes a while to be made.
constexpr Micros create_timeout = 30s;

constexpr auto replicas_max = static_cast<std::int64_t>(limits::nodes_max);
constexpr std::int64_t number_max = std::numeric_limits<std::int64_t>::max();

struct TopicOptions {
  std::string broker;
  std::string name;
  TopicConfig config;
  AlterTopic change;
  bool json = false;
  bool yes = false;
};

std::string numbers_of(const std::vector<NodeId>& nodes) {
  std::string text;
  for (const NodeId node : nodes) {
    text += (text.empty() ? "" : ",") + std::to_string(node.raw());
  }
  return text;
}

std::string table_of(const TopicMetadata& topic) {
  Table table(
      {"partition", "leader", "epoch", "state", "replicas", "in sync", "moves to", "detail"});
  for (const PartitionMetadata& p : topic.partitions) {
    table.add({std::to_string(p.partition.raw()), std::to_string(p.leader.raw()),
               std::to_string(p.leader_epoch.raw()), std::string(name_of(p.state)),
               numbers_of(p.replicas), numbers_of(p.isr), numbers_of(p.target), p.detail});
  }
  return table.to_string();
}

std::string retention_of(const TopicConfig& config) {
  if (config.retention_ms == 0 && config.retention_bytes == 0) return "kept for ever";
  std::string text = "kept";
  if (config.retention_ms > 0) text += " " + std::to_string(config.retention_ms) + " ms";
  if (config.retention_bytes > 0) {
    text += " up to " + format_bytes(static_cast<std::uint64_t>(config.retention_bytes)) +
            " a partition";
  }
  return text;
}

std::string counted(std::size_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

/// Who chose no number has three, and fewer while nodes are away: they are told, for that stays so.
void remark_fewer_replicas(Client& client, const TopicMetadata& topic) {
  if (topic.config.replication >= 3) return;
  const Result<ClusterStatusReply> status = client.admin().cluster_status(answer_timeout);
  if (!status) return;
  const auto is_away = [](const NodeStatus& node) {
    return node.health != NodeHealth::alive && !node.draining;
  };
  const auto away = std::count_if(status->nodes.begin(), status->nodes.end(), is_away);
  if (away == 0) return;
  remark(counted(static_cast<std::size_t>(away), "node") + " away; when back: pinion topic alter " +
         topic.name + " --replication 3");
}

int create(const TopicOptions& options) {
  end_when_interrupted();
  const std::unique_ptr<Client> client = connect(options.broker, "topic create");
  if (!client) return 1;
  const Result<TopicMetadata> topic =
      client->admin().create_topic(options.name, options.config, create_timeout);
  if (!topic) return complain_about(topic.error(), options.name);
  Output out;
  if (options.json) {
    out.line(json_of(*topic));
  } else {
    out.line("made topic " + topic->name + " with " +
             counted(topic->partitions.size(), "partition") + " of " +
             counted(static_cast<std::size_t>(topic->config.replication), "replica"));
  }
  out.flush();
  if (options.config.replication == 0) remark_fewer_replicas(*client, *topic);
  for (const PartitionMetadata& p : topic->partitions) {
    if (p.state != PartitionState::online) {
      return complain("partition " + std::to_string(p.partition.raw()) + " is not online yet (" +
                      std::string(name_of(p.state)) + "); pinion topic describe " + topic->name +
                      " shows when it is");
    }
  }
  return out.exit_status();
}

bool changes_nothing(const AlterTopic& change) {
  return change.partitions < 0 && change.replication < 0 && change.retention_ms < 0 &&
         change.retention_bytes < 0 && change.min_insync_replicas < 0 &&
         change.unclean_elections < 0;
}

int alter(const TopicOptions& options) {
  end_when_interrupted();
  const std::unique_ptr<Client> client = connect(options.broker, "topic alter");
  if (!client) return 1;
  AlterTopic change = options.change;
  if (changes_nothing(change)) {
    complain("say what is to be changed, as with --partitions 6; see pinion topic alter --help");
    return 2;
  }
  change.name = options.name;
  const Result<TopicMetadata> topic = client->admin().alter_topic(change, answer_timeout);
  if (!topic) return complain_about(topic.error(), options.name);
  Output out;
  if (options.json) {
    out.line(json_of(*topic));
  } else {
    out.line("altered topic " + topic->name);
    out.write(table_of(*topic));
  }
  out.flush();
  return out.exit_status();
}

int list(const TopicOptions& options) {
  end_when_interrupted();
  const std::unique_ptr<Client> client = connect(options.broker, "topic list");
  if (!client) return 1;
  const auto topics = client->admin().list_topics(answer_timeout);
  if (!topics) return complain_about(topics.error());
  Output out;
  if (options.json) {
    out.line(json_of(*topics));
  } else {
    Table table({"topic", "partitions", "made"});
    for (const TopicMetadata& topic : *topics) {
      table.add(
          {topic.name, std::to_string(topic.partitions.size()), format_time(topic.created_at)});
    }
    out.write(table.to_string());
  }
  out.flush();
  return out.exit_status();
}

int describe(const TopicOptions& options) {
  end_when_interrupted();
  const std::unique_ptr<Client> client = connect(options.broker, "topic describe");
  if (!client) return 1;
  const auto topic = client->admin().describe_topic(options.name, answer_timeout);
  if (!topic) return complain_about(topic.error(), options.name);
  Output out;
  if (options.json) {
    out.line(json_of(*topic));
  } else {
    out.line("topic " + topic->name + ", id " + std::to_string(topic->id.raw()) + ", made " +
             format_time(topic->created_at) + ", " + retention_of(topic->config));
    out.write(table_of(*topic));
  }
  out.flush();
  return out.exit_status();
}

int remove(const TopicOptions& options) {
  if (!options.yes) {
    return complain("deleting topic " + options.name +
                    " deletes its records for good; say so with --yes");
  }
  end_when_interrupted();
  const std::unique_ptr<Client> client = connect(options.broker, "topic delete");
  if (!client) return 1;
  const auto topic = client->admin().describe_topic(options.name, answer_timeout);
  if (!topic) return complain_about(topic.error(), options.name);
  const Result<void> removed = client->admin().delete_topic(options.name, answer_timeout);
  if (!removed) return complain_about(removed.error(), options.name);
  Output out;
  out.line(options.json ? json_of_deleted(options.name, topic->id)
                        : "deleted topic " + options.name);
  out.flush();
  return out.exit_status();
}

CLI::Validator zero_or_one() {
  return {[](std::string& text) -> std::string {
            return text == "0" || text == "1" ? "" : "'" + text + "' is not 0 or 1";
          },
          ""};
}

}  // namespace

void add_topic(CLI::App& app, Commands& commands) {
  CLI::App* topic = app.add_subcommand("topic", "Create, alter, list, describe and delete topics");
  topic->require_subcommand(1);
  add_broker_option(*topic, commands);
  const auto options = std::make_shared<TopicOptions>();
  using Run = int (*)(const TopicOptions&);
  const auto add = [&](const char* name, const char* what, Run run) {
    CLI::App* command = topic->add_subcommand(name, what);
    add_broker_option(*command, commands);
    command->add_flag("--json", options->json, "Print JSON");
    command->callback([options, run, &commands] {
      commands.run = [options, run, &commands] {
        options->broker = commands.broker;
        return run(*options);
      };
    });
    return command;
  };
  const auto add_name = [&](CLI::App* command) {
    command->add_option("NAME", options->name, "The topic's name")
        ->required()
        ->check(topic_name())
        ->type_name("");
  };

  CLI::App* creating = add("create", "Make a topic", create);
  add_name(creating);
  TopicConfig& config = options->config;
  creating->add_option("--partitions", config.partitions, "How many (1)")
      ->check(whole_number_from(1, limits::partitions_per_topic_max))
      ->type_name("N");
  config.replication = 0;
  creating
      ->add_option("--replication", config.replication,
                   "Replicas of each partition; 0: three, or as many as there are nodes (0)")
      ->check(whole_number_from(0, replicas_max))
      ->type_name("N");
  creating
      ->add_option("--min-insync", config.min_insync_replicas,
                   "Take records only while so many replicas are in sync; 0: the majority (0)")
      ->check(whole_number_from(0, replicas_max))
      ->type_name("N");
  creating->add_flag("--unclean", config.unclean_elections,
                     "When no replica that has everything is left, let one lead that has less");
  creating->add_option("--retention-ms", config.retention_ms, "Drop older records; 0: never (0)")
      ->check(whole_number_from(0, number_max))
      ->type_name("MS");
  creating
      ->add_option("--retention-bytes", config.retention_bytes,
                   "Keep about so much a partition; 0: all (0)")
      ->check(whole_number_from(0, number_max))
      ->type_name("BYTES");
  CLI::App* altering = add("alter", "Change a topic while it is in use", alter);
  add_name(altering);
  AlterTopic& change = options->change;
  altering->add_option("--partitions", change.partitions, "How many; only more")
      ->check(whole_number_from(1, limits::partitions_per_topic_max))
      ->type_name("N");
  altering->add_option("--replication", change.replication, "Replicas of each partition")
      ->check(whole_number_from(1, replicas_max))
      ->type_name("N");
  altering
      ->add_option("--min-insync", change.min_insync_replicas,
                   "Take records only while so many replicas are in sync; 0: the majority")
      ->check(whole_number_from(0, replicas_max))
      ->type_name("N");
  altering->add_option("--retention-ms", change.retention_ms, "Drop older records; 0: never")
      ->check(whole_number_from(0, number_max))
      ->type_name("MS");
  altering
      ->add_option("--retention-bytes", change.retention_bytes,
                   "Keep about so much a partition; 0: all")
      ->check(whole_number_from(0, number_max))
      ->type_name("BYTES");
  altering
      ->add_option("--unclean", change.unclean_elections,
                   "1: when no replica that has everything is left, one that has less may lead")
      ->check(zero_or_one())
      ->type_name("0|1");
  add("list", "List all topics", list);
  add_name(add("describe", "Show a topic's partitions and their leaders", describe));
  CLI::App* deleting = add("delete", "Delete a topic and its records", remove);
  add_name(deleting);
  deleting->add_flag("--yes", options->yes, "Really");
}

}  // namespace pinion::cli

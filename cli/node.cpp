// pinion node list, drain, keep, remove, rebalance: which nodes hold what, and moving it.
#include "cli/command.hpp"
#include "cli/json_text.hpp"
#include "cli/output.hpp"
#include "cli/session.hpp"
#include "cli/text.hpp"

#include <memory>

namespace pinion::cli {
namespace {

struct NodeOptions {
  std::string broker;
  std::int32_t id = 0;
  bool json = false;
};

int list(const NodeOptions& options) {
  const std::unique_ptr<Client> client = connect(options.broker, "node list");
  if (!client) return 1;
  const auto status = client->admin().cluster_status(answer_timeout);
  if (!status) return complain_about(status.error());
  Output out;
  if (options.json) {
    out.line(json_of(*status));
  } else {
    Table table({"node", "health", "replicas", "leads", "draining", "address", "rack", "region"});
    for (const NodeStatus& node : status->nodes) {
      table.add({std::to_string(node.id.raw()), std::string(name_of(node.health)),
                 std::to_string(node.replicas), std::to_string(node.partitions_led),
                 node.draining ? "yes" : "", node.address, node.rack, node.region});
    }
    out.write(table.to_string());
    std::size_t moving = 0;
    for (const TopicMetadata& topic : status->topics) {
      for (const PartitionMetadata& p : topic.partitions) moving += p.target.empty() ? 0U : 1U;
    }
    if (moving > 0) {
      out.line(std::to_string(moving) +
               " partitions are being moved; pinion topic describe NAME shows where to");
    }
  }
  out.flush();
  return out.exit_status();
}

int command(const NodeOptions& options, NodeCommand what, const std::string& done) {
  const std::unique_ptr<Client> client = connect(options.broker, "node");
  if (!client) return 1;
  const auto moves = client->admin().command_node(what, NodeId(options.id), answer_timeout);
  if (!moves) return complain_about(moves.error());
  Output out;
  if (options.json) {
    out.line("{\"moves\":" + std::to_string(*moves) + "}");
  } else {
    out.line(done + (*moves == 0 ? std::string()
                                 : "; " + std::to_string(*moves) +
                                       " partitions are being moved (pinion node list)"));
  }
  out.flush();
  return out.exit_status();
}

std::string name_of_node(const NodeOptions& options) {
  return "node " + std::to_string(options.id);
}

int drain(const NodeOptions& options) {
  return command(options, NodeCommand::drain, name_of_node(options) + " is being drained");
}
int keep(const NodeOptions& options) {
  return command(options, NodeCommand::keep, name_of_node(options) + " may hold partitions again");
}
int remove(const NodeOptions& options) {
  return command(options, NodeCommand::remove, name_of_node(options) + " is forgotten");
}
int rebalance(const NodeOptions& options) {
  return command(options, NodeCommand::rebalance, "replicas are spread evenly");
}

}  // namespace

void add_node(CLI::App& app, Commands& commands) {
  CLI::App* node =
      app.add_subcommand("node", "List, drain, remove and rebalance partition brokers");
  node->require_subcommand(1);
  add_broker_option(*node, commands);
  const auto options = std::make_shared<NodeOptions>();
  using Run = int (*)(const NodeOptions&);
  const auto add = [&](const char* name, const char* what, Run run) {
    CLI::App* command = node->add_subcommand(name, what);
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
  const auto add_id = [&](CLI::App* command) {
    command->add_option("ID", options->id, "The node's number")->required()->type_name("");
  };
  add("list", "Show all nodes and what they hold", list);
  add_id(add("drain", "Move everything away from a node, while all goes on", drain));
  add_id(add("keep", "Undo a drain", keep));
  add_id(add("remove", "Forget a node that is stopped and holds nothing", remove));
  add("rebalance", "Spread replicas evenly over all nodes", rebalance);
}

}  // namespace pinion::cli

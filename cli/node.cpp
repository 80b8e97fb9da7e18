// pinion node list, drain, keep, remove, rebalance: which nodes hold what, and moving it.
#include "cli/command.hpp"
#include "cli/interrupt.hpp"
#include "cli/json_text.hpp"
#include "cli/output.hpp"
#include "cli/session.hpp"
#include "cli/text.hpp"

#include <algorithm>
#include <limits>
#include <memory>

namespace pinion::cli {
namespace {

struct NodeOptions {
  std::string broker;
  std::int32_t id = 0;
  bool json = false;
  bool wait = false;
};

/// How often a person who waits looks.
constexpr Micros look_every = 500ms;
/// Nothing moves for so long, in which a node could have been started again: nothing will.
constexpr Micros stalled_after = 30s;

std::size_t moving_in(const ClusterStatusReply& status) {
  std::size_t moving = 0;
  for (const TopicMetadata& topic : status.topics) {
    for (const PartitionMetadata& p : topic.partitions) moving += p.target.empty() ? 0U : 1U;
  }
  return moving;
}

std::uint32_t held_by(const ClusterStatusReply& status, NodeId id) {
  for (const NodeStatus& node : status.nodes) {
    if (node.id == id) return node.replicas;
  }
  return 0;
}

/// Until no partition is being moved, and `emptied` holds nothing; with the count on a terminal.
/// Returns the exit status.
int wait_for_moves(Client& client, NodeId emptied) {
  Progress progress;
  Micros last_move = monotonic_now();
  std::uint32_t at_first = 0;
  std::string left;
  // A status may be older than the command, by less than a look.
  while (!sleep_unless_interrupted(look_every)) {
    const auto status = client.admin().cluster_status(answer_timeout);
    if (!status) return complain_about(status.error());
    // Some move at a time: of a drain, what the node still holds is what is left.
    const std::size_t moving = moving_in(*status);
    const std::uint32_t held = held_by(*status, emptied);
    if (moving == 0 && held == 0) return 0;
    at_first = std::max(at_first, held);
    left = emptied == node_none ? format_count(moving) + " partitions are being moved"
                                : format_count(held) + " of " + format_count(at_first) +
                                      " replicas are still on the node";
    progress.show(moving == 0 ? left + "; nothing moves now" : left);
    if (moving > 0) last_move = monotonic_now();
    if (monotonic_now() - last_move > stalled_after) {
      progress.finish();
      return complain(left + ", and no other live node may have them; start one");
    }
  }
  progress.finish();
  complain("interrupted; the cluster goes on by itself" + (left.empty() ? left : ": " + left));
  return exit_interrupted;
}

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
    if (const std::size_t moving = moving_in(*status); moving > 0) {
      out.line(std::to_string(moving) +
               " partitions are being moved; pinion topic describe NAME shows where to");
    }
  }
  out.flush();
  return out.exit_status();
}

std::string outcome_of(std::uint32_t moves, bool waited) {
  if (waited && moves > 0) return "; all is moved";
  if (moves == 0) return {};
  return "; " + std::to_string(moves) + " partitions are being moved (pinion node list)";
}

int command(const NodeOptions& options, NodeCommand what, const std::string& done) {
  const std::unique_ptr<Client> client = connect(options.broker, "node");
  if (!client) return 1;
  const auto moves = client->admin().command_node(what, NodeId(options.id), answer_timeout);
  if (!moves) {
    Error why = moves.error();
    if (why.code == Errc::invalid_argument) why.detail += "; pinion node list shows all nodes";
    return complain_about(why);
  }
  if (options.wait) {
    const NodeId emptied = what == NodeCommand::drain ? NodeId(options.id) : node_none;
    if (const int status = wait_for_moves(*client, emptied); status != 0) return status;
  }
  Output out;
  if (options.json) {
    out.line("{\"moves\":" + std::to_string(*moves) + "}");
  } else {
    const bool is_spread = what != NodeCommand::rebalance || *moves == 0 || options.wait;
    out.line((is_spread ? done : "replicas are being spread evenly") +
             outcome_of(*moves, options.wait));
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
    command->add_option("ID", options->id, "The node's number")
        ->required()
        ->check(whole_number_from(1, std::numeric_limits<std::int32_t>::max()))
        ->type_name("");
  };
  add("list", "Show all nodes and what they hold", list);
  const auto add_wait = [&](CLI::App* command) {
    command->add_flag("--wait", options->wait, "End when all is moved; shows how far it is");
    return command;
  };
  add_id(add_wait(add("drain", "Move everything away from a node, while all goes on", drain)));
  add_id(add("keep", "Undo a drain", keep));
  add_id(add("remove", "Forget a node that is stopped and holds nothing", remove));
  add_wait(add("rebalance", "Spread replicas evenly over all nodes", rebalance));
}

}  // namespace pinion::cli

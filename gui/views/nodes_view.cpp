// The nodes: what each holds and how it is, what is being moved away from which, and the commands.
#include "gui/views/cluster_view.hpp"

#include "gui/model/changes.hpp"
#include "gui/model/words.hpp"
#include "gui/views/panel.hpp"

#include <algorithm>

namespace pinion::gui {
namespace {

std::string used_text(const NodeLoad& load) {
  if (load.disk_total_bytes == 0) return std::string(unknown_text);
  const std::uint64_t used =
      load.disk_total_bytes - std::min(load.disk_free_bytes, load.disk_total_bytes);
  return format_bytes(load.disk_free_bytes) + ", " +
         std::to_string(100 * used / load.disk_total_bytes) + " % used";
}

std::string commit_text(const NodeLoad& load) {
  if (load.commits == 0) return std::string(unknown_text);
  return format_duration(Micros(load.commit_p50_us)) + " / " +
         format_duration(Micros(load.commit_p99_us));
}

void fill_health(const NodeRow& node, GridCell& cell) {
  cell.text = std::string(name_of(node.health));
  cell.tone = tone_of(node.health);
  if (!node.draining) return;
  const char* drain = node.is_drained() ? "drained" : "draining";
  if (node.health == NodeHealth::alive) {
    cell.text = drain;
    cell.tone = Tone::accent;
  } else {
    cell.text += std::string(", ") + drain;
  }
}

void fill_node(const NodeRow& node, std::size_t column, Micros age, GridCell& cell) {
  const bool alive = node.health == NodeHealth::alive;
  const auto known = [&](std::string text) {
    return alive ? std::move(text) : std::string(unknown_text);
  };
  if (!alive) cell.tone = Tone::muted;
  switch (column) {
    case 0:
      cell.text = std::to_string(node.id.raw());
      cell.strong = true;
      cell.tone = Tone::normal;
      break;
    case 1:
      fill_health(node, cell);
      break;
    case 2:
      cell.text = node.address.empty() ? std::string(unknown_text) : node.address;
      break;
    case 3:
      cell.text = format_ago(node.heard_ago + age);
      break;
    case 4:
      cell.text = format_count(std::uint64_t{node.partitions_led}) + " / " +
                  format_count(std::uint64_t{node.replicas});
      break;
    case 5:
      cell.text = known(format_rate(node.records_in_per_s));
      break;
    case 6:
      cell.text = known(format_rate(node.records_out_per_s));
      break;
    case 7:
      cell.text = known(commit_text(node.load));
      break;
    case 8:
      cell.text =
          known(node.commits_per_s ? format_rate(*node.commits_per_s) : std::string(unknown_text));
      break;
    case 9:
      cell.text = known(format_bytes(node.wal_bytes));
      break;
    case 10:
      cell.text = known(format_bytes(node.load.memory_bytes));
      break;
    default:
      cell.text = known(used_text(node.load));
      break;
  }
}

/// "18 of 30 replicas have left node 2", with a bar; and what will not leave it.
void draw_progress(Ui& ui, const NodeRow& node, Freshness freshness) {
  const DrainProgress progress = drain_progress(node, freshness);
  ImGui::AlignTextToFramePadding();
  const ImVec2 at = ImGui::GetCursorScreenPos();
  const float height = ImGui::GetFrameHeight();
  const float width = ui.px(160);
  const float low = at.y + height / 2 - ui.px(3);
  ImDrawList* list = ImGui::GetWindowDrawList();
  list->AddRectFilled({at.x, low}, {at.x + width, low + ui.px(6)}, ui.ink(ui.theme.border),
                      ui.px(3));
  if (progress.share > 0) {
    list->AddRectFilled(
        {at.x, low}, {at.x + std::max(ui.px(6), width * progress.share), low + ui.px(6)},
        ui.ink(progress.tone == Tone::good ? ui.theme.good : ui.theme.accent), ui.px(3));
  }
  ImGui::Dummy({width, height});
  ImGui::SameLine(0, ui.px(10));
  ImGui::AlignTextToFramePadding();
  ui.text_fitted(progress.text, ImGui::GetContentRegionAvail().x, progress.tone);
  ui.describe("nodes.progress." + std::to_string(node.id.raw()), progress.text);
}

void ask(NodeActionState& action, NodeCommand command, NodeId node) {
  action.command = command;
  action.node = node;
  action.open = true;
}

void draw_commands(Ui& ui, const Snapshot& snapshot, ClusterState& state, const NodeRow* node) {
  const bool connected = snapshot.connection.state == Connection::connected;
  NodeActionState& action = state.node_action;
  ImGui::BeginDisabled(!connected || node == nullptr || node->draining);
  if (ui.button("nodes.drain", "Drain\u2026") && node != nullptr) {
    ask(action, NodeCommand::drain, node->id);
  }
  ImGui::EndDisabled();
  ui.beside(ui.button_width("Keep\u2026"));
  ImGui::BeginDisabled(!connected || node == nullptr || !node->draining);
  if (ui.button("nodes.keep", "Keep\u2026") && node != nullptr) {
    ask(action, NodeCommand::keep, node->id);
  }
  ImGui::EndDisabled();
  ui.beside(ui.button_width("Remove\u2026"));
  ImGui::BeginDisabled(!connected || node == nullptr);
  if (ui.button("nodes.remove", "Remove\u2026") && node != nullptr) {
    ask(action, NodeCommand::remove, node->id);
  }
  ImGui::EndDisabled();
  ui.beside(ui.button_width("Spread evenly\u2026"));
  ImGui::BeginDisabled(!connected);
  if (ui.button("nodes.rebalance", "Spread evenly\u2026")) {
    ask(action, NodeCommand::rebalance, node_none);
  }
  ImGui::EndDisabled();
  const std::uint32_t moving = snapshot.cluster->moving;
  const std::string text =
      moving > 0 ? format_count(std::uint64_t{moving}) +
                       (moving == 1 ? " partition is being moved" : " partitions are being moved")
      : node == nullptr ? "Choose a node to drain, keep or remove it."
                        : std::string();
  if (text.empty()) return;
  ui.beside(ImGui::CalcTextSize(text.c_str()).x + ui.px(14), ui.px(14));
  ui.label(text);
  ui.describe("nodes.moving", text);
}

}  // namespace

void draw_nodes(Ui& ui, const Snapshot& snapshot, ClusterState& state) {
  const std::vector<NodeRow>& nodes = snapshot.cluster->nodes;
  const BrokerStatus& broker = snapshot.cluster->broker;
  ui.paragraph("Leader broker: up " + format_duration(broker.now - broker.started_at) +
                   ", controller epoch " + std::to_string(broker.controller_epoch.raw()) + ", " +
                   counted(broker.clients, "client", "clients") + ", " +
                   counted(broker.messages_routed, "message", "messages") + " routed, " +
                   format_bytes(broker.memory_bytes) + " of memory" +
                   (broker.refused_malformed > 0
                        ? ", " + format_count(broker.refused_malformed) + " malformed refused"
                        : ""),
               Tone::muted);
  if (nodes.empty()) {
    ui.begin_card("nodes.none", {0, 0});
    ui.empty_state("No node has registered",
                   "Start one: pinion-partition configs/partition-1.toml");
    ui.end_card();
    return;
  }
  static const std::vector<GridColumn> columns{
      {.title = "Node", .width = 52, .right = true},
      {.title = "Health", .sample = "lost, draining"},
      {.title = "Address", .sample = "tcp://10.0.0.111:55520"},
      {.title = "Heard", .width = 60, .sample = "59 min ago"},
      {.title = "Leads / holds", .right = true},
      {.title = "In", .width = 60, .right = true, .sample = "1.23 k/s"},
      {.title = "Out", .width = 60, .right = true, .sample = "1.23 k/s"},
      {.title = "Commit p50 / p99", .right = true, .sample = "1.13 ms / 18.9 ms"},
      {.title = "Commits", .width = 60, .right = true, .sample = "1.23 k/s"},
      {.title = "WAL", .width = 60, .right = true, .sample = "1,023 KiB"},
      {.title = "Memory", .width = 60, .right = true, .sample = "1,023 MiB"},
      {.title = "Disk free", .sample = "310.0 GiB, 100 % used"}};
  constexpr std::size_t progress_lines_max = 4;
  std::vector<const NodeRow*> draining;
  for (const NodeRow& node : nodes) {
    if (node.draining && draining.size() < progress_lines_max) draining.push_back(&node);
  }
  const float line = ImGui::GetFrameHeightWithSpacing();
  const float below = ui.kept_height("nodes.below", line * static_cast<float>(draining.size() + 1));
  const Micros age = age_of(ui, snapshot).value_or(Micros{0});
  const auto key_of = [&](std::size_t row) { return nodes[row].id; };
  find_chosen(state.node, state.nodes, nodes.size(),
              [&](std::size_t row, NodeId id) { return nodes[row].id == id; });
  const GridResult result =
      draw_grid(ui, "nodes", {0, ImGui::GetContentRegionAvail().y - below}, columns, state.nodes,
                {nodes.size(), 0, [&](std::size_t row, std::size_t column, GridCell& cell) {
                   fill_node(nodes[row], column, age, cell);
                 }});
  keep_chosen(state.node, state.nodes, result, nodes.size(), key_of);
  if (result.hovered >= 0) {
    const NodeRow& node = nodes[static_cast<std::size_t>(result.hovered)];
    ui.tooltip("Version " + node.version + ", life " + std::to_string(node.incarnation) +
               (node.place.empty() ? "" : ", " + node.place) + "\n" +
               format_count(node.load.requests_refused) + " requests refused, " +
               std::to_string(node.load.open_files) +
               " files open\nFiles that it leads: " + format_bytes(node.file_bytes));
  }
  const float begin = ImGui::GetCursorPosY();
  const Freshness freshness = is_stale(ui, snapshot) ? Freshness::stale : Freshness::fresh;
  for (const NodeRow* node : draining) draw_progress(ui, *node, freshness);
  const std::int64_t chosen = state.nodes.selected;
  draw_commands(ui, snapshot, state,
                chosen >= 0 && chosen < static_cast<std::int64_t>(nodes.size())
                    ? &nodes[static_cast<std::size_t>(chosen)]
                    : nullptr);
  ui.keep_height("nodes.below", ImGui::GetCursorPosY() - begin);
}

}  // namespace pinion::gui

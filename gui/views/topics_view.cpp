// The topics of a cluster.
#include "gui/views/cluster_view.hpp"

#include "gui/model/text_search.hpp"
#include "gui/views/filtered_table.hpp"
#include "gui/views/topic_picker.hpp"

namespace pinion::gui {
namespace {

std::string retention_text(const TopicConfig& config) {
  std::string text;
  if (config.retention_ms > 0) text = format_duration(Micros(config.retention_ms * 1'000));
  if (config.retention_bytes > 0) {
    text += (text.empty() ? "" : ", ") +
            format_bytes(static_cast<std::uint64_t>(config.retention_bytes)) + " a partition";
  }
  return text.empty() ? "for ever" : text;
}

void fill_replicas(const TopicRow& topic, GridCell& cell) {
  cell.text = std::to_string(topic.config.replication);
  if (topic.closed > 0) {
    cell.text += ", " + std::to_string(topic.closed) + " take no records";
    cell.tone = Tone::bad;
  } else if (topic.moving > 0) {
    cell.text += ", " + std::to_string(topic.moving) + " moving";
    cell.tone = Tone::accent;
  } else if (topic.under_replicated > 0) {
    cell.text += ", " + std::to_string(topic.under_replicated) + " short";
    cell.tone = Tone::warning;
  }
}

void fill_topic(const TopicRow& topic, std::size_t column, GridCell& cell) {
  switch (column) {
    case 0:
      cell.text = topic.name;
      cell.strong = true;
      break;
    case 1:
      cell.text =
          std::to_string(topic.partitions_online) + " of " + std::to_string(topic.partitions);
      if (topic.partitions_online < topic.partitions) cell.tone = Tone::bad;
      break;
    case 2:
      fill_replicas(topic, cell);
      break;
    case 3:
      cell.text = topic.records ? format_count(*topic.records) : std::string(unknown_text);
      break;
    case 4:
      cell.text = format_bytes(topic.file_bytes);
      break;
    case 5:
      cell.text = format_rate(topic.records_in_per_s);
      break;
    case 6:
      cell.text = format_rate(topic.records_out_per_s);
      break;
    case 7:
      cell.text = std::to_string(topic.readers);
      break;
    case 8:
      cell.text = format_count(topic.lag_max);
      break;
    default:
      cell.text = retention_text(topic.config);
      cell.tone = Tone::muted;
      break;
  }
}

bool topic_less(const TopicRow& a, const TopicRow& b, int column) {
  switch (column) {
    case 0:
      return a.name < b.name;
    case 1:
      return a.partitions < b.partitions;
    case 3:
      return a.records.value_or(0) < b.records.value_or(0);
    case 4:
      return a.file_bytes < b.file_bytes;
    case 5:
      return a.records_in_per_s < b.records_in_per_s;
    case 6:
      return a.records_out_per_s < b.records_out_per_s;
    case 7:
      return a.readers < b.readers;
    case 8:
      return a.lag_max.value_or(-1) < b.lag_max.value_or(-1);
    default:
      return false;
  }
}

}  // namespace

void draw_topics(Ui& ui, const Snapshot& snapshot, ClusterState& state, Settings& settings) {
  const ClusterView& cluster = *snapshot.cluster;
  draw_filter(ui, "topics.filter", state.topic_filter, "Find a topic (Ctrl+F)");
  if (cluster.topics.empty()) {
    ui.begin_card("topics.none", {0, 0});
    ui.empty_state("There is no topic yet", "Make one with \u201cNew topic\u201d above.");
    ui.end_card();
    return;
  }
  static const std::vector<GridColumn> columns{
      {"Topic", 170, false, false, true, "sensors.temperature  \u2605"},
      {"Online", 60, true, false, true, "25 of 25"},
      {"Replicas", 70, false, false, false, "3, 12 moving"},
      {"Records", 70, true, false, true, "12,345,678"},
      {"Size", 60, true, false, true, "1,023 MiB"},
      {"In", 60, true, false, true, "1.23 k/s"},
      {"Out", 60, true, false, true, "1.23 k/s"},
      {"Readers", 50, true, false, true},
      {"Most behind", 60, true, false, true, "1,234,567"},
      {"Kept", 100, false, false, false, "7 d, 10.0 GiB a partition"}};
  const std::string wanted = small_letters(state.topic_filter);
  sort_rows(
      state.topic_rows, state.topics, state.topic_filter, cluster.answered_at,
      cluster.topics.size(),
      [&](std::uint32_t i) { return contains_letters(cluster.topics[i].name, wanted); },
      [&](std::uint32_t a, std::uint32_t b, int column) {
        return topic_less(cluster.topics[a], cluster.topics[b], column);
      });
  const std::vector<std::uint32_t>& rows = state.topic_rows.rows;
  if (draw_no_match(ui, "topics.no_match", rows.empty(), state.topic_filter)) return;
  const auto key_of = [&](std::size_t row) { return cluster.topics[rows[row]].name; };
  find_chosen(state.topic, state.topics, rows.size(),
              [&](std::size_t row, const std::string& name) {
                return cluster.topics[rows[row]].name == name;
              });
  const float below = ui.kept_height("topics.below", ImGui::GetFrameHeightWithSpacing());
  const GridResult result =
      draw_grid(ui, "topics", {0, ImGui::GetContentRegionAvail().y - below}, columns, state.topics,
                {rows.size(), 0, [&](std::size_t row, std::size_t column, GridCell& cell) {
                   const TopicRow& topic = cluster.topics[rows[row]];
                   fill_topic(topic, column, cell);
                   if (column == 0 && is_favourite(settings, topic.name)) {
                     cell.text += "  \u2605";
                   }
                 }});
  keep_chosen(state.topic, state.topics, result, rows.size(), key_of);
  const bool chosen =
      state.topics.selected >= 0 && state.topics.selected < static_cast<std::int64_t>(rows.size());
  const TopicRow* topic =
      chosen ? &cluster.topics[rows[static_cast<std::size_t>(state.topics.selected)]] : nullptr;
  const float begin = ImGui::GetCursorPosY();
  const bool connected = snapshot.connection.state == Connection::connected;
  ImGui::BeginDisabled(topic == nullptr);
  const bool partitions = ui.button("topics.partitions", "Its partitions");
  ui.beside(ui.button_width("SQL"));
  if (ui.button("topics.sql", "SQL") && topic != nullptr) ui.go.sql_topic = topic->name;
  ui.beside(ui.button_width("Produce"));
  if (ui.button("topics.produce", "Produce") && topic != nullptr) {
    Draft draft;
    draft.topic = topic->name;
    ui.go.draft = draft;
  }
  ui.beside(ui.button_width("No favourite"));
  const bool favourite = topic != nullptr && is_favourite(settings, topic->name);
  if (ui.button("topics.favourite", favourite ? "No favourite" : "Favourite") && topic != nullptr) {
    set_favourite(settings, topic->name, !favourite);
  }
  ui.beside(ui.button_width("Alter\u2026"));
  ImGui::BeginDisabled(!connected);
  if (ui.button("topics.alter", "Alter\u2026") && topic != nullptr) {
    state.action.altered = topic->name;
    state.action.alteration = form_of(topic->name, topic->config);
    state.action.open_alter = true;
  }
  ui.beside(ui.button_width("Delete\u2026"));
  if (ui.button("topics.delete", "Delete\u2026") && topic != nullptr) {
    state.action.doomed = topic->name;
    state.action.confirm.clear();
    state.action.open_delete = true;
  }
  ImGui::EndDisabled();
  ImGui::EndDisabled();
  ui.keep_height("topics.below", ImGui::GetCursorPosY() - begin);
  if ((partitions || result.activated) && topic != nullptr) {
    state.partition_filter = topic->name + "-";
    state.tab = 3;
  }
}

}  // namespace pinion::gui

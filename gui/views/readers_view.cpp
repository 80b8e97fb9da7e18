// The readers of a cluster, and how far behind each is.
#include "gui/views/cluster_view.hpp"

#include "gui/model/text_search.hpp"
#include "gui/model/words.hpp"
#include "gui/views/filtered_table.hpp"
#include "gui/views/record_detail.hpp"

#include <algorithm>
#include <tuple>

namespace pinion::gui {
namespace {

constexpr Micros lag_time_warned = 60s;

void fill_reader(const ReaderRow& row, std::size_t column, Micros wall_now, GridCell& cell) {
  switch (column) {
    case 0:
      cell.text = row.reader;
      cell.strong = true;
      break;
    case 1:
      cell.text = partition_name(row.topic, row.partition);
      break;
    case 2:
      cell.text = format_count(std::optional(row.position));
      break;
    case 3:
      cell.text = format_count(row.lag);
      if (!row.lag) cell.tone = Tone::muted;
      break;
    case 4:
      if (!row.lag_time) {
        cell.text = unknown_text;
        cell.tone = Tone::muted;
      } else if (*row.lag_time == Micros{0}) {
        // What it will read was written since the look before this one.
        cell.text = row.lag.value_or(0) > 0 ? "under " + format_duration(status_every) : "none";
      } else {
        cell.text = (row.lag_time_is_more ? "over " : "") + format_duration(*row.lag_time);
        // Some lag is how reading goes; minutes of it are not.
        if (*row.lag_time > lag_time_warned) cell.tone = Tone::warning;
      }
      break;
    default:
      cell.text = row.updated_at > Micros{0} ? format_ago(wall_now - row.updated_at)
                                             : std::string(unknown_text);
      cell.tone = Tone::muted;
      break;
  }
}

bool reader_less(const ReaderRow& a, const ReaderRow& b, int column) {
  switch (column) {
    case 0:
      return a.reader < b.reader;
    case 2:
      return a.position < b.position;
    case 3:
      return a.lag.value_or(-1) < b.lag.value_or(-1);
    case 4:
      return a.lag_time.value_or(Micros(-1)) < b.lag_time.value_or(Micros(-1));
    case 5:
      return a.updated_at < b.updated_at;
    default:
      return std::tie(a.topic, a.partition) < std::tie(b.topic, b.partition);
  }
}

}  // namespace

void draw_readers(Ui& ui, const Snapshot& snapshot, ClusterState& state) {
  const ClusterView& cluster = *snapshot.cluster;
  draw_filter(ui, "readers.filter", state.reader_filter, "Find a reader or partition (Ctrl+F)");
  const std::string about = counted(cluster.consumers, "consumer", "consumers") + ", " +
                            counted(cluster.producers, "producer", "producers") +
                            ". Groups are not in the protocol yet.";
  ui.beside(std::min(ImGui::CalcTextSize(about.c_str()).x, ui.px(380)));
  ImGui::AlignTextToFramePadding();
  ui.text_fitted(about, ImGui::GetContentRegionAvail().x, Tone::muted);
  if (cluster.readers.empty()) {
    ui.begin_card("readers.none", {0, 0});
    ui.empty_state("No reader has a position",
                   "A consumer with a name keeps one in each partition. Start one in the Consume "
                   "panel, or with: pinion consume TOPIC --consumer NAME");
    ui.end_card();
    return;
  }
  static const std::vector<GridColumn> columns{
      {"Reader", 190, false, false, true, "consumer:dashboard-ann@desk"},
      {"Partition", 150, false, false, true, "sensors.temperature-12"},
      {"Position", 70, true, false, true, "12,345,678"},
      {"Lag", 70, true, false, true, "12,345,678"},
      {"Lag in time", 70, true, false, true, "over 12 min 30 s"},
      {"Last kept", 80, false, false, true, "59 min ago"}};
  const std::string wanted = small_letters(state.reader_filter);
  sort_rows(
      state.reader_rows, state.readers, state.reader_filter, cluster.answered_at,
      cluster.readers.size(),
      [&](std::uint32_t i) {
        const ReaderRow& row = cluster.readers[i];
        return wanted.empty() ||
               contains_letters(row.reader + " " + partition_name(row.topic, row.partition),
                                wanted);
      },
      [&](std::uint32_t a, std::uint32_t b, int column) {
        return reader_less(cluster.readers[a], cluster.readers[b], column);
      });
  const std::vector<std::uint32_t>& rows = state.reader_rows.rows;
  if (draw_no_match(ui, "readers.no_match", rows.empty(), state.reader_filter)) return;
  draw_grid(ui, "readers", {0, 0}, columns, state.readers,
            {rows.size(), 0, [&](std::size_t row, std::size_t column, GridCell& cell) {
               fill_reader(cluster.readers[rows[row]], column, ui.now.wall, cell);
             }});
}

}  // namespace pinion::gui

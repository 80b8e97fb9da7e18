// The producer panel: what is to be sent, how often, and what became of it. UI thread.
#pragma once

#include "gui/model/settings.hpp"
#include "gui/model/snapshot.hpp"
#include "gui/views/grid.hpp"
#include "gui/views/topic_picker.hpp"
#include "gui/views/ui.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pinion::gui {

struct ProducerState {
  std::string topic{};
  TopicPickerState picker{};
  bool has_key = false;
  std::string key{};
  std::string partition{};  ///< Empty: by key, or in turns.
  std::vector<RecordHeader> headers{};
  std::string value{};
  bool exact = false;  ///< As Draft::exact: the form says so, and can turn it off.
  bool check_json = true;
  int how = 0;  ///< Once, several, at a rate, a file.
  int count = 100;
  float per_second = 10;
  std::string file{};
  int file_kind = 0;  ///< A record a line, or an export.
  std::string draft_name{};
  bool enter = false;  ///< Pressed in a field of one line.
  std::string problem{};
  std::size_t problem_of = 0;  ///< What it was said of, by its mark: it goes when that changes.
  std::string new_topic{};
  int new_partitions = 1;
  std::string new_problem{};
  bool creating = false;
  std::uint64_t made = 0;     ///< The action's number that the form of a new topic waits for.
  std::uint64_t created = 0;  ///< The action's number that this panel began.
  GridState jobs{};
  std::uint64_t chosen_job = 0;
  std::optional<std::uint64_t> newest_job{};  ///< As of the last frame.
  GridState reports{};
};

void set_draft(ProducerState& state, const Draft& draft);
void draw_producer(Ui& ui, const Snapshot& snapshot, ProducerState& state, Settings& settings);

}  // namespace pinion::gui

// Choosing a topic, of ten as of ten thousand: a list that is searched by typing, favourites first.
// UI thread.
#pragma once

#include "gui/model/settings.hpp"
#include "gui/model/snapshot.hpp"
#include "gui/views/ui.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace pinion::gui {

struct TopicPickerState {
  std::string search{};
  bool open = false;                  ///< Opens it in the next frame.
  std::vector<std::uint32_t> rows{};  ///< Of ClusterView::topics, favourites first.
  Micros of{-1};                      ///< ClusterView::answered_at that they are of.
  std::string of_search{};
  std::size_t of_favourites = 0;
};

/// One of them. True when it changed.
bool pick_topic(Ui& ui, const char* name, std::string& topic, const Snapshot& snapshot,
                Settings& settings, TopicPickerState& state, float width);
/// Several of them.
bool pick_topics(Ui& ui, const char* name, std::vector<std::string>& topics,
                 const Snapshot& snapshot, Settings& settings, TopicPickerState& state,
                 float width);

[[nodiscard]] bool is_favourite(const Settings& settings, const std::string& topic);
void set_favourite(Settings& settings, const std::string& topic, bool favourite);

}  // namespace pinion::gui

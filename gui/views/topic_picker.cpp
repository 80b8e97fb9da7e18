#include "gui/views/topic_picker.hpp"

#include "gui/model/text_search.hpp"
#include "gui/views/imgui_versions.hpp"

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

namespace pinion::gui {
namespace {

/// Anew only when the topics, the search or the favourites changed.
void find_rows(const ClusterView& cluster, const Settings& settings, TopicPickerState& state) {
  if (state.of == cluster.answered_at && state.of_search == state.search &&
      state.of_favourites == settings.favourites.size()) {
    return;
  }
  state.of = cluster.answered_at;
  state.of_search = state.search;
  state.of_favourites = settings.favourites.size();
  state.rows.clear();
  const std::string wanted = small_letters(state.search);
  for (std::uint32_t i = 0; i < cluster.topics.size(); ++i) {
    if (contains_letters(cluster.topics[i].name, wanted)) state.rows.push_back(i);
  }
  std::stable_partition(state.rows.begin(), state.rows.end(), [&](std::uint32_t i) {
    return is_favourite(settings, cluster.topics[i].name);
  });
}

/// A star that is clicked on, filled or not.
void draw_star(Ui& ui, Settings& settings, const std::string& topic) {
  const float size = ImGui::GetFrameHeight();  // As high as the checkbox or name beside it.
  const ImVec2 at = ImGui::GetCursorScreenPos();
  const bool favourite = is_favourite(settings, topic);
  if (ImGui::InvisibleButton("star", {size, size})) set_favourite(settings, topic, !favourite);
  const bool hovered = ImGui::IsItemHovered();
  ui.draw_icon(ImGui::GetWindowDrawList(), favourite ? Icon::star_filled : Icon::star,
               {at.x + size / 2, at.y + size / 2}, ui.px(13),
               ui.ink(favourite ? ui.theme.accent : (hovered ? ui.theme.text : ui.theme.muted)));
  if (hovered) ui.tooltip(favourite ? "No favourite any more" : "A favourite stands first");
  ui.describe("star." + topic, favourite ? "favourite" : "");
}

/// `draw` draws one row and says whether it was pressed. What was picked: pressed, or the first one
/// when Enter was pressed in the search.
std::optional<std::string> draw_list(Ui& ui, const char* name, const Snapshot& snapshot,
                                     Settings& settings, TopicPickerState& state,
                                     const std::function<bool(const std::string&)>& draw) {
  if (!snapshot.cluster || snapshot.cluster->topics.empty()) {
    ui.text("There is no topic yet", Tone::muted);
    return std::nullopt;
  }
  const ClusterView& cluster = *snapshot.cluster;
  if (ImGui::IsWindowAppearing()) ImGui::SetKeyboardFocusHere();
  const std::string search = std::string(name) + ".search";
  const bool entered = ui.input(search.c_str(), state.search, "Find a topic; Enter takes the first",
                                -1, ImGuiInputTextFlags_EnterReturnsTrue);
  find_rows(cluster, settings, state);
  if (state.rows.empty()) {
    ui.text("No topic has that in its name", Tone::muted);
    return std::nullopt;
  }
  std::optional<std::string> picked;
  if (entered) picked = cluster.topics[state.rows.front()].name;
  ImGui::PushStyleColor(ImGuiCol_ChildBg, IM_COL32(0, 0, 0, 0));
  constexpr std::size_t rows_max = 10;
  const float gap = ui.px(2);
  const float line = ImGui::GetFrameHeight() + gap;
  const float height = line * static_cast<float>(std::min(state.rows.size(), rows_max)) - gap;
  begin_joined_child("topics", {0, height}, Border::no);
  ImGui::PushStyleVar(ImGuiStyleVar_ItemSpacing, {ui.px(4), gap});
  ImGui::PushStyleVar(ImGuiStyleVar_SelectableTextAlign, {0, 0.5F});
  ImGuiListClipper clipper;
  clipper.Begin(static_cast<int>(state.rows.size()), line);
  while (clipper.Step()) {
    for (int i = clipper.DisplayStart; i < clipper.DisplayEnd; ++i) {
      const TopicRow& topic = cluster.topics[state.rows[static_cast<std::size_t>(i)]];
      ImGui::PushID(i);
      draw_star(ui, settings, topic.name);
      ImGui::SameLine();
      if (draw(topic.name)) picked = topic.name;
      ui.describe(std::string(name) + "." + topic.name, topic.name);
      ImGui::PopID();
    }
  }
  ImGui::PopStyleVar(2);
  ImGui::EndChild();
  ImGui::PopStyleColor();
  return picked;
}

/// Chosen once, and not there: of another cluster, or deleted. They can be unchosen.
bool draw_missing(Ui& ui, std::vector<std::string>& topics, const Snapshot& snapshot) {
  if (!snapshot.cluster) return false;
  for (std::size_t i = 0; i < topics.size(); ++i) {
    if (snapshot.cluster->find_topic(topics[i]) != nullptr) continue;
    bool chosen = true;
    const std::string text = topics[i] + " (not in this cluster)";
    const std::string id = "missing." + topics[i];
    if (!ui.checkbox(id.c_str(), text.c_str(), chosen)) continue;
    topics.erase(topics.begin() + static_cast<std::ptrdiff_t>(i));
    return true;
  }
  return false;
}

bool begin_list(Ui& ui, const char* name, const std::string& shown, const char* hint,
                TopicPickerState& state, float width) {
  ImGui::SetNextItemWidth(width);
  const ImVec2 at = ImGui::GetCursorScreenPos();
  ui.glyphs.note(shown);
  const std::string id = std::string("##") + name;
  if (shown.empty()) ImGui::PushStyleColor(ImGuiCol_Text, ui.theme.muted);
  ImGui::SetNextWindowSizeConstraints({std::max(width, ui.px(260)), 0}, {ui.px(640), ui.px(520)});
  if (std::exchange(state.open, false)) open_combo(id.c_str());
  const bool open = ImGui::BeginCombo(id.c_str(), shown.empty() ? hint : shown.c_str(),
                                      ImGuiComboFlags_HeightLargest);
  if (shown.empty()) ImGui::PopStyleColor();
  if (open) {
    // The list is the window now, and not what it hangs from.
    ui.describe_at(name, at, {at.x + width, at.y + ImGui::GetFrameHeight()}, shown);
  } else {
    ui.describe(name, shown);
  }
  if (open && ImGui::IsWindowAppearing()) state.search.clear();
  return open;
}

}  // namespace

bool pick_topic(Ui& ui, const char* name, std::string& topic, const Snapshot& snapshot,
                Settings& settings, TopicPickerState& state, float width) {
  if (!begin_list(ui, name, topic, "Choose a topic", state, width)) return false;
  const std::string before = topic;
  const auto picked = draw_list(ui, name, snapshot, settings, state, [&](const std::string& one) {
    ui.glyphs.note(one);
    return ImGui::Selectable(one.c_str(), one == topic, selectable_keeps_open,
                             {0, ImGui::GetFrameHeight()});
  });
  if (picked) topic = *picked;
  if (picked || Ui::escape_pressed()) ImGui::CloseCurrentPopup();
  ImGui::EndCombo();
  return topic != before;
}

bool pick_topics(Ui& ui, const char* name, std::vector<std::string>& topics,
                 const Snapshot& snapshot, Settings& settings, TopicPickerState& state,
                 float width) {
  std::string text;
  for (const std::string& topic : topics) text += (text.empty() ? "" : ", ") + topic;
  if (!begin_list(ui, name, text, "Choose topics", state, width)) return false;
  const bool forgotten = draw_missing(ui, topics, snapshot);
  const auto picked = draw_list(ui, name, snapshot, settings, state, [&](const std::string& one) {
    bool chosen = std::find(topics.begin(), topics.end(), one) != topics.end();
    return ui.checkbox(("choose." + one).c_str(), one.c_str(), chosen);
  });
  if (picked && std::erase(topics, *picked) == 0) topics.push_back(*picked);
  if (Ui::escape_pressed()) ImGui::CloseCurrentPopup();
  ImGui::EndCombo();
  return picked || forgotten;
}

bool is_favourite(const Settings& settings, const std::string& topic) {
  const auto& all = settings.favourites;
  return std::find(all.begin(), all.end(), topic) != all.end();
}

void set_favourite(Settings& settings, const std::string& topic, bool favourite) {
  std::erase(settings.favourites, topic);
  if (favourite) remember(settings.favourites, topic, favourites_max);
}

}  // namespace pinion::gui

// What is around the panels: clusters as tabs, the rail of panels, the line of status.
#include "gui/app/shell_parts.hpp"

#include "gui/model/words.hpp"
#include "gui/views/imgui_versions.hpp"
#include "gui/views/panel.hpp"

#include <algorithm>
#include <cmath>

namespace pinion::gui {

Tone tone_of(Connection state) {
  switch (state) {
    case Connection::connected:
      return Tone::good;
    case Connection::connecting:
      return Tone::warning;
    case Connection::lost:
    case Connection::refused:
    case Connection::invalid:
      return Tone::bad;
  }
  return Tone::muted;
}

std::string state_text(Connection state) {
  switch (state) {
    case Connection::connected:
      return "Connected";
    case Connection::connecting:
      return "Connecting";
    case Connection::lost:
      return "Connection lost";
    case Connection::refused:
      return "Refused";
    case Connection::invalid:
      return "No such address";
  }
  return {};
}

std::string short_address(const std::string& address) {
  const std::size_t at = address.find("://");
  return at == std::string::npos ? address : address.substr(at + 3);
}

void Shell::draw_top(Ui& ui) {
  const float width = ImGui::GetWindowWidth();
  const float height = ui.px(top_height);
  ImDrawList* list = ImGui::GetWindowDrawList();
  const ImVec2 at = ImGui::GetWindowPos();
  list->AddRectFilled(at, {at.x + width, at.y + height}, ui.theme.surface);
  list->AddLine({at.x, at.y + height - 1}, {at.x + width, at.y + height - 1}, ui.theme.border);
  // A pinion: a small gear.
  const ImVec2 gear{at.x + ui.px(27), at.y + height / 2};
  for (int i = 0; i < 8; ++i) {
    const float a = 0.785398F * static_cast<float>(i);
    list->AddLine({gear.x + ui.px(6) * std::cos(a), gear.y + ui.px(6) * std::sin(a)},
                  {gear.x + ui.px(10) * std::cos(a), gear.y + ui.px(10) * std::sin(a)},
                  ui.theme.accent, ui.px(3.4F));
  }
  list->AddCircle(gear, ui.px(5.6F), ui.theme.accent, 24, ui.px(3));
  ImGui::SetCursorPos({ui.px(46), (height - ImGui::GetTextLineHeight()) / 2});
  ui.strong("Pinion");
  const float right = width - ui.px(28) - 2 * ImGui::GetFrameHeight();
  const float x = draw_tabs(ui, ui.px(148), right);
  if (!tabs_.empty()) {
    ImGui::SetCursorPos({x, (height - ImGui::GetFrameHeight()) / 2});
    if (ui.icon_button("tab.add", Icon::add, "Another cluster (Ctrl+T)")) connecting_ = true;
  }
  ImGui::SetCursorPos(
      {width - ui.px(14) - ImGui::GetFrameHeight(), (height - ImGui::GetFrameHeight()) / 2});
  if (ui.icon_button("theme", settings_.dark ? Icon::sun : Icon::moon,
                     settings_.dark ? "Light theme" : "Dark theme")) {
    settings_.dark = !settings_.dark;
    theme_changed_ = true;
  }
}

/// Tabs become narrower when there are many; of more than fit, those around the one in front.
float Shell::draw_tabs(Ui& ui, float left, float right) {
  const float gap = ui.px(6);
  const float room = right - left;
  const auto count = static_cast<int>(tabs_.size());
  float wanted = 0;
  for (const auto& tab : tabs_) wanted += tab_width(ui, *tab) + gap;
  const bool fits = wanted <= room;
  const float narrow = std::max(ui.px(104), std::floor(room / static_cast<float>(count)) - gap);
  const int shown = fits ? count : std::clamp(static_cast<int>(room / (narrow + gap)), 1, count);
  const int first = std::clamp(front_ - shown + 1, 0, std::max(0, count - shown));
  float x = left;
  const int end = first + shown;
  for (int i = first; i < std::min(end, static_cast<int>(tabs_.size())); ++i) {
    const Tab& tab = *tabs_[static_cast<std::size_t>(i)];
    const float width = fits ? tab_width(ui, tab) : std::min(narrow, tab_width(ui, tab));
    ImGui::SetCursorPos({x, ui.px(8)});
    draw_tab(ui, i, width);
    x += width + gap;
  }
  return x;
}

float Shell::tab_width(const Ui& ui, const Tab& tab) {
  return ImGui::CalcTextSize(short_address(tab.address).c_str()).x + ui.px(56);
}

void Shell::draw_tab(Ui& ui, int index, float width) {
  Tab& tab = *tabs_[static_cast<std::size_t>(index)];
  const std::string text = short_address(tab.address);
  const float height = ui.px(top_height) - ui.px(16);
  const float close = ui.px(22);
  const ImVec2 at = ImGui::GetCursorScreenPos();
  const ImVec2 end{at.x + width, at.y + height};
  const bool chosen = index == front_ && !connecting_;
  ImDrawList* list = ImGui::GetWindowDrawList();
  ImGui::PushID(index);
  bool pressed = ImGui::InvisibleButton("tab", {width - close, height});
  const bool hovered = ImGui::IsItemHovered();
  if (chosen || hovered) {
    list->AddRectFilled(at, end, chosen ? ui.theme.raised : ui.theme.hovered, ui.px(6));
  }
  if (chosen) list->AddRect(at, end, ui.theme.border, ui.px(6));
  pressed = ui.keyed(at, end, ui.px(6)) || pressed;
  ui.describe("tab." + std::to_string(index),
              text + ", " + state_text(tab.snapshot->connection.state));
  if (hovered) ui.tooltip(tab.address + "\nCtrl+Tab: the next one; Ctrl+W closes it.");
  ImGui::SameLine(0, 0);
  const ImVec2 cross = ImGui::GetCursorScreenPos();
  bool closing = ImGui::InvisibleButton("close", {close, height});
  const bool close_hovered = ImGui::IsItemHovered();
  closing = ui.keyed(cross, end, ui.px(6)) || closing;
  ui.describe("tab." + std::to_string(index) + ".close");
  list->AddCircleFilled({at.x + ui.px(14), at.y + height / 2}, ui.px(4),
                        ui.theme.of(tone_of(tab.snapshot->connection.state)), 16);
  ImGui::SetCursorScreenPos({at.x + ui.px(25), at.y + (height - ImGui::GetTextLineHeight()) / 2});
  ui.text_fitted(text, width - close - ui.px(30), chosen ? Tone::normal : Tone::muted);
  ui.draw_icon(list, Icon::close, {end.x - close / 2 - ui.px(3), at.y + height / 2}, ui.px(12),
               close_hovered ? ui.theme.text : ui.theme.muted);
  ImGui::PopID();
  if (pressed) {
    front_ = index;
    connecting_ = false;
  }
  if (closing) close_tab(index);
}

/// In a narrow window the panels' names give their room to the panels.
float Shell::rail_room(const Ui& ui) {
  const bool narrow = ImGui::GetMainViewport()->Size.x < ui.px(820);
  return ui.px(narrow ? rail_width_narrow : rail_width);
}

void Shell::draw_rail(Ui& ui) {
  const ImVec2 at = ImGui::GetCursorScreenPos();
  const float width = rail_room(ui);
  const bool narrow = width < ui.px(rail_width);
  const float height = ImGui::GetWindowHeight() - ui.px(top_height) - ui.px(status_height);
  ImDrawList* list = ImGui::GetWindowDrawList();
  list->AddRectFilled(at, {at.x + width, at.y + height}, ui.theme.surface);
  list->AddLine({at.x + width - 1, at.y}, {at.x + width - 1, at.y + height}, ui.theme.border);
  const float row = ui.px(38);
  float y = at.y + ui.px(12);
  for (std::size_t i = 0; i < rail_items.size(); ++i) {
    const RailItem& item = rail_items[i];
    const ImVec2 low{at.x + ui.px(10), y};
    const ImVec2 high{at.x + width - ui.px(10), y + row};
    ImGui::SetCursorScreenPos(low);
    bool pressed = ImGui::InvisibleButton(item.label, {high.x - low.x, row});
    const bool hovered = ImGui::IsItemHovered();
    const bool chosen = panel_ == item.panel;
    ui.describe("rail." + std::string(name_of(item.panel)), chosen ? "chosen" : "");
    if (chosen || hovered) {
      list->AddRectFilled(low, high, chosen ? ui.theme.selected : ui.theme.hovered, ui.px(7));
    }
    pressed = ui.keyed(low, high, ui.px(7)) || pressed;
    if (pressed) show(item.panel);
    const ImU32 ink = chosen ? ui.theme.accent : (hovered ? ui.theme.text : ui.theme.muted);
    ui.draw_icon(list, item.icon, {low.x + ui.px(20), y + row / 2}, ui.px(16), ink);
    ImFont* font = chosen ? ui.fonts.strong : ui.fonts.body;
    if (!narrow) {
      list->AddText(font, size_of(*font), {low.x + ui.px(39), y + (row - size_of(*font)) / 2},
                    chosen ? ui.theme.text : ink, item.label);
    }
    if (hovered) ui.tooltip(std::string(item.label) + "  (Ctrl+" + std::to_string(i + 1) + ")");
    y += row + ui.px(4);
  }
}

void Shell::draw_status(Ui& ui) {
  const ImVec2 at = ImGui::GetCursorScreenPos();
  const float width = ImGui::GetWindowWidth();
  const float height = ui.px(status_height);
  ImDrawList* list = ImGui::GetWindowDrawList();
  list->AddRectFilled(at, {at.x + width, at.y + height}, ui.theme.surface);
  list->AddLine(at, {at.x + width, at.y}, ui.theme.border);
  const float y = at.y + (height - ImGui::GetTextLineHeight()) / 2;
  ImGui::SetCursorScreenPos({at.x + ui.px(14), y});
  Tab* tab = front();
  if (tab == nullptr) {
    ui.text("Not connected", Tone::muted);
    ui.describe("status.connection", "Not connected");
    return;
  }
  const Snapshot& snapshot = *tab->snapshot;
  const ConnectionView& connection = snapshot.connection;
  ui.dot(tone_of(connection.state));
  ImGui::SameLine(0, ui.px(7));
  std::string text = state_text(connection.state) + " \u00b7 " + short_address(connection.address);
  if (!connection.cluster_id.empty())
    text += " \u00b7 cluster " + cut_text(connection.cluster_id, 13);
  if (connection.state == Connection::connected && connection.reconnects > 0) {
    text += " \u00b7 reconnected " + counted(connection.reconnects, "time", "times");
  }
  const auto age = age_of(ui, snapshot);
  // The broker is asked every two seconds: what is younger than that is simply the present.
  std::string right = !age        ? "Nothing known yet"
                      : *age < 3s ? "Up to date"
                                  : "From " + format_ago(*age);
  if (!connection.server_version.empty()) right += " \u00b7 Pinion " + connection.server_version;
  const float right_width = ImGui::CalcTextSize(right.c_str()).x;
  const float room = at.x + width - right_width - ui.px(32) - ImGui::GetCursorScreenPos().x;
  ui.text_fitted(
      text, room,
      connection.state == Connection::connected ? Tone::muted : tone_of(connection.state));
  ui.describe("status.connection", text);
  ImGui::SetCursorScreenPos({at.x + width - right_width - ui.px(16), y});
  ui.text(right, age && *age > stale_after ? Tone::warning : Tone::muted);
  ui.describe("status.age", right);
}

}  // namespace pinion::gui

#include "gui/app/shell.hpp"

#include "gui/views/imgui_versions.hpp"
#include "gui/views/panel.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#include <unistd.h>

namespace pinion::gui {
namespace {

constexpr float top_height = 46;
constexpr float rail_width = 148;
constexpr float rail_width_narrow = 60;
constexpr float status_height = 30;

struct RailItem {
  Panel panel;
  Icon icon;
  const char* label;
};
constexpr std::array rail_items{RailItem{Panel::cluster, Icon::cluster, "Cluster"},
                                RailItem{Panel::produce, Icon::produce, "Produce"},
                                RailItem{Panel::consume, Icon::consume, "Consume"},
                                RailItem{Panel::browse, Icon::browse, "Browse"},
                                RailItem{Panel::sql, Icon::sql, "SQL"}};

std::string default_reader() {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
  const char* user = std::getenv("USER");
  std::string name = "dashboard-" + std::string(user != nullptr ? user : "user");
  if (host[0] != '\0') name += "@" + std::string(host.data());
  return name;
}

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

}  // namespace

std::string_view name_of(Panel panel) {
  switch (panel) {
    case Panel::cluster:
      return "cluster";
    case Panel::produce:
      return "produce";
    case Panel::consume:
      return "consume";
    case Panel::browse:
      return "browse";
    case Panel::sql:
      return "sql";
  }
  return "cluster";
}

Shell::Shell(Settings settings, SourceFactory open)
    : settings_(std::move(settings)), open_(std::move(open)) {
  if (settings_.reader.empty()) settings_.reader = default_reader();
  for (const RailItem& item : rail_items) {
    if (name_of(item.panel) == settings_.panel) panel_ = item.panel;
  }
  if (!settings_.recent.empty()) connect_.address = settings_.recent.front();
  connecting_ = true;
}

Shell::~Shell() = default;

namespace {

/// The tables whose order and widths are remembered.
template <typename Visit>
void for_each_table(Shell::Tab& tab, const Visit& visit) {
  visit("nodes", tab.cluster.nodes);
  visit("topics", tab.cluster.topics);
  visit("partitions", tab.cluster.partitions);
  visit("readers", tab.cluster.readers);
  visit("consume.records", tab.consumer.grid);
  visit("browse.records", tab.browse.grid);
  visit("produce.history", tab.producer.jobs);
}

}  // namespace

void Shell::remember_tables(Tab& tab) {
  for_each_table(tab, [&](const char* name, const GridState& grid) {
    const TableLayout now{grid.sort, grid.descending, grid.widths};
    if (now == TableLayout{}) {
      settings_.tables.erase(name);
    } else {
      settings_.tables[name] = now;
    }
  });
}

void Shell::connect(const std::string& address) {
  connecting_ = false;
  for (std::size_t i = 0; i < tabs_.size(); ++i) {
    if (tabs_[i]->address != address) continue;
    front_ = static_cast<int>(i);
    return;
  }
  auto tab = std::make_unique<Tab>();
  tab->address = address;
  tab->source = open_(address);
  tab->snapshot = tab->source->snapshot();
  tab->producer.topic = settings_.topic;
  tab->consumer.topics = settings_.topics;
  tab->consumer.reader = settings_.reader;
  tab->consumer.period_s = static_cast<int>(settings_.period / 1s);
  tab->cluster.tab = settings_.cluster_tab;
  tab->browse.topic = settings_.browse_topic;
  tab->sql.topic = settings_.sql_topic;
  for_each_table(*tab, [&](const char* name, GridState& grid) {
    const auto at = settings_.tables.find(name);
    if (at == settings_.tables.end()) return;
    grid.sort = at->second.sort;
    grid.descending = at->second.descending;
    grid.widths = at->second.widths;
  });
  tabs_.push_back(std::move(tab));
  front_ = static_cast<int>(tabs_.size()) - 1;
  settings_.open.clear();
  for (const auto& one : tabs_) settings_.open.push_back(one->address);
}

void Shell::close_tab(int index) {
  auto at = tabs_.begin() + index;
  if (retire_) retire_(std::move((*at)->source));
  tabs_.erase(at);
  settings_.open.clear();
  for (const auto& one : tabs_) settings_.open.push_back(one->address);
  front_ = std::min(front_, static_cast<int>(tabs_.size()) - 1);
  if (tabs_.empty()) connecting_ = true;
}

void Shell::show(Panel panel) {
  panel_ = panel;
  connecting_ = false;
  settings_.panel = std::string(name_of(panel));
}

Shell::Tab* Shell::front() {
  return front_ < 0 ? nullptr : tabs_[static_cast<std::size_t>(front_)].get();
}

std::shared_ptr<const Snapshot> Shell::snapshot() const {
  return front_ < 0 ? nullptr : tabs_[static_cast<std::size_t>(front_)]->snapshot;
}

Micros Shell::next_frame_at(Micros monotonic_now) const {
  if (front_ < 0 || connecting_) return never;
  const Snapshot& shown = *tabs_[static_cast<std::size_t>(front_)]->snapshot;
  // Words of time ("12 s ago") change once a second; a countdown does at its own seconds.
  Micros next = monotonic_now + 1s;
  const ReadingView& reading = shown.consume->reading;
  if (panel_ == Panel::consume && reading.active && reading.next_refresh_at > monotonic_now) {
    const std::int64_t part = (reading.next_refresh_at - monotonic_now).count() % 1'000'000;
    next = std::min(next, monotonic_now + Micros(part + 1'000));
  }
  if (shown.connection.state == Connection::connected && panel_ != Panel::consume) {
    return monotonic_now + 5s;  // New data wakes it earlier.
  }
  return next;
}

void Shell::handle_keys(const Ui& ui) {
  // A question waits for its answer: what would lead away from it would also throw it away.
  if (ui.has_dialog || tabs_.empty()) return;
  if (!ImGui::GetIO().KeyCtrl) {
    // First it leaves the field that is typed into.
    const bool typing = ImGui::GetIO().WantTextInput;
    if (connecting_ && !typing && Ui::escape_pressed()) connecting_ = false;
    return;
  }
  for (std::size_t i = 0; i < rail_items.size(); ++i) {
    if (letter_pressed(static_cast<char>('1' + static_cast<char>(i)))) show(rail_items[i].panel);
  }
  if (letter_pressed('T')) connecting_ = true;
  const auto count = static_cast<int>(tabs_.size());
  const bool back = ImGui::GetIO().KeyShift;
  int step = key_pressed_once(ImGuiKey_PageDown) ? 1 : key_pressed_once(ImGuiKey_PageUp) ? -1 : 0;
  if (key_pressed_once(ImGuiKey_Tab)) step = back ? -1 : 1;
  if (step != 0) {
    front_ = (front_ + step + count) % count;
    connecting_ = false;
  }
  // In a field the same keys take a word back elsewhere; and a menu is left before its tab is.
  const bool typing =
      ImGui::GetIO().WantTextInput || ImGui::IsPopupOpen("", ImGuiPopupFlags_AnyPopup);
  if (letter_pressed('W') && !connecting_ && !typing) close_tab(front_);
}

void Shell::draw(Ui& ui) {
  for (const auto& tab : tabs_) {
    tab->snapshot = tab->source->snapshot();
    // An address is worth remembering once a broker has answered at it.
    const bool connected = tab->snapshot->connection.state == Connection::connected;
    if (connected && !std::exchange(tab->remembered, true)) {
      remember(settings_.recent, tab->address, recent_max);
    }
  }
  const ImGuiViewport* viewport = ImGui::GetMainViewport();
  ImGui::SetNextWindowPos(viewport->Pos);
  ImGui::SetNextWindowSize(viewport->Size);
  ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, {0, 0});
  ImGui::PushStyleVar(ImGuiStyleVar_ItemSpacing, {0, 0});
  ImGui::Begin("pinion", nullptr,
               ImGuiWindowFlags_NoDecoration | ImGuiWindowFlags_NoMove |
                   ImGuiWindowFlags_NoSavedSettings | ImGuiWindowFlags_NoBringToFrontOnFocus |
                   ImGuiWindowFlags_NoScrollWithMouse);
  ImGui::PopStyleVar(2);
  forget_window_list();
  handle_keys(ui);
  draw_top(ui);
  const ImVec2 size = viewport->Size;
  const float body = size.y - ui.px(top_height) - ui.px(status_height);
  Tab* tab = front();
  const bool panel = tab != nullptr && !connecting_;
  // A panel that comes to the front is ready to be typed into.
  const std::string shown = panel ? tab->address + std::string(name_of(panel_)) : std::string();
  if (shown != shown_) {
    shown_ = shown;
    ui.first_focus = panel;
    ui.wants_frame = true;
  }
  ImGui::SetCursorPos({0, ui.px(top_height)});
  if (panel) draw_rail(ui);
  const float left = panel ? rail_room(ui) : 0;
  ImGui::SetCursorPos({left, ui.px(top_height)});
  ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, {ui.px(18), ui.px(14)});
  begin_padded_child("panel", {size.x - left, body});
  ImGui::PopStyleVar();
  if (panel) {
    draw_panel(ui, *tab);
  } else {
    const ConnectResult result = draw_connect(ui, connect_, settings_, !tabs_.empty());
    if (result.address) connect(*result.address);
    if (result.cancelled) connecting_ = false;
  }
  ImGui::EndChild();
  ui.first_focus = false;
  ImGui::SetCursorPos({0, size.y - ui.px(status_height)});
  draw_status(ui);
  ImGui::End();
  if (tab == nullptr) return;
  follow(ui, *tab);
  remember_tables(*tab);
}

/// Commands and ways to other panels, after the frame.
void Shell::follow(Ui& ui, Tab& tab) {
  for (Command& command : ui.commands) {
    if (!tab.source->post(std::move(command))) ++tab.lost_commands;
  }
  ui.commands.clear();
  if (ui.go.draft) {
    set_draft(tab.producer, *ui.go.draft);
    show(Panel::produce);
    ui.wants_frame = true;
  }
  if (ui.go.browse) {
    set_browse(tab.browse, *ui.go.browse);
    if (!tab.source->post(*ui.go.browse)) ++tab.lost_commands;
    show(Panel::browse);
    ui.wants_frame = true;
  }
  if (ui.go.sql_topic) {
    tab.sql.topic = *ui.go.sql_topic;
    show(Panel::sql);
    ui.wants_frame = true;
  }
  ui.go = {};
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

void Shell::draw_panel(Ui& ui, Tab& tab) {
  const Snapshot& snapshot = *tab.snapshot;
  draw_connection_notice(ui, snapshot);
  if (tab.lost_commands > 0) {
    ui.notice("commands.lost",
              "The program is too busy: " + format_count(tab.lost_commands) +
                  " commands were not carried out.",
              Tone::bad);
  }
  switch (panel_) {
    case Panel::cluster:
      return draw_cluster(ui, snapshot, tab.cluster, settings_);
    case Panel::produce:
      return draw_producer(ui, snapshot, tab.producer, settings_);
    case Panel::consume:
      return draw_consumer(ui, snapshot, tab.consumer, settings_);
    case Panel::browse:
      return draw_browse(ui, snapshot, tab.browse, settings_);
    case Panel::sql:
      return draw_sql(ui, snapshot, tab.sql, settings_);
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
  if (connection.reconnects > 0) {
    text += " \u00b7 reconnected " + std::to_string(connection.reconnects) +
            (connection.reconnects == 1 ? " time" : " times");
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

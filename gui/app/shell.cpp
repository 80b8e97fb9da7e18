#include "gui/app/shell.hpp"

#include "gui/app/shell_parts.hpp"
#include "gui/views/imgui_versions.hpp"
#include "gui/views/panel.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>

#include <unistd.h>

namespace pinion::gui {
namespace {

std::string default_reader() {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
  const char* user = std::getenv("USER");
  std::string name = "dashboard-" + std::string(user != nullptr ? user : "user");
  if (host[0] != '\0') name += "@" + std::string(host.data());
  return name;
}

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

void Shell::set_trouble(std::string trouble, std::string damage) {
  trouble_ = std::move(trouble);
  damage_ = std::move(damage);
}

void Shell::stop() {
  for (const auto& tab : tabs_) tab->source->stop();
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
  ui.notice("settings.trouble", trouble_, Tone::bad);
  if (damage_ != put_away_ && ui.passing_notice("settings.damage", damage_, Tone::bad)) {
    put_away_ = damage_;
  }
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

}  // namespace pinion::gui

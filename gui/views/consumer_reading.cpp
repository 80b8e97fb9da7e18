// What the consumer reads, when, and from where.
#include "gui/views/consumer_parts.hpp"

#include "gui/views/imgui_versions.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

namespace pinion::gui {
namespace {

void start(Ui& ui, ConsumerState& state, Settings& settings) {
  StartReading command;
  command.settings.topics = state.topics;
  command.settings.reader = state.reader;
  command.settings.period = Micros(std::int64_t{state.period_s} * 1'000'000);
  command.settings.start = state.start == 1 ? ReadPlace::Kind::latest : ReadPlace::Kind::earliest;
  settings.topics = state.topics;
  settings.reader = state.reader;
  settings.period = command.settings.period;
  ui.commands.emplace_back(std::move(command));
}

/// What is left of the period as a ring, and in words beside it.
void draw_countdown(Ui& ui, const Snapshot& snapshot) {
  const ReadingView& reading = snapshot.consume->reading;
  const float height = ImGui::GetFrameHeight();
  ui.beside(height + ui.px(116));
  const ImVec2 at = ImGui::GetCursorScreenPos();
  const ImVec2 centre{at.x + height / 2, at.y + height / 2};
  ImDrawList* list = ImGui::GetWindowDrawList();
  const float radius = height * 0.3F;
  list->AddCircle(centre, radius, ui.ink(ui.theme.border), 32, ui.px(2.5F));
  std::string text;
  Tone tone = Tone::muted;
  if (snapshot.connection.state != Connection::connected) {
    text = "Waiting for the broker";
    tone = Tone::warning;
  } else if (reading.refreshing && reading.mode != ReadMode::live) {
    text = "Refreshing\u2026 " + format_count(reading.refresh_records);
    list->AddCircle(centre, radius, ui.ink(ui.theme.accent), 32, ui.px(2.5F));
    tone = Tone::accent;
  } else if (reading.range_done) {
    text = "The range is read";
    tone = Tone::good;
  } else if (reading.mode == ReadMode::live) {
    list->AddCircleFilled(centre, radius, ui.ink(ui.theme.good), 24);
    text = "Live";
    tone = Tone::good;
  } else if (reading.mode == ReadMode::paused) {
    text = "Paused";
  } else if (reading.next_refresh_at > Micros{0}) {
    const Micros left = std::max(Micros{0}, reading.next_refresh_at - ui.now.monotonic);
    // Only whole seconds are drawn, so that nothing moves between them.
    const std::int64_t whole = (left.count() + 999'999) / 1'000'000;
    const float share = std::clamp(
        static_cast<float>(whole * 1'000'000) /
            static_cast<float>(std::max<std::int64_t>(1, reading.settings.period.count())),
        0.0F, 1.0F);
    list->PathArcTo(centre, radius, -1.5708F, -1.5708F + 6.2832F * share, 32);
    stroke_path(list, ui.ink(ui.theme.accent), ui.px(2.5F));
    text = "Next in " + format_countdown(left);
  }
  list->AddText({at.x + height + ui.px(4), at.y + (height - ImGui::GetTextLineHeight()) / 2},
                ui.ink(ui.theme.of(tone)), text.c_str());
  // Its usual room, so that what stands beside it stays where it is while the words change.
  ImGui::Dummy(
      {height + std::max(ui.px(116), ImGui::CalcTextSize(text.c_str()).x + ui.px(8)), height});
  ui.describe("consume.countdown", text);
}

std::optional<ReadPlace> seek_place(ConsumerState& state, Micros wall_now) {
  ReadPlace place;
  state.seek_problem.clear();
  if (state.seek == 0) place.kind = ReadPlace::Kind::earliest;
  if (state.seek == 1) place.kind = ReadPlace::Kind::latest;
  if (state.seek == 2) {
    place.kind = ReadPlace::Kind::offset;
    const char* end = state.seek_offset.data() + state.seek_offset.size();
    const auto parsed = std::from_chars(state.seek_offset.data(), end, place.offset);
    if (parsed.ec != std::errc() || parsed.ptr != end || place.offset < 0) {
      state.seek_problem = "An offset is a number from 0 on.";
      return std::nullopt;
    }
  }
  if (state.seek == 3) {
    place.kind = ReadPlace::Kind::time;
    const auto from = time_from(state.seek_from, wall_now);
    if (!from) {
      state.seek_problem = from.error().detail;
      return std::nullopt;
    }
    place.time = *from;
    if (!state.seek_until.empty()) {
      const auto until = time_from(state.seek_until, wall_now);
      if (!until) {
        state.seek_problem = until.error().detail;
        return std::nullopt;
      }
      if (*until <= *from) {
        state.seek_problem = "The range ends before it begins.";
        return std::nullopt;
      }
      place.until = *until;
    }
  }
  return place;
}

/// `ready`: there is something that is read, and a broker to ask.
void draw_seek(Ui& ui, ConsumerState& state, bool ready) {
  if (ui.button("consume.seek", "Seek\u2026")) ImGui::OpenPopup("seek");
  ImGui::SetNextWindowSize({std::min(ui.px(430), ImGui::GetMainViewport()->Size.x), 0});
  if (!ImGui::BeginPopup("seek")) return;
  ui.strong("Read on from another place");
  ui.paragraph(
      "In all partitions. The box is emptied and filled from there, and the position of this "
      "consumer moves there too.");
  ui.choice("consume.seek_to", {"Oldest", "Newest", "Offset", "Time"}, state.seek);
  if (state.seek == 2) ui.input("consume.seek_offset", state.seek_offset, "Offset", -1);
  if (state.seek == 3) {
    ui.input("consume.seek_from", state.seek_from, "From: -15m, 09:30, 2026-11-21T09:30", -1);
    ui.input("consume.seek_until", state.seek_until, "To (and then stop); empty: no end", -1);
  }
  ui.notice("consume.seek_problem", state.seek_problem, Tone::bad);
  const bool pressed = ui.button("consume.seek_go", "Read from there", ButtonKind::primary);
  if (ready && (pressed || ui.enter_confirms())) {
    if (const auto place = seek_place(state, ui.now.wall)) {
      ui.commands.emplace_back(SeekReading{*place});
      ImGui::CloseCurrentPopup();
    }
  }
  ImGui::EndPopup();
}

/// A number that counts once it is whole: with Enter, or when the field is left.
void draw_period(Ui& ui, const ReadingView& reading, ConsumerState& state, Settings& settings) {
  // What a person comes here to type is rather a filter.
  const bool focus = std::exchange(ui.first_focus, false);
  const bool entered =
      ui.input("consume.period", state.period_text, "", ui.px(56),
               ImGuiInputTextFlags_EnterReturnsTrue | ImGuiInputTextFlags_CharsDecimal);
  ui.first_focus = focus;
  const bool left = ImGui::IsItemDeactivated();
  const bool typing = ImGui::IsItemActive();
  if (ImGui::IsItemHovered() && !typing) {
    ui.tooltip("Seconds from one refresh to the next. Enter sets them.");
  }
  ImGui::SameLine();
  ui.label("s");
  if (entered || left) {
    const char* end = state.period_text.data() + state.period_text.size();
    int seconds = 0;
    const auto parsed = std::from_chars(state.period_text.data(), end, seconds);
    const bool good = parsed.ec == std::errc() && parsed.ptr == end;
    if (good) seconds = std::clamp(seconds, 1, 86'400);
    if (good && seconds != state.period_s) {
      state.period_s = seconds;
      settings.period = Micros(std::int64_t{seconds} * 1'000'000);
      if (reading.active) ui.commands.emplace_back(SetReadPeriod{settings.period});
    }
  }
  if (!typing) state.period_text = std::to_string(state.period_s);
}

}  // namespace

void draw_setup(Ui& ui, const Snapshot& snapshot, ConsumerState& state, Settings& settings) {
  const ReadingView& reading = snapshot.consume->reading;
  const float width = ImGui::GetContentRegionAvail().x;
  const float gap = ui.px(8);
  const float reader_width = std::min(ui.px(210), width);
  const float start_width = ui.px(190);
  const float button = ui.px(96);
  const float rest = width - reader_width - start_width - button - 3 * gap;
  ImGui::BeginDisabled(reading.active);
  pick_topics(ui, "consume.topics", state.topics, snapshot, settings, state.picker,
              rest >= ui.px(120) ? rest : std::max(ui.px(120), width - reader_width - gap));
  ui.beside(reader_width);
  ui.input("consume.reader", state.reader, "Consumer's name", reader_width);
  if (ImGui::IsItemHovered()) {
    ui.tooltip(
        "Positions are kept under this name, so nothing is fetched twice, also after the "
        "dashboard was closed. Others that read under it share them.");
  }
  ui.beside(start_width);
  static const std::vector<std::string> starts{"New: from the oldest", "New: from the newest"};
  std::string shown = starts[static_cast<std::size_t>(state.start)];
  if (ui.combo("consume.start", shown, starts, "", start_width)) {
    state.start = shown == starts[1] ? 1 : 0;
  }
  if (ImGui::IsItemHovered()) ui.tooltip("Where a name begins that has no position yet.");
  ImGui::EndDisabled();
  ui.beside(button);
  if (reading.active) {
    if (ui.button("consume.stop", "Stop", ButtonKind::plain, button)) {
      ui.commands.emplace_back(StopReading{});
    }
    return;
  }
  const bool ready = !state.topics.empty() && !state.reader.empty() &&
                     snapshot.connection.state == Connection::connected;
  ImGui::BeginDisabled(!ready);
  if (ui.button("consume.start_button", "Start", ButtonKind::primary, button)) {
    start(ui, state, settings);
  }
  ImGui::EndDisabled();
}

void draw_modes(Ui& ui, const Snapshot& snapshot, ConsumerState& state, Settings& settings) {
  const ReadingView& reading = snapshot.consume->reading;
  const bool connected = snapshot.connection.state == Connection::connected;
  int mode = static_cast<int>(reading.mode);
  const std::string period = "Every " + std::to_string(state.period_s) + " s";
  ImGui::BeginDisabled(!reading.active);
  if (ui.choice("consume.mode", {period, "Live", "Paused"}, mode)) {
    ui.commands.emplace_back(SetReadMode{static_cast<ReadMode>(mode)});
  }
  ImGui::EndDisabled();
  ui.beside(ui.px(80));
  draw_period(ui, reading, state, settings);
  if (reading.active) draw_countdown(ui, snapshot);
  ui.beside(ui.button_width("Refresh now"));
  ImGui::BeginDisabled(!reading.active || !connected);
  if (ui.button("consume.refresh", "Refresh now")) ui.commands.emplace_back(RefreshReading{});
  ui.beside(ui.button_width("Seek\u2026"));
  draw_seek(ui, state, reading.active && connected);
  ImGui::EndDisabled();
}

}  // namespace pinion::gui

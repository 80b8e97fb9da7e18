#include "gui/views/chart.hpp"

#include "gui/views/imgui_versions.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace pinion::gui {
namespace {

constexpr double seconds_min = 30;
constexpr double seconds_max = 3'600;

struct Area {
  ImVec2 low;
  ImVec2 high;
  double from = 0;  ///< Seconds, wall.
  double to = 0;
  double top = 1;  ///< The value at the upper edge.

  [[nodiscard]] float x(double second) const {
    return low.x + static_cast<float>((second - from) / (to - from)) * (high.x - low.x);
  }
  [[nodiscard]] float y(double value) const {
    return high.y - static_cast<float>(value / top) * (high.y - low.y);
  }
};

double seconds_of(Micros wall) { return static_cast<double>(wall.count()) / 1e6; }

/// 1, 2 or 5 times a power of ten, at least `value`.
double round_up(double value) {
  if (value <= 0) return 1;
  const double power = std::pow(10.0, std::floor(std::log10(value)));
  for (const double step : {1.0, 2.0, 5.0, 10.0}) {
    if (step * power >= value) return step * power;
  }
  return 10 * power;
}

double time_step(double seconds, double labels) {
  constexpr std::array steps{5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1'800.0};
  for (const double step : steps) {
    if (seconds / step <= labels) return step;
  }
  return 3'600;
}

std::size_t first_index(const ClusterHistory& history, double from) {
  std::size_t low = 0;
  std::size_t high = history.size();
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    if (seconds_of(history.at(middle).wall) < from) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low > 0 ? low - 1 : 0;
}

double value_of(const ClusterHistory& history, std::size_t index, const ChartLine& line) {
  return history.at(index).values.at(static_cast<std::size_t>(line.metric));
}

void find_top(Area& area, const ChartSpec& spec, const ClusterHistory& history) {
  double most = 0;
  for (std::size_t i = first_index(history, area.from); i < history.size(); ++i) {
    if (seconds_of(history.at(i).wall) > area.to) break;
    for (const ChartLine& line : spec.lines) {
      const double value = value_of(history, i, line);
      if (value > most) most = value;
    }
  }
  double unit = 1;
  while (spec.binary && most / unit >= 1'024) unit *= 1'024;
  area.top = round_up(most / unit * 1.05) * unit;
}

/// A label of an axis, and what it is called in the description.
void draw_label(Ui& ui, const std::string& name, ImVec2 at, float size, const std::string& text) {
  ImFont* font = ui.fonts.body;
  ui.glyphs.note(text);
  ImGui::GetWindowDrawList()->AddText(font, size, at, ui.ink(ui.theme.muted), text.c_str());
  if (!ui.describes) return;
  const float width = font->CalcTextSizeA(size, 1e6F, 0, text.c_str()).x;
  ui.describe_at(name, at, {at.x + width, at.y + size}, text);
}

void draw_axes(Ui& ui, const std::string& name, const Area& area, const ChartSpec& spec) {
  ImDrawList* list = ImGui::GetWindowDrawList();
  ImFont* font = ui.fonts.body;
  const float size = std::round(size_of(*font) * 0.86F);
  std::string said;
  for (int i = 0; i <= 2; ++i) {
    const double value = area.top * i / 2;
    const float y = std::floor(area.y(value));
    list->AddLine({area.low.x, y}, {area.high.x, y},
                  ui.ink(with_alpha(ui.theme.border, i == 0 ? 1 : 0.6F)));
    const std::string text = spec.format(value);
    if (text == said) continue;  // Too small for its unit: the same twice would be wrong.
    said = text;
    const float width = font->CalcTextSizeA(size, 1e6F, 0, text.c_str()).x;
    draw_label(ui, name + ".y." + std::to_string(i), {area.low.x - width - ui.px(8), y - size / 2},
               size, text);
  }
  const double labels = std::max(2.0, static_cast<double>((area.high.x - area.low.x) / ui.px(64)));
  const double step = time_step(area.to - area.from, labels);
  float taken = 0;
  for (double at = std::ceil(area.from / step) * step; at <= area.to; at += step) {
    const float x = std::floor(area.x(at));
    const std::string text = format_axis_time(Micros(static_cast<std::int64_t>(at * 1e6)),
                                              Micros(static_cast<std::int64_t>(step * 1e6)));
    const float width = font->CalcTextSizeA(size, 1e6F, 0, text.c_str()).x;
    if (width > area.high.x - area.low.x) continue;
    // At the edges it gives way to the inside, where its neighbour leaves room.
    const float left =
        std::clamp(x - width / 2, area.low.x - ui.px(4), area.high.x + ui.px(8) - width);
    if (left < taken) continue;
    taken = left + width + ui.px(6);
    list->AddLine({x, area.high.y}, {x, area.high.y + ui.px(3)}, ui.ink(ui.theme.border));
    draw_label(ui, name + ".x." + text, {left, area.high.y + ui.px(5)}, size, text);
  }
}

void draw_line(Ui& ui, const Area& area, const ChartLine& line, const ClusterHistory& history,
               bool filled) {
  ImDrawList* list = ImGui::GetWindowDrawList();
  std::vector<ImVec2> points;
  const auto flush = [&] {
    if (filled) {
      // Smoothed edges of neighbours would show as stripes.
      const ImDrawListFlags flags = list->Flags;
      list->Flags &= ~ImDrawListFlags_AntiAliasedFill;
      for (std::size_t i = 1; i < points.size(); ++i) {
        list->AddQuadFilled(points[i - 1], points[i], {points[i].x, area.high.y},
                            {points[i - 1].x, area.high.y},
                            ui.ink(with_alpha(line.colour, ui.theme.dark ? 0.12F : 0.10F)));
      }
      list->Flags = flags;
    }
    // A piece at a time: a line through all points breaks where they turn back sharply.
    const ImU32 ink = ui.ink(line.colour);
    for (std::size_t i = 1; i < points.size(); ++i) {
      list->AddLine(points[i - 1], points[i], ink, ui.px(1.6F));
    }
    if (points.size() == 1) list->AddCircleFilled(points.front(), ui.px(1.6F), ink, 8);
    points.clear();
  };
  for (std::size_t i = first_index(history, area.from); i < history.size(); ++i) {
    const double at = seconds_of(history.at(i).wall);
    const double value = value_of(history, i, line);
    if (std::isnan(value)) {
      flush();
    } else {
      points.push_back({area.x(at), area.y(value)});
    }
    if (at > area.to) break;
  }
  flush();
}

void draw_hover(Ui& ui, const std::string& name, const Area& area, const ChartSpec& spec,
                const ClusterHistory& history) {
  const ImVec2 mouse = ImGui::GetIO().MousePos;
  const double at =
      area.from + (area.to - area.from) *
                      static_cast<double>((mouse.x - area.low.x) / (area.high.x - area.low.x));
  std::size_t index = first_index(history, at);
  if (index + 1 < history.size()) {
    const double here = std::fabs(seconds_of(history.at(index).wall) - at);
    if (std::fabs(seconds_of(history.at(index + 1).wall) - at) < here) ++index;
  }
  if (index >= history.size()) return;
  const Micros wall = history.at(index).wall;
  const float x = area.x(seconds_of(wall));
  if (x < area.low.x || x > area.high.x) return;
  // Where nobody looked nothing is known; a look far away says nothing of here.
  constexpr double far_s = 5;
  if (std::fabs(seconds_of(wall) - at) > far_s && std::fabs(x - mouse.x) > ui.px(6)) return;
  ImDrawList* list = ImGui::GetWindowDrawList();
  list->AddLine({x, area.low.y}, {x, area.high.y}, ui.ink(with_alpha(ui.theme.muted, 0.7F)));
  std::string text = format_local_time(wall, WithDate::no).substr(0, 8);
  for (const ChartLine& line : spec.lines) {
    const double value = value_of(history, index, line);
    text += "\n" + line.name + "  " +
            (std::isnan(value) ? std::string(unknown_text) : spec.format(value));
    if (!std::isnan(value))
      list->AddCircleFilled({x, area.y(value)}, ui.px(3), ui.ink(line.colour), 12);
  }
  ui.tooltip(text);
  ui.describe_at(name + ".value", {x, area.low.y}, {x, area.high.y}, text);
}

void move(const Area& area, ChartState& state) {
  ImGuiIO& io = ImGui::GetIO();
  if (ImGui::IsItemHovered() && (io.MouseWheel < 0 || io.MouseWheel > 0)) {
    const double factor = io.MouseWheel > 0 ? 0.8 : 1.25;
    state.seconds = std::clamp(state.seconds * factor, seconds_min, seconds_max);
  }
  if (ImGui::IsItemActive() && ImGui::IsMouseDragging(0)) {
    const double seconds =
        static_cast<double>(io.MouseDelta.x / (area.high.x - area.low.x)) * state.seconds;
    state.back = std::clamp(state.back + seconds, 0.0, seconds_max);
  }
  if (ImGui::IsItemHovered() && ImGui::IsMouseDoubleClicked(0)) state = {};
}

/// The title, and at the right what each line is and says now.
void draw_legend(Ui& ui, const ChartSpec& spec, const ClusterHistory* history) {
  ui.strong(spec.title);
  const float title = ImGui::CalcTextSize(spec.title.c_str()).x + ui.px(28);
  const float room = ImGui::GetContentRegionAvail().x;
  std::vector<std::string> texts;
  float width = 0;
  for (const ChartLine& line : spec.lines) {
    std::string text = line.name;
    if (history != nullptr && history->size() > 0) {
      const double last = value_of(*history, history->size() - 1, line);
      text += "  " + (std::isnan(last) ? std::string(unknown_text) : spec.format(last));
    }
    width += ImGui::CalcTextSize(text.c_str()).x + ui.px(texts.empty() ? 17 : 30);
    texts.push_back(std::move(text));
  }
  if (title + width > room) {
    // Too narrow: the names alone. What they say now is on hover.
    width = 0;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      texts[i] = spec.lines[i].name;
      width += ImGui::CalcTextSize(texts[i].c_str()).x + ui.px(i == 0 ? 17 : 30);
    }
  }
  for (std::size_t i = 0; i < texts.size(); ++i) {
    ImGui::SameLine(i == 0 ? ImGui::GetWindowWidth() - width - ui.px(15) : 0,
                    i == 0 ? 0.0F : ui.px(13));
    const ImVec2 at = ImGui::GetCursorScreenPos();
    const float middle = std::floor(at.y + ImGui::GetTextLineHeight() / 2);
    ImGui::GetWindowDrawList()->AddLine({at.x, middle}, {at.x + ui.px(11), middle},
                                        ui.ink(spec.lines[i].colour), ui.px(2));
    ImGui::SetCursorScreenPos({at.x + ui.px(17), at.y});
    ui.text(texts[i], Tone::muted);
  }
}

}  // namespace

void draw_chart(Ui& ui, const char* name, ImVec2 size, const ChartSpec& spec, ChartState& state,
                const ClusterHistory* history) {
  const ImVec2 corner = ImGui::GetCursorScreenPos();
  ui.begin_card(name, size);
  ui.describe_at(name, corner, {corner.x + size.x, corner.y + size.y}, spec.title);
  draw_legend(ui, spec, history);
  const ImVec2 room = ImGui::GetContentRegionAvail();
  const ImVec2 begin = ImGui::GetCursorScreenPos();
  Area area;
  area.low = {begin.x + ui.px(76), begin.y + ui.px(8)};
  area.high = {begin.x + room.x - ui.px(6), begin.y + room.y - ui.px(20)};
  if (area.high.x - area.low.x < ui.px(40) || area.high.y - area.low.y < ui.px(24)) {
    ui.end_card();
    return;
  }
  const std::string id = std::string(name) + ".area";
  ImGui::InvisibleButton(id.c_str(), room);
  ui.describe_at(id, area.low, area.high, "");
  move(area, state);
  area.to = seconds_of(ui.now.wall) - state.back;
  area.from = area.to - state.seconds;
  if (history != nullptr) find_top(area, spec, *history);
  draw_axes(ui, name, area, spec);
  if (history == nullptr || history->size() < 2) {
    const char* text = "Collecting\u2026";
    ImGui::GetWindowDrawList()->AddText({area.low.x + ui.px(8), area.low.y + ui.px(4)},
                                        ui.ink(ui.theme.muted), text);
  }
  if (history != nullptr) {
    ImGui::GetWindowDrawList()->PushClipRect({area.low.x, area.low.y - 4},
                                             {area.high.x + 1, area.high.y + 1}, true);
    for (const ChartLine& line : spec.lines) {
      draw_line(ui, area, line, *history, spec.lines.size() == 1);
    }
    ImGui::GetWindowDrawList()->PopClipRect();
    if (ImGui::IsItemHovered()) draw_hover(ui, name, area, spec, *history);
  }
  ui.end_card();
}

}  // namespace pinion::gui

#include "gui/views/grid.hpp"

#include "gui/views/imgui_versions.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace pinion::gui {
namespace {

constexpr float row_height = 27;
constexpr float head_height = 30;
constexpr float bar_width = 11;
constexpr float column_width_min = 36;
constexpr float last_width_min = 140;
constexpr float columns_step = 80;  ///< Of a notch of the wheel.
constexpr std::size_t described_rows_max = 60;

/// What one frame of a grid shares between its steps.
struct Layout {
  ImVec2 begin;
  ImVec2 end;
  float row = 0;
  float body_top = 0;
  double rows_in_sight = 0;
  double top_max = 0;
  float body_end = 0;         ///< Above the bar of columns, if there is one.
  float left_max = 0;         ///< At scale 1.
  std::vector<float> widths;  ///< Of the columns, at scale 1.
  std::vector<float> edges;   ///< One more than columns.
};

/// What its title and its sample need, in the typefaces that they have here.
float usual_width(const Ui& ui, const GridColumn& column) {
  const auto width_of = [&](ImFont* font, const std::string& text) {
    return font->CalcTextSizeA(size_of(*font), 1e6F, 0, text.c_str()).x / ui.scale;
  };
  constexpr float pads = 18;
  const std::string title = column.title + (column.sorts ? " \u2193" : "");
  return std::max({column.width, width_of(ui.fonts.body, title) + pads,
                   width_of(column.mono ? ui.fonts.mono : ui.fonts.body, column.sample) + pads});
}

Layout lay_out(Ui& ui, ImVec2 size, const std::vector<GridColumn>& columns, GridState& state,
               std::size_t rows) {
  Layout at;
  at.begin = ImGui::GetCursorScreenPos();
  at.end = {at.begin.x + size.x, at.begin.y + size.y};
  at.row = ui.px(row_height);
  at.body_top = at.begin.y + ui.px(head_height);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const auto dragged =
        state.widths.empty() ? state.widths.end() : state.widths.find(column_key(columns, i));
    at.widths.push_back(dragged == state.widths.end() ? usual_width(ui, columns[i])
                                                      : dragged->second);
  }
  // A last column of text gives way first, down to this; numbers stay where they are read.
  const bool stretches = !columns.back().right;
  const float last = stretches ? std::min(at.widths.back(), last_width_min) : at.widths.back();
  float wanted = bar_width + last;
  for (std::size_t i = 0; i + 1 < columns.size(); ++i) wanted += at.widths[i];
  at.left_max = std::max(0.0F, wanted - size.x / ui.scale);
  state.left = std::clamp(state.left, 0.0F, at.left_max);
  at.body_end = at.end.y - (at.left_max > 0 ? ui.px(bar_width) : 0);
  at.rows_in_sight = std::max(1.0, static_cast<double>((at.body_end - at.body_top) / at.row));
  at.top_max = std::max(0.0, static_cast<double>(rows) - at.rows_in_sight);
  float x = at.begin.x - std::floor(ui.px(state.left));
  at.edges.push_back(x);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const bool is_last = i + 1 == columns.size();
    x += ui.px(is_last ? last : at.widths[i]);
    if (is_last && stretches) x = std::max(x, at.end.x - ui.px(bar_width));
    at.edges.push_back(x);
  }
  return at;
}

void draw_text(Ui& ui, ImFont* font, ImU32 colour, ImVec2 low, ImVec2 high, bool right,
               std::string_view text) {
  if (text.empty() || high.x - low.x < 4) return;
  ui.glyphs.note(text);
  colour = ui.ink(colour);
  ImDrawList* list = ImGui::GetWindowDrawList();
  const float size = size_of(*font);
  const char* end = text.data() + text.size();
  float x = low.x;
  if (right) {
    const float width = font->CalcTextSizeA(size, 1e6F, 0, text.data(), end).x;
    x = std::max(low.x, high.x - width);
  }
  const ImVec4 clip{low.x, low.y, high.x, high.y};
  const float y = std::floor(low.y + (high.y - low.y - size) / 2);
  // What does not fit ends in an ellipsis; measuring stops where the room does.
  const char* fits = end;
  if (!right || x <= low.x) {
    font->CalcTextSizeA(size, high.x - x + 1, 0, text.data(), end, &fits);
  }
  if (fits == end) {
    list->AddText(font, size, {std::floor(x), y}, colour, text.data(), end, 0, &clip);
    return;
  }
  static constexpr std::string_view more = "\u2026";
  const float more_width =
      font->CalcTextSizeA(size, 1e6F, 0, more.data(), more.data() + more.size()).x;
  const float width =
      font->CalcTextSizeA(size, high.x - x - more_width, 0, text.data(), end, &fits).x;
  list->AddText(font, size, {std::floor(x), y}, colour, text.data(), fits, 0, &clip);
  list->AddText(font, size, {std::floor(x + width), y}, colour, more.data(),
                more.data() + more.size(), 0, &clip);
}

void sort_by(const std::vector<GridColumn>& columns, GridState& state, int column,
             GridResult& result) {
  const GridColumn& by = columns[static_cast<std::size_t>(column)];
  if (!by.sorts) return;
  state.descending = state.sort == column ? !state.descending : by.right;
  state.sort = column;
  result.sort_changed = true;
}

void draw_head(Ui& ui, const char* name, const std::vector<GridColumn>& columns, GridState& state,
               const Layout& at, GridResult& result) {
  ImDrawList* list = ImGui::GetWindowDrawList();
  list->AddRectFilled(at.begin, {at.end.x, at.body_top}, ui.ink(ui.theme.raised), ui.px(6),
                      ImDrawFlags_RoundCornersTop);
  list->AddLine({at.begin.x, at.body_top - 1}, {at.end.x, at.body_top - 1},
                ui.ink(ui.theme.border));
  const ImVec2 mouse = ImGui::GetIO().MousePos;
  const bool over = ImGui::IsWindowHovered() && mouse.y >= at.begin.y && mouse.y < at.body_top;
  if (!ImGui::IsMouseDown(0)) state.dragging_column = -1;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const float left = at.edges[i];
    const float right = at.edges[i + 1];
    const bool at_edge = over && (i + 1 < columns.size() || columns[i].right) &&
                         std::fabs(mouse.x - right) < ui.px(5);
    if (at_edge) ImGui::SetMouseCursor(ImGuiMouseCursor_ResizeEW);
    if (at_edge && ImGui::IsMouseClicked(0)) state.dragging_column = static_cast<int>(i);
    const bool hovered = over && mouse.x >= left && mouse.x < right && !at_edge;
    std::string title = columns[i].title;
    const bool sorted = state.sort == static_cast<int>(i);
    if (sorted) title += state.descending ? " \u2193" : " \u2191";
    const float pad = ui.px(8);
    draw_text(ui, ui.fonts.body,
              sorted || (hovered && columns[i].sorts) ? ui.theme.text : ui.theme.muted,
              {left + pad, at.begin.y}, {std::min(right, at.end.x) - pad, at.body_top},
              columns[i].right, title);
    ui.describe_at(std::string(name) + ".head." + column_key(columns, i),
                   {std::clamp(left, at.begin.x, at.end.x), at.begin.y},
                   {std::clamp(right, at.begin.x, at.end.x), at.body_top}, title);
    if (hovered && ImGui::IsMouseClicked(0)) {
      sort_by(columns, state, static_cast<int>(i), result);
    }
  }
  if (state.dragging_column >= 0) {
    const auto dragged = static_cast<std::size_t>(state.dragging_column);
    const float width = at.widths[dragged] + ImGui::GetIO().MouseDelta.x / ui.scale;
    state.widths[column_key(columns, dragged)] = std::max(column_width_min, width);
    ImGui::SetMouseCursor(ImGuiMouseCursor_ResizeEW);
  }
}

void draw_bar(Ui& ui, GridState& state, const Layout& at, std::size_t rows) {
  if (at.top_max <= 0) return;
  ImDrawList* list = ImGui::GetWindowDrawList();
  const float width = ui.px(bar_width);
  const float height = at.body_end - at.body_top;
  const double share = at.rows_in_sight / static_cast<double>(rows);
  const float grab = std::max(ui.px(28), height * static_cast<float>(share));
  const float room = height - grab;
  const float y = at.body_top + room * static_cast<float>(state.top / at.top_max);
  const ImVec2 mouse = ImGui::GetIO().MousePos;
  const bool over = ImGui::IsWindowHovered() && mouse.x >= at.end.x - width &&
                    mouse.y >= at.body_top && mouse.y < at.body_end;
  if (over && ImGui::IsMouseClicked(0)) {
    state.dragging_bar = true;
    state.drag_from = mouse.y;
    if (mouse.y < y || mouse.y > y + grab) {
      state.top = at.top_max * static_cast<double>((mouse.y - at.body_top - grab / 2) / room);
    }
    state.drag_top = state.top;
  }
  if (!ImGui::IsMouseDown(0)) state.dragging_bar = false;
  if (state.dragging_bar && room > 0) {
    state.top =
        state.drag_top + at.top_max * static_cast<double>((mouse.y - state.drag_from) / room);
  }
  const ImU32 colour =
      ui.ink(mixed(ui.theme.surface, ui.theme.muted, over || state.dragging_bar ? 0.6F : 0.3F));
  list->AddRectFilled({at.end.x - width + ui.px(2), y + ui.px(1)},
                      {at.end.x - ui.px(2), y + grab - ui.px(1)}, colour, ui.px(4));
}

/// Where columns do not fit.
void draw_columns_bar(Ui& ui, const char* name, GridState& state, const Layout& at) {
  if (at.left_max <= 0) return;
  const float height = ui.px(bar_width);
  const float whole = at.end.x - at.begin.x;
  const float wanted = whole + ui.px(at.left_max);
  const float grab = std::max(ui.px(28), whole * whole / wanted);
  const float room = whole - grab;
  const float x = at.begin.x + room * state.left / at.left_max;
  const ImVec2 mouse = ImGui::GetIO().MousePos;
  const bool over = ImGui::IsWindowHovered() && mouse.y >= at.body_end && mouse.y < at.end.y;
  if (over && ImGui::IsMouseClicked(0)) state.dragging_columns_bar = true;
  if (!ImGui::IsMouseDown(0)) state.dragging_columns_bar = false;
  if (state.dragging_columns_bar && room > 0) {
    state.left += ImGui::GetIO().MouseDelta.x / room * at.left_max;
  }
  const bool active = over || state.dragging_columns_bar;
  ImDrawList* list = ImGui::GetWindowDrawList();
  list->AddRectFilled(
      {x + ui.px(1), at.end.y - height + ui.px(2)}, {x + grab - ui.px(1), at.end.y - ui.px(2)},
      ui.ink(mixed(ui.theme.surface, ui.theme.muted, active ? 0.6F : 0.3F)), ui.px(4));
  ui.describe_at(std::string(name) + ".columns_bar", {x, at.end.y - height}, {x + grab, at.end.y},
                 std::to_string(static_cast<int>(state.left)));
}

void move_selection(GridState& state, const Layout& at, std::int64_t rows, GridResult& result) {
  if (rows == 0 || !ImGui::IsWindowFocused()) return;
  const auto page = static_cast<std::int64_t>(std::max(1.0, at.rows_in_sight - 1));
  std::int64_t to = state.selected;
  if (key_pressed(ImGuiKey_DownArrow)) to += 1;
  if (key_pressed(ImGuiKey_UpArrow)) to = to < 0 ? rows - 1 : to - 1;
  const bool turns = !ImGui::GetIO().KeyCtrl;  // With it they go to the next cluster's tab.
  if (turns && key_pressed(ImGuiKey_PageDown)) to += page;
  if (turns && key_pressed(ImGuiKey_PageUp)) to -= page;
  if (key_pressed(ImGuiKey_Home)) to = 0;
  if (key_pressed(ImGuiKey_End)) to = rows - 1;
  if (enter_pressed_once() && state.selected >= 0) result.activated = true;
  if (to == state.selected) return;
  state.selected = std::clamp<std::int64_t>(to, 0, rows - 1);
  result.selection_changed = true;
  const auto row = static_cast<double>(state.selected);
  if (row < state.top) state.top = row;
  if (row + 1 > state.top + at.rows_in_sight) state.top = row + 1 - at.rows_in_sight;
}

/// The cell of the selected row that is copied; it is kept in sight.
void move_column(Ui& ui, const std::vector<GridColumn>& columns, GridState& state, const Layout& at,
                 GridResult& result) {
  const int count = static_cast<int>(columns.size());
  state.column = std::clamp(state.column, 0, count - 1);
  if (!ImGui::IsWindowFocused()) return;
  if (letter_pressed('S') && !ImGui::GetIO().KeyCtrl) sort_by(columns, state, state.column, result);
  int step = key_pressed(ImGuiKey_RightArrow) ? 1 : key_pressed(ImGuiKey_LeftArrow) ? -1 : 0;
  if (step == 0) return;
  state.column = std::clamp(state.column + step, 0, count - 1);
  const auto column = static_cast<std::size_t>(state.column);
  const float low = (at.edges[column] - at.begin.x) / ui.scale;
  const float high = (at.edges[column + 1] - at.begin.x) / ui.scale;
  const float whole = (at.end.x - at.begin.x) / ui.scale - bar_width;
  if (high > whole) state.left += high - whole;
  if (low < 0) state.left += low;
}

std::string cell_text(const GridSource& source, std::size_t row, std::size_t column) {
  if (source.copy) return source.copy(row, column);
  GridCell cell;
  source.cell(row, column, cell);
  return cell.text;
}

std::string row_text(const GridSource& source, std::size_t row, std::size_t columns) {
  std::string text;
  for (std::size_t i = 0; i < columns; ++i) {
    text += (i == 0 ? "" : "\t") + cell_text(source, row, i);
  }
  return text;
}

void copy_cells(Ui& ui, const char* name, std::size_t columns, const GridState& state,
                const GridSource& source) {
  const bool chosen =
      state.selected >= 0 && state.selected < static_cast<std::int64_t>(source.rows);
  const auto row = static_cast<std::size_t>(std::max<std::int64_t>(0, state.selected));
  const auto column = static_cast<std::size_t>(state.column);
  if (chosen && ImGui::IsWindowFocused() && ui.ctrl_pressed('C')) {
    ui.copy(cell_text(source, row, column));
  }
  if (!ImGui::BeginPopup("cell")) return;
  const auto item = [&](const char* what, const char* text) {
    const bool pressed = ImGui::Selectable(text);
    ui.describe(std::string(name) + ".menu." + what, text);
    return pressed && chosen;
  };
  if (item("cell", "Copy cell  (Ctrl+C)")) ui.copy(cell_text(source, row, column));
  if (item("row", "Copy row")) ui.copy(row_text(source, row, columns));
  ImGui::EndPopup();
}

void scroll(GridState& state, const Layout& at, const GridSource& source, GridResult& result) {
  if (source.base != state.base) {
    const auto moved = static_cast<double>(source.base) - static_cast<double>(state.base);
    state.top -= moved;
    if (state.selected >= 0) state.selected -= static_cast<std::int64_t>(moved);
    if (state.selected < 0) state.selected = -1;
    state.base = source.base;
  }
  const ImGuiIO& io = ImGui::GetIO();
  const bool hovered = ImGui::IsWindowHovered();
  // Shift turns the wheel; newer versions of Dear ImGui do that themselves.
  const float turned = io.KeyShift ? io.MouseWheel : 0;
  if (hovered) state.left -= (io.MouseWheelH + turned) * columns_step;
  const float wheel = hovered && !io.KeyShift ? io.MouseWheel : 0;
  if (wheel < 0 || wheel > 0) {
    if (wheel > 0 && state.top <= 0) result.wants_older = true;
    if (wheel < 0 && state.top >= at.top_max) result.wants_newer = true;
    state.top -= static_cast<double>(wheel) * 3;
    state.follows = wheel < 0 && state.top >= at.top_max;
  }
  if (state.follows) state.top = at.top_max;
}

void draw_rows(Ui& ui, const char* name, const std::vector<GridColumn>& columns, GridState& state,
               const GridSource& source, const Layout& at, GridResult& result) {
  ImDrawList* list = ImGui::GetWindowDrawList();
  const ImVec2 mouse = ImGui::GetIO().MousePos;
  const float bar = at.top_max > 0 ? ui.px(bar_width) : 0;
  const bool over = ImGui::IsWindowHovered() && !state.dragging_bar && mouse.y >= at.body_top &&
                    mouse.y < at.body_end && mouse.x < at.end.x - bar;
  const bool focused = ImGui::IsWindowFocused();
  list->PushClipRect({at.begin.x, at.body_top}, {at.end.x, at.body_end}, true);
  auto row = static_cast<std::size_t>(state.top);
  float y = at.body_top - static_cast<float>(state.top - std::floor(state.top)) * at.row;
  GridCell cell;
  std::size_t described = 0;
  result.seen = row;
  for (; row < source.rows && y < at.body_end; ++row, y += at.row) {
    const ImVec2 low{at.begin.x, y};
    const ImVec2 high{at.end.x - bar, y + at.row};
    const bool hovered = over && mouse.y >= y && mouse.y < y + at.row;
    const bool selected = state.selected == static_cast<std::int64_t>(row);
    if (selected || hovered) {
      list->AddRectFilled(low, high, ui.ink(selected ? ui.theme.selected : ui.theme.hovered));
    }
    if (hovered) {
      result.hovered = static_cast<std::int64_t>(row);
      if (ImGui::IsMouseClicked(0)) {
        result.selection_changed = state.selected != result.hovered;
        state.selected = result.hovered;
      }
      if (ImGui::IsMouseDoubleClicked(0)) result.activated = true;
      if (ImGui::IsMouseClicked(1)) {
        result.selection_changed = state.selected != result.hovered;
        state.selected = result.hovered;
        ImGui::OpenPopup("cell");
      }
    }
    std::string line;
    const bool describes = ui.describes && described < described_rows_max;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const float left = at.edges[i];
      const float right = std::min(at.edges[i + 1], at.end.x - bar);
      if (left >= at.end.x) break;
      if (right <= at.begin.x && !describes) continue;
      if (left >= right) break;
      if (hovered && mouse.x >= left && mouse.x < right) {
        result.hovered_column = static_cast<std::int64_t>(i);
        if (ImGui::IsMouseClicked(0) || ImGui::IsMouseClicked(1))
          state.column = static_cast<int>(i);
      }
      cell.text.clear();
      cell.tone = Tone::normal;
      cell.strong = false;
      source.cell(row, i, cell);
      ImFont* font = columns[i].mono ? ui.fonts.mono
                     : cell.strong   ? ui.fonts.strong
                                     : ui.fonts.body;
      const float pad = ui.px(8);
      draw_text(ui, font, ui.theme.of(cell.tone), {left + pad, y},
                {right - (i + 1 < columns.size() || columns[i].right ? pad : ui.px(2)), y + at.row},
                columns[i].right, cell.text);
      if (describes) line += (i == 0 ? "" : "\t") + cell.text;
      if (!selected || !focused || state.column != static_cast<int>(i)) continue;
      list->AddRect({left + 1, y + 1}, {right - 1, y + at.row - 2}, ui.ink(ui.theme.accent),
                    ui.px(4));
    }
    list->AddLine({low.x, high.y - 1}, {high.x, high.y - 1},
                  ui.ink(with_alpha(ui.theme.border, 0.45F)));
    if (!describes) continue;
    ++described;
    ui.describe_at(std::string(name) + ".row." + std::to_string(row), low,
                   {high.x, std::min(high.y, at.body_end)}, line,
                   selected && focused ? HasFocus::yes : HasFocus::no);
  }
  result.seen_end = row;
  list->PopClipRect();
}

}  // namespace

std::string column_key(const std::vector<GridColumn>& columns, std::size_t index) {
  const std::string& title = columns[index].title;
  const auto end = columns.begin() + static_cast<std::ptrdiff_t>(index);
  const auto before = std::count_if(columns.begin(), end,
                                    [&](const GridColumn& one) { return one.title == title; });
  return before == 0 ? title : title + " #" + std::to_string(before + 1);
}

GridResult draw_grid(Ui& ui, const char* name, ImVec2 size, const std::vector<GridColumn>& columns,
                     GridState& state, const GridSource& source) {
  GridResult result;
  const ImVec2 room = ImGui::GetContentRegionAvail();
  if (size.x <= 0) size.x = room.x;
  if (size.y <= 0) size.y = room.y;
  size.x = std::max(size.x, ui.px(60));
  size.y = std::max(size.y, ui.px(head_height + row_height));
  ImGui::PushStyleColor(ImGuiCol_ChildBg, ui.theme.surface);
  ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, {0, 0});
  ImGui::PushStyleVar(ImGuiStyleVar_ChildRounding, ui.px(6));
  ImGui::BeginChild(name, size, false,
                    ImGuiWindowFlags_NoScrollbar | ImGuiWindowFlags_NoScrollWithMouse |
                        ImGuiWindowFlags_NoNavInputs);
  const bool in_front = !ImGui::IsPopupOpen("", ImGuiPopupFlags_AnyPopup);
  if (std::exchange(ui.first_focus, false) && in_front) ImGui::SetWindowFocus();
  const Layout at = lay_out(ui, size, columns, state, source.rows);
  scroll(state, at, source, result);
  if (state.selected >= static_cast<std::int64_t>(source.rows)) state.selected = -1;
  move_selection(state, at, static_cast<std::int64_t>(source.rows), result);
  move_column(ui, columns, state, at, result);
  draw_head(ui, name, columns, state, at, result);
  draw_bar(ui, state, at, source.rows);
  draw_columns_bar(ui, name, state, at);
  state.top = std::clamp(state.top, 0.0, at.top_max);
  draw_rows(ui, name, columns, state, source, at, result);
  copy_cells(ui, name, columns.size(), state, source);
  // Something that keys can move to, so that the table can be entered without a mouse.
  ImGui::SetCursorScreenPos(at.begin);
  ImGui::InvisibleButton("keys", {1, 1});
  const bool entered = ImGui::IsWindowFocused();
  const bool by_keys = entered && ImGui::GetIO().NavVisible;
  ImGui::GetWindowDrawList()->AddRect(
      at.begin, at.end, ui.ink(by_keys ? ui.theme.accent : ui.theme.border), ui.px(6));
  ImGui::EndChild();
  ImGui::PopStyleVar(2);
  ImGui::PopStyleColor();
  // Keys come to the table, then into it, then to a row.
  const bool reached = !entered && ImGui::IsItemFocused();
  ui.describe_at(name, at.begin, at.end, std::to_string(source.rows) + " rows",
                 reached ? HasFocus::yes : HasFocus::no);
  const bool told = std::any_of(ui.described.begin(), ui.described.end(),
                                [](const DescribedItem& item) { return item.focused; });
  if (entered && !told) {
    ui.describe_at(std::string(name) + ".rows", {at.begin.x, at.body_top}, {at.end.x, at.body_end},
                   "", HasFocus::yes);
  }
  return result;
}

}  // namespace pinion::gui

// Ui: what every view draws with: the theme, the small controls that look alike everywhere, the
// glyphs that text needs, the commands that were asked for, and a description of what is on the
// screen.
//
// The description is for tests, and for tools that read a screen to people: each control that has a
// name is listed with its place and its text. It costs nothing while nobody wants it. UI thread.
#pragma once

#include <imgui.h>

#include "common/base/time.hpp"
#include "gui/model/commands.hpp"
#include "gui/model/format.hpp"
#include "gui/model/narrow_text.hpp"
#include "gui/views/theme.hpp"

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pinion::gui {

/// Characters outside Latin that were seen; the atlas gets them before the next frame.
class GlyphNeeds {
 public:
  /// An atlas must fit in a texture, whatever records hold; what is beyond shows as unknown.
  static constexpr std::size_t most = 6'000;

  void note(std::string_view text);
  /// True once after new ones were seen.
  [[nodiscard]] bool take_news() noexcept { return std::exchange(news_, false); }
  [[nodiscard]] bool has(std::size_t code) const { return seen_.test(code); }

 private:
  std::bitset<0x10000> seen_;
  std::size_t count_ = 0;
  bool news_ = false;
};

enum class ButtonKind : std::uint8_t { plain, primary, danger, quiet };
enum class Icon : std::uint8_t {
  cluster,
  produce,
  consume,
  browse,
  sql,
  add,
  close,
  sun,
  moon,
  refresh,
  search,
  copy,
  warning,
  star,
  star_filled
};

/// Keys are for it.
enum class HasFocus : bool { no, yes };

struct DescribedItem {
  std::string name;
  ImVec2 min;
  ImVec2 max;
  std::string text;
  bool in_sight = true;  ///< Not scrolled out of its window.
  bool focused = false;  ///< Keys are for it.
  bool cut = false;      ///< At the left or right of its window, which scrolls up and down only.
};

/// Where a view wants to lead; the application goes there after the frame.
struct Navigation {
  std::optional<Draft> draft{};             ///< Into the producer panel, to be edited.
  std::optional<BrowsePartition> browse{};  ///< Into the browse panel.
  std::optional<std::string> sql_topic{};   ///< Into the SQL panel.
};

class Ui {
 public:
  Theme theme;
  Fonts fonts;
  GlyphNeeds glyphs;
  NarrowText narrow;  ///< Between what is edited and Dear ImGui's fields and clipboard.
  float scale = 1.0F;
  Now now{};
  Commands commands;  ///< Of this frame.
  Navigation go;
  bool wants_frame = false;  ///< Something goes on: draw again at once.
  bool describes = false;
  std::vector<DescribedItem> described;
  bool first_focus = false;  ///< The next field takes the keyboard: its panel was just opened.
  bool has_dialog = false;   ///< A question waits: keys of the panels behind it are not theirs.

  [[nodiscard]] float px(float size) const { return size * scale; }
  /// What is drawn into a list of ImGui's by hand fades as its controls do: in what is disabled,
  /// and in what is stale.
  [[nodiscard]] static ImU32 ink(ImU32 colour) { return ImGui::GetColorU32(colour); }
  /// Around what is older than it should be.
  void begin_fade(bool fades);
  void end_fade();

  // ---- Room
  /// Beside the last item when `width` fits there, else on a line of its own.
  void beside(float width, float gap = -1);
  /// How high something below a table was in the last frame; the table gets the rest.
  [[nodiscard]] float kept_height(const std::string& name, float otherwise) const;
  void keep_height(const std::string& name, float height);

  // ---- Text
  void text(std::string_view text, Tone tone = Tone::normal);
  void strong(std::string_view text, Tone tone = Tone::normal);
  void title(std::string_view text);
  /// As strong(), on one line: what does not fit ends in an ellipsis and is whole on hover.
  /// `spared`: what comes behind it on the line.
  void strong_fitted(std::string_view text, float spared = 0);
  void mono(std::string_view text, Tone tone = Tone::normal);
  /// Wrapped at the region's right edge.
  void paragraph(std::string_view text, Tone tone = Tone::muted);
  /// On one line, of a width: what does not fit ends in an ellipsis and is whole on hover.
  void text_fitted(std::string_view text, float width, Tone tone = Tone::normal);
  /// Beside a field, in the middle of its height.
  void label(std::string_view text);

  // ---- Controls. `name` is stable and unique; it is what the description calls them.
  bool button(const char* name, std::string_view text, ButtonKind kind = ButtonKind::plain,
              float width = 0);
  bool icon_button(const char* name, Icon icon, const char* tooltip);
  /// The width of a button with that text.
  [[nodiscard]] float button_width(std::string_view text) const;
  [[nodiscard]] float choice_width(const std::vector<std::string>& options) const;
  /// One of several. True when it changed.
  bool choice(const char* name, const std::vector<std::string>& options, int& chosen);
  bool input(const char* name, std::string& value, const char* hint, float width,
             ImGuiInputTextFlags flags = 0);
  bool editor(const char* name, std::string& value, ImVec2 size, ImGuiInputTextFlags flags = 0);
  /// Into the clipboard. Text only.
  void copy(std::string_view text);
  /// A list to choose from; `value` may be something that is not in it.
  bool combo(const char* name, std::string& value, const std::vector<std::string>& options,
             const char* hint, float width);
  bool checkbox(const char* name, const char* text, bool& value);
  void chip(std::string_view text, Tone tone);
  void dot(Tone tone);
  /// Remembered between frames by the caller as a share of `total`. Vertical: it moves left and
  /// right.
  void splitter_vertical(const char* name, float& share, float total, float height);

  // ---- Surfaces
  void begin_card(const char* name, ImVec2 size, std::string_view heading = {},
                  ImGuiWindowFlags flags = 0);
  void end_card();
  /// A question in the middle of the window that everything else waits for. `width` at scale 1.
  bool begin_dialog(const char* id, float width);
  void end_dialog();
  void begin_pane(const char* name, ImVec2 size);  ///< No padding, no border.
  void end_pane();
  /// In the middle of what room there is: what this is and what to do next.
  void empty_state(std::string_view heading, std::string_view text);
  /// A line with a tone, for a result or a problem where the action was taken.
  void notice(const char* name, std::string_view text, Tone tone);
  /// One that can be put away. True: it was.
  bool passing_notice(const char* name, std::string_view text, Tone tone);
  void tooltip(std::string_view text);
  void draw_icon(ImDrawList* list, Icon icon, ImVec2 centre, float size, ImU32 colour) const;

  /// The last item is called this, and says that.
  void describe(std::string_view name, std::string_view text = {});
  void describe_at(std::string_view name, ImVec2 min, ImVec2 max, std::string_view text,
                   HasFocus focus = HasFocus::no);

  [[nodiscard]] static bool enter_pressed();
  [[nodiscard]] static bool escape_pressed();
  /// Enter in a dialog or popup, where no button has the keyboard: what its first button does.
  [[nodiscard]] bool enter_confirms() const;
  // Of panels: while a question waits these are nobody's.
  [[nodiscard]] bool ctrl_enter_pressed() const;
  /// Ctrl and a letter, once.
  [[nodiscard]] bool ctrl_pressed(char letter) const;
  /// The item drawn last, when keys have reached it: a line around it, and Enter presses it as
  /// Space does. True: it was pressed by Enter.
  bool keyed(ImVec2 low, ImVec2 high, float rounding);
  /// Between frames.
  void begin_frame();

 private:
  void take_first_focus();
  void note_typing(const char* name);
  void notice_within(const char* name, std::string_view text, Tone tone, float width);

  bool had_dialog_ = false;
  bool enter_is_taken_ = false;
  std::vector<bool> fades_;
  std::string refocus_;  ///< The editor that Ctrl+Enter has just taken the keyboard from.
  std::map<std::string, float> heights_;
};

}  // namespace pinion::gui

// What one frame is given of what a person did. Before 1.87 Dear ImGui sees only the state at the
// frame's start: a key that goes down and up between two frames is not seen at all, and characters
// typed before a Ctrl count as typed with it. So on a slow machine events that must be seen apart
// get frames apart.
#pragma once

#include <cmath>
#include <cstdint>

namespace pinion::gui {

struct InputEvent {
  enum class Kind : std::uint8_t { key, character, button };
  Kind kind = Kind::key;
  int code = 0;
  int scancode = 0;
  int action = 0;
  int mods = 0;
  bool release = false;
  bool command = false;  ///< A key that does something, in contrast to one that only types.
  double x = 0;          ///< Of a button: where the mouse was.
  double y = 0;
};

/// What frames were given since the start, for who must know that all that was done has come.
struct InputCounts {
  std::uint64_t clicks = 0;  ///< Buttons that went up.
  std::uint64_t keys = 0;    ///< Keys that went up.
  std::uint64_t characters = 0;
};

struct FrameInput {
  bool characters = false;
  bool commands = false;
  bool commands_down = false;
  bool buttons = false;
  bool pressed = false;
  bool released = false;
  double x = 0;  ///< Of the last button: a frame has one place of the mouse.
  double y = 0;

  [[nodiscard]] bool conflicts_with(const InputEvent& event) const noexcept {
    switch (event.kind) {
      case InputEvent::Kind::character:
        return commands || buttons;
      case InputEvent::Kind::button:
        // A second click needs a frame of its own, and so does the end of a drag.
        if (!event.release) return characters || commands || buttons;
        return buttons && (std::fabs(event.x - x) > 0.5 || std::fabs(event.y - y) > 0.5);
      case InputEvent::Kind::key:
        break;
    }
    if (!event.command) return buttons;
    return characters || buttons || (event.release && commands_down);
  }
  void note(const InputEvent& event) noexcept {
    characters = characters || event.kind == InputEvent::Kind::character;
    // Also that it went up: Esc in the same frame would take the click back.
    if (event.kind == InputEvent::Kind::button) {
      buttons = true;
      pressed = pressed || !event.release;
      released = released || event.release;
      x = event.x;
      y = event.y;
    }
    commands = commands || event.command;
    commands_down = commands_down || (event.command && !event.release);
  }
  /// As the next frame begins. A button that went down and up in this one is seen to go up only in
  /// the next: Esc there would take the click back, and a second press would make one click of two.
  [[nodiscard]] FrameInput next() const noexcept {
    FrameInput following;
    if (!pressed || !released) return following;
    following.buttons = true;
    following.x = x;
    following.y = y;
    return following;
  }
};

}  // namespace pinion::gui

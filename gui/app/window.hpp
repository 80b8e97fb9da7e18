// Window: GLFW and OpenGL 3 under Dear ImGui. One thread, the program's first; only wake() may be
// called from others.
#pragma once

#include "common/base/result.hpp"
#include "common/base/time.hpp"
#include "gui/app/frame_input.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace pinion::gui {

struct WindowOptions {
  int width = 1440;
  int height = 900;
  bool visible = true;
  /// What a character from the keyboard becomes before Dear ImGui gets it.
  std::function<std::uint32_t(std::uint32_t)> on_character{};
};

class Window {
 public:
  /// io_failed: there is no display, or no OpenGL 3.
  [[nodiscard]] static Result<std::unique_ptr<Window>> open(const WindowOptions& options);
  ~Window();
  Window(const Window&) = delete;
  Window& operator=(const Window&) = delete;

  [[nodiscard]] bool should_close() const;
  [[nodiscard]] bool minimised() const;
  [[nodiscard]] float content_scale() const;
  /// True once after the window came to a display of another scale.
  [[nodiscard]] bool take_scale_change();
  /// What a person may make it at the least, as far as the display has that.
  void set_smallest(int width, int height);
  void size(int& width, int& height) const;
  void resize(int width, int height);
  /// Out of sight at once, for good.
  void hide();

  /// Sleeps until there is input, wake() was called, or the time is over. True: there was input.
  bool wait(Micros timeout);
  static void wake();
  /// What came while nothing is drawn: keys and buttons that were let go are, and the rest is gone.
  void drop_input();
  [[nodiscard]] InputCounts input_counts() const;
  /// As frames were told.
  [[nodiscard]] bool holds_keys() const;

  void begin_frame();
  /// Draws what ImGui made. `rgb` is the ground's colour.
  void end_frame(std::uint32_t rgb);
  void remake_font_texture();
  /// Rows from top to bottom, three bytes a pixel.
  [[nodiscard]] std::vector<unsigned char> pixels(int& width, int& height) const;

 private:
  struct Inside;
  explicit Window(std::unique_ptr<Inside> inside);
  std::unique_ptr<Inside> inside_;
};

}  // namespace pinion::gui

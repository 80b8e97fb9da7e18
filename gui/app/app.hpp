// App: window, fonts and shell joined to a program: the loop, the settings file, the description of
// the screen, the screenshots and the measurements.
#pragma once

#include "common/base/result.hpp"
#include "gui/app/closing_signals.hpp"
#include "gui/app/fonts.hpp"
#include "gui/app/options.hpp"
#include "gui/app/shell.hpp"
#include "gui/app/window.hpp"
#include "gui/feed/settings_file.hpp"
#include "gui/views/ui.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace pinion::gui {

[[nodiscard]] Now read_clocks();

/// Where settings are kept: $XDG_CONFIG_HOME/pinion/dashboard.conf or ~/.config/...
[[nodiscard]] std::string default_settings_file();

class App {
 public:
  /// `started`: when the program was, in monotonic time.
  [[nodiscard]] static Result<std::unique_ptr<App>> open(const Options& options, Micros started);
  /// As close().
  ~App();
  App(const App&) = delete;
  App& operator=(const App&) = delete;

  /// Until the window is closed, or `signals` close it.
  void run(const ClosingSignals& signals);
  /// Keeps what is to be kept, which may take a disk's time; the window is out of sight meanwhile.
  /// False: something could not be kept, as was said on stderr. The last call.
  bool close();
  /// One frame, at once.
  struct FrameTimes {
    Micros program{0};  ///< Building the frame, by the clock on the wall.
    Micros thread{0};  ///< The same in processor time of this thread: what others wanted is not in.
    Micros drawing{0};  ///< OpenGL, here perhaps in software.
  };
  FrameTimes frame();

  [[nodiscard]] Shell& shell() noexcept { return *shell_; }
  [[nodiscard]] Window& window() noexcept { return *window_; }
  [[nodiscard]] Ui& ui() noexcept { return ui_; }
  void set_dark(bool dark);
  void set_scale(float scale);
  /// For pictures: time stands still at `now`, and no mouse is over anything.
  void freeze(const Now& now) { frozen_ = now; }
  /// Since the start until the first frame was on the screen.
  [[nodiscard]] Micros start_time() const noexcept { return start_time_; }

 private:
  App() = default;
  void apply_style();
  void follow_scale();
  void describe();
  [[nodiscard]] bool at_rest() const;
  void keep_settings(Micros now);
  [[nodiscard]] Settings to_remember() const;
  [[nodiscard]] Micros sleep_for() const;
  [[nodiscard]] Micros sleep_minimised_for() const;

  Options options_;
  Settings found_;  ///< As they were before the options, without the records.
  std::unique_ptr<SettingsFile> settings_file_;  ///< Always there; it may have no path.
  Micros save_at_ = never;
  Micros compare_at_{0};  ///< When settings are compared with what is saved.
  Micros started_{0};
  Micros start_time_{0};
  std::unique_ptr<Window> window_;
  FontLoader fonts_;
  Ui ui_;
  float scale_ = 1;
  float smallest_at_ = 0;  ///< The scale that the smallest size was set for.
  bool style_dirty_ = true;
  int settle_ = 3;  ///< Frames to draw before sleeping.
  std::uint64_t frames_ = 0;
  std::uint64_t described_frames_ = 0;
  std::string described_;
  std::optional<Now> frozen_;
  std::unique_ptr<Shell> shell_;
  std::vector<std::thread> retiring_;
};

/// 0, or 1 when a picture could not be written.
[[nodiscard]] int write_screenshots(App& app, const std::string& folder);
[[nodiscard]] int measure(App& app);

}  // namespace pinion::gui

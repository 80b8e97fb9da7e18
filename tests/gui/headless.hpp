// The dashboard without a window: frames at any size, a mouse and a keyboard that tests move, and
// what is on the screen by name.
#pragma once

#include "gui/app/fonts.hpp"
#include "gui/app/scenes.hpp"
#include "gui/app/shell.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pinion::test {

/// Shows what a test sets, and keeps what was asked for.
class PlayedSource final : public gui::SnapshotSource {
 public:
  struct Stage {
    std::shared_ptr<const gui::Snapshot> snapshot;
    gui::Commands commands;
  };
  explicit PlayedSource(std::shared_ptr<Stage> stage) : stage_(std::move(stage)) {}
  [[nodiscard]] std::shared_ptr<const gui::Snapshot> snapshot() override {
    return stage_->snapshot;
  }
  [[nodiscard]] bool post(gui::Command command) override {
    stage_->commands.push_back(std::move(command));
    return true;
  }

 private:
  std::shared_ptr<Stage> stage_;
};

class Headless {
 public:
  explicit Headless(std::shared_ptr<const gui::Snapshot> snapshot, float width = 1440,
                    float height = 900, float scale = 1, bool dark = true);
  ~Headless();
  Headless(const Headless&) = delete;
  Headless& operator=(const Headless&) = delete;

  void frame();
  void frames(int count) {
    for (int i = 0; i < count; ++i) frame();
  }
  void set_size(float width, float height);
  void show(std::shared_ptr<const gui::Snapshot> snapshot) {
    stage_->snapshot = std::move(snapshot);
  }
  void show(gui::Panel panel) { shell_->show(panel); }
  void pass(Micros time) { ahead_ += time; }

  void move(float x, float y);
  void press(bool down, int button = 0);
  void wheel(float lines);
  void type(const std::string& text);
  void key(ImGuiKey key, bool ctrl = false);
  /// Down until it is told otherwise, over any number of frames.
  void hold(ImGuiKey key, bool down);
  /// A letter or digit with Ctrl or Alt.
  enum class With : std::uint8_t { ctrl, alt };
  void chord(With with, char letter);

  /// Clicks in the middle of a control. False: it is not on the screen.
  bool click(const std::string& name);
  [[nodiscard]] const gui::DescribedItem* find(const std::string& name) const;
  [[nodiscard]] std::string text_of(const std::string& name) const;
  [[nodiscard]] const std::vector<gui::DescribedItem>& described() const { return ui_.described; }
  /// The name of what keys are for.
  [[nodiscard]] std::string focused() const;

  /// The least transparent corner of what was drawn into windows whose name has that in it;
  /// nothing when nothing was.
  [[nodiscard]] static std::optional<unsigned> boldest(const std::string& window);

  [[nodiscard]] gui::Shell& shell() { return *shell_; }
  [[nodiscard]] gui::Shell::Tab& tab() { return *shell_->front(); }
  [[nodiscard]] gui::Ui& ui() { return ui_; }
  /// Of one kind, and forgets them all.
  template <typename Kind>
  [[nodiscard]] std::optional<Kind> taken() {
    for (const gui::Command& command : stage_->commands) {
      if (const auto* kind = std::get_if<Kind>(&command)) {
        const Kind out = *kind;
        stage_->commands.clear();
        return out;
      }
    }
    stage_->commands.clear();
    return std::nullopt;
  }
  [[nodiscard]] std::size_t commands() const { return stage_->commands.size(); }

 private:
  std::shared_ptr<PlayedSource::Stage> stage_ = std::make_shared<PlayedSource::Stage>();
  gui::FontLoader fonts_;
  gui::Ui ui_;
  std::unique_ptr<gui::Shell> shell_;
  float scale_;
  Micros ahead_{0};
};

/// The same two points in time for everything, so that pictures do not depend on when they are
/// made.
[[nodiscard]] Now scene_time();

}  // namespace pinion::test

// A display in memory (Xvfb, with OpenGL in software) and the dashboard in a window on it: what it
// shows is read from its own description of the screen, and it is driven by the X server's key and
// mouse events (xdotool), as a person's hands would.
#pragma once

#include "tests/support/test_process.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pinion::test {

class Screen {
 public:
  /// Needs Xvfb and xdotool; where they are missing the tests are not run at all (window.sh).
  Screen();

  [[nodiscard]] const std::string& display() const noexcept { return display_; }
  /// xdotool with these arguments.
  void act(std::vector<std::string> arguments) const;
  /// The dashboard's window, as xdotool names it; empty: none is to be seen.
  [[nodiscard]] std::string window() const;
  /// As a window manager does with a window that a person minimised; there is none here.
  void minimise() const;

 private:
  std::unique_ptr<TestProcess> server_;
  std::string display_;
};

class Dashboard {
 public:
  struct Item {
    std::string name;
    int left = 0;
    int top = 0;
    int right = 0;
    int bottom = 0;
    std::string text;
  };

  /// What it has taken in of keys and mouse, as it says.
  struct Input {
    std::uint64_t clicks = 0;
    std::uint64_t keys = 0;
    std::uint64_t characters = 0;
    bool at_rest = false;
  };

  /// `under`: a program and its arguments that starts it.
  Dashboard(const Screen& screen, const TemporaryFolder& folder,
            const std::vector<std::string>& arguments = {},
            const std::vector<std::string>& under = {});

  /// On the screen now.
  [[nodiscard]] std::optional<Item> find(const std::string& name) const;
  [[nodiscard]] std::string text_of(const std::string& name) const;
  /// Until the named thing is there and says what is wanted; fails with the whole screen otherwise.
  void await(const std::string& name, const std::function<bool(const std::string&)>& holds = {},
             Micros limit = 15s);
  void await_text(const std::string& name, const std::string& part, Micros limit = 15s);

  /// Until the named thing is no longer there: a list that was closed.
  void await_gone(const std::string& name, Micros limit = 15s);

  /// Each of these waits until what was done before has come to rest on the screen, and until it
  /// has itself: frames may take longer than a hand does.
  void click(const std::string& name);
  void type(const std::string& text);
  void key(const std::string& key);
  /// How long its threads have run on a processor.
  [[nodiscard]] Micros processor_time() const;
  /// Replaces what a field holds.
  void fill(const std::string& name, const std::string& text);

  [[nodiscard]] TestProcess& process() { return process_; }
  [[nodiscard]] std::string screen_text() const { return read_file(description_); }

 private:
  [[nodiscard]] Input input() const;
  [[nodiscard]] Input await_rest() const;
  void await_input(const std::function<bool(const Input&)>& holds) const;

  const Screen* screen_;
  std::string description_;
  TestProcess process_;
};

}  // namespace pinion::test

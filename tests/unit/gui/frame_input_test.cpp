#include <catch2/catch.hpp>

#include "gui/app/frame_input.hpp"

#include <cstddef>
#include <vector>

using namespace pinion::gui;

namespace {

InputEvent button(bool release, double x) {
  InputEvent event;
  event.kind = InputEvent::Kind::button;
  event.release = release;
  event.x = x;
  return event;
}

InputEvent escape() {
  InputEvent event;
  event.command = true;
  return event;
}

/// How many events each frame is given.
std::vector<std::size_t> frames_of(const std::vector<InputEvent>& events) {
  std::vector<std::size_t> counts;
  FrameInput frame;
  for (std::size_t at = 0; at < events.size();) {
    frame = frame.next();
    counts.push_back(0);
    for (; at < events.size() && !frame.conflicts_with(events[at]); ++at) {
      frame.note(events[at]);
      ++counts.back();
    }
  }
  return counts;
}

}  // namespace

TEST_CASE("input: each click of a slow frame is one", "[gui]") {
  const auto twice = frames_of({button(false, 5), button(true, 5), button(false, 5)});
  CHECK(twice == std::vector<std::size_t>{2, 0, 1});
}

TEST_CASE("input: a key right behind a click does not take it back", "[gui]") {
  const auto left = frames_of({button(false, 5), button(true, 5), escape()});
  CHECK(left == std::vector<std::size_t>{2, 0, 1});
  const auto slowly = frames_of({button(false, 5), button(true, 90), escape()});
  CHECK(slowly == std::vector<std::size_t>{1, 1, 1});
}

TEST_CASE("input: what is dragged begins where the button went down", "[gui]") {
  const auto dragged = frames_of({button(false, 5), button(true, 90)});
  CHECK(dragged == std::vector<std::size_t>{1, 1});
}

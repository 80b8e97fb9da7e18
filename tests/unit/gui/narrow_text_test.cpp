#include <catch2/catch.hpp>

#include "gui/model/narrow_text.hpp"

#include <string>

using namespace pinion::gui;

TEST_CASE("narrow text: every character comes back, and fits in 16 bits between", "[gui]") {
  NarrowText text;
  const std::string wide =
      "a\u00e9\u7530 \U0001F389 \U0001F600\U0001F389 \U00020021 \uE000\uF8FF\uFFFD end";
  REQUIRE(NarrowText::is_wide(wide));
  const std::string narrow = text.narrow(wide);
  for (const char c : narrow) CHECK(static_cast<unsigned char>(c) < 0xF0);  // No four bytes.
  CHECK(text.widen(narrow) == wide);
  CHECK(text.narrow(wide) == narrow);  // The same ones get the same slots.
  CHECK(text.widen(narrow.substr(0, 6) + "typed") == wide.substr(0, 6) + "typed");
}

TEST_CASE("narrow text: plain text is left as it is", "[gui]") {
  NarrowText text;
  CHECK_FALSE(NarrowText::is_wide("plain \u00e9 \u7530\u4e2d"));
  CHECK(text.narrow("plain \u7530") == "plain \u7530");
  CHECK(text.narrow(0x7530U) == 0x7530U);
}

TEST_CASE("narrow text: a character from the keyboard is the one that a paste has", "[gui]") {
  NarrowText text;
  const std::uint32_t code = text.narrow(0x1F600U);
  CHECK(code < 0x10000U);
  CHECK(text.widen(text.narrow("\U0001F600")) == "\U0001F600");
  CHECK(text.narrow(0x1F600U) == code);
}

TEST_CASE("narrow text: slots end, and that is told", "[gui]") {
  NarrowText text;
  for (std::uint32_t code = 0x10000; text.has_room(); ++code) CHECK(text.narrow(code) < 0x10000U);
  CHECK(text.narrow(0x10FFFFU) == 0xFFFDU);
  CHECK(text.widen(text.narrow("\U00010000")) == "\U00010000");
}

TEST_CASE("narrow text: what no editor may touch", "[gui]") {
  CHECK(is_editable("text \U0001F600"));
  CHECK_FALSE(is_editable(std::string("a\0b", 3)));
  CHECK_FALSE(is_editable("\xff"));
}

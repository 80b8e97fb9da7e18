#include <catch2/catch.hpp>

#include "gui/views/theme.hpp"
#include "gui/views/ui.hpp"
#include "gui/views/connect_view.hpp"

#include <cstddef>
#include <string>

using namespace pinion;
using namespace pinion::gui;

TEST_CASE("theme: text stands out from its ground by 4.5 to 1 at least", "[gui]") {
  for (const Theme& theme : {dark_theme(), light_theme()}) {
    for (const ImU32 ground : {theme.ground, theme.surface, theme.raised, theme.selected}) {
      CHECK(contrast(theme.text, ground) >= 4.5);
      CHECK(contrast(theme.muted, ground) >= 4.5);
      CHECK(contrast(theme.accent, ground) >= 4.5);
      CHECK(contrast(theme.good, ground) >= 4.5);
      CHECK(contrast(theme.warning, ground) >= 4.5);
      CHECK(contrast(theme.bad, ground) >= 4.5);
    }
    CHECK(contrast(theme.on_accent, theme.accent) >= 4.5);
    CHECK(contrast(theme.on_accent, theme.accent_hovered) >= 4.5);
    CHECK(contrast(theme.on_bad, theme.bad) >= 4.5);
    for (const ImU32 line : theme.series) CHECK(contrast(line, theme.surface) >= 3.0);
  }
}

TEST_CASE("glyphs: characters beyond Latin are noted once", "[gui]") {
  GlyphNeeds needs;
  needs.note("plain, na\u00efve");
  CHECK_FALSE(needs.take_news());
  needs.note("\u65e5\u672c \u0411");
  CHECK(needs.take_news());
  CHECK(needs.has(0x65e5));
  CHECK(needs.has(0x411));
  needs.note("\u65e5");
  CHECK_FALSE(needs.take_news());
  needs.note("\xe6\x97");  // Cut in the middle.
  needs.note("\xff\xff\xff\xf0");
}

TEST_CASE("addresses: written as people write them", "[gui]") {
  CHECK(full_address("localhost") == "tcp://localhost:5550");
  CHECK(full_address(" host:6000/ ") == "tcp://host:6000");
  CHECK(full_address("tcp://a:1") == "tcp://a:1");
  CHECK(full_address("  ").empty());
}

TEST_CASE("fonts: however many characters are seen, an atlas of them is bounded", "[gui]") {
  GlyphNeeds needs;
  std::string text;
  for (unsigned code = 0x3000; code < 0xd800; ++code) {
    text = {static_cast<char>(0xe0U | (code >> 12U)),
            static_cast<char>(0x80U | ((code >> 6U) & 0x3fU)),
            static_cast<char>(0x80U | (code & 0x3fU))};
    needs.note(text);
  }
  std::size_t wanted = 0;
  for (std::size_t code = 0; code < 0x10000; ++code) wanted += needs.has(code) ? 1U : 0U;
  CHECK(wanted == GlyphNeeds::most);
  CHECK(needs.has(0x3000));
}

#include <catch2/catch.hpp>

#include "gui/model/payload.hpp"

#include <string>

using namespace pinion::gui;

TEST_CASE("payload: JSON, text and bytes are told apart", "[gui]") {
  CHECK(kind_of("") == PayloadKind::empty);
  CHECK(kind_of("{\"a\": 1}") == PayloadKind::json);
  CHECK(kind_of("hello\nworld") == PayloadKind::text);
  CHECK(kind_of("\u65e5\u672c") == PayloadKind::text);
  CHECK(kind_of(std::string("a\0b", 3)) == PayloadKind::binary);
  CHECK(kind_of("\xff\xfe") == PayloadKind::binary);
}

TEST_CASE("payload: a preview is one line and looks no further than it must", "[gui]") {
  std::string out;
  append_preview(out, "a\nb\tc\x01\xff", 100);
  CHECK(out == "a b c\u00b7\u00b7");
  out.clear();
  append_preview(out, std::string(1'000, 'x'), 5);
  CHECK(out == "xxxxx\u2026");
  out.clear();
  append_preview(out, "\u65e5\u672c\u8a9e", 4);
  CHECK(out == "\u65e5\u672c\u2026");
}

TEST_CASE("payload: hexadecimal rows have sixteen bytes and their text", "[gui]") {
  const std::string bytes = std::string("0123456789abcdef") + "Z\n";
  CHECK(hex_row_count(bytes.size()) == 2);
  CHECK(hex_row_count(0) == 0);
  CHECK(hex_row(bytes, 0) ==
        "00000000  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  0123456789abcdef");
  CHECK(hex_row(bytes, 1).substr(0, 16) == "00000010  5a 0a ");
  CHECK(hex_row(bytes, 1).ends_with("Z."));
}

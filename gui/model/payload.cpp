#include "gui/model/payload.hpp"

#include "common/base/text.hpp"
#include "gui/model/json.hpp"

#include <algorithm>

namespace pinion::gui {
namespace {

bool is_control(char c) {
  const auto code = static_cast<unsigned char>(c);
  return (code < 0x20 && c != '\t' && c != '\n' && c != '\r') || code == 0x7f;
}

char hex_digit(unsigned value) { return "0123456789abcdef"[value & 0xf]; }

/// How many bytes the UTF-8 character at the front takes; 0 when there is none.
std::size_t character_bytes(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t size = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (size > text.size() || !is_utf8(text.substr(0, size))) return 0;
  return size;
}

}  // namespace

PayloadKind kind_of(std::string_view bytes) {
  if (bytes.empty()) return PayloadKind::empty;
  if (!is_utf8(bytes) || std::any_of(bytes.begin(), bytes.end(), is_control)) {
    return PayloadKind::binary;
  }
  return looks_like_json(bytes) ? PayloadKind::json : PayloadKind::text;
}

std::string_view name_of(PayloadKind kind) {
  switch (kind) {
    case PayloadKind::empty:
      return "empty";
    case PayloadKind::json:
      return "JSON";
    case PayloadKind::text:
      return "text";
    case PayloadKind::binary:
      return "bytes";
  }
  return "";
}

void append_preview(std::string& out, std::string_view bytes, std::size_t bytes_max) {
  const std::size_t begin = out.size();
  while (!bytes.empty()) {
    if (out.size() - begin >= bytes_max) {
      out += "\u2026";
      return;
    }
    const char c = bytes.front();
    const auto code = static_cast<unsigned char>(c);
    if (code >= 0x20 && code < 0x7f) {
      out.push_back(c);
      bytes.remove_prefix(1);
      continue;
    }
    if (c == '\n' || c == '\r' || c == '\t') {
      out.push_back(' ');
      bytes.remove_prefix(1);
      continue;
    }
    const std::size_t size = code < 0x80 ? 0 : character_bytes(bytes);
    if (size == 0) {
      out += "\u00b7";
      bytes.remove_prefix(1);
      continue;
    }
    out += bytes.substr(0, size);
    bytes.remove_prefix(size);
  }
}

std::size_t hex_row_count(std::size_t bytes) { return (bytes + hex_row_bytes - 1) / hex_row_bytes; }

std::string hex_row(std::string_view bytes, std::size_t row) {
  const std::size_t begin = std::min(bytes.size(), row * hex_row_bytes);
  const std::string_view part = bytes.substr(begin, hex_row_bytes);
  std::string out;
  for (int shift = 28; shift >= 0; shift -= 4) {
    out.push_back(hex_digit(static_cast<unsigned>(begin >> shift)));
  }
  out += "  ";
  for (std::size_t i = 0; i < hex_row_bytes; ++i) {
    if (i == hex_row_bytes / 2) out.push_back(' ');
    if (i < part.size()) {
      const auto byte = static_cast<unsigned char>(part[i]);
      out.push_back(hex_digit(byte >> 4U));
      out.push_back(hex_digit(byte));
      out.push_back(' ');
    } else {
      out += "   ";
    }
  }
  out += " ";
  for (const char c : part) out.push_back(c >= 0x20 && c < 0x7f ? c : '.');
  return out;
}

}  // namespace pinion::gui

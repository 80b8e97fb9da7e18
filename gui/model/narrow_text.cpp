#include "gui/model/narrow_text.hpp"

#include "common/base/text.hpp"

#include <algorithm>

namespace pinion::gui {
namespace {

constexpr std::uint32_t replacement = 0xFFFD;

/// Of well-formed UTF-8.
std::uint32_t take_code(std::string_view text, std::size_t& at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]) & 0x3FU; };
  const auto lead = static_cast<unsigned char>(text[at]);
  std::uint32_t code = lead;
  std::size_t size = 1;
  if (lead >= 0xF0) {
    code = ((lead & 0x07U) << 18U) | (byte(1) << 12U) | (byte(2) << 6U) | byte(3);
    size = 4;
  } else if (lead >= 0xE0) {
    code = ((lead & 0x0FU) << 12U) | (byte(1) << 6U) | byte(2);
    size = 3;
  } else if (lead >= 0xC0) {
    code = ((lead & 0x1FU) << 6U) | byte(1);
    size = 2;
  }
  at += size;
  return code;
}

void append_code(std::string& out, std::uint32_t code) {
  const auto put = [&](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code < 0x80) return put(code);
  if (code < 0x800) {
    put(0xC0U | (code >> 6U));
  } else if (code < 0x10000) {
    put(0xE0U | (code >> 12U));
    put(0x80U | ((code >> 6U) & 0x3FU));
  } else {
    put(0xF0U | (code >> 18U));
    put(0x80U | ((code >> 12U) & 0x3FU));
    put(0x80U | ((code >> 6U) & 0x3FU));
  }
  put(0x80U | (code & 0x3FU));
}

bool is_private(std::uint32_t code) { return code >= 0xE000 && code < 0xF900; }

}  // namespace

bool is_editable(std::string_view text) {
  return is_utf8(text) && text.find('\0') == std::string_view::npos;
}

bool NarrowText::is_wide(std::string_view text) {
  // Four bytes, or the lead of U+E000 and beyond: the latter may be more than private ones.
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) >= 0xEE; });
}

std::uint32_t NarrowText::narrow(std::uint32_t code) {
  if (code < 0x10000 && !is_private(code)) return code;
  const auto known = slot_of_.find(code);
  if (known != slot_of_.end()) return known->second;
  if (!has_room()) return replacement;
  const std::uint32_t slot = first + static_cast<std::uint32_t>(codes_.size());
  codes_.push_back(code);
  slot_of_.emplace(code, slot);
  return slot;
}

std::string NarrowText::narrow(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    if (static_cast<unsigned char>(text[at]) < 0xEE) {
      out.push_back(text[at++]);
    } else {
      append_code(out, narrow(take_code(text, at)));
    }
  }
  return out;
}

std::string NarrowText::widen(std::string_view text) const {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    if (static_cast<unsigned char>(text[at]) < 0xEE) {
      out.push_back(text[at++]);
      continue;
    }
    const std::uint32_t code = take_code(text, at);
    const bool is_slot = is_private(code) && code - first < codes_.size();
    append_code(out, is_slot ? codes_[code - first] : code);
  }
  return out;
}

}  // namespace pinion::gui

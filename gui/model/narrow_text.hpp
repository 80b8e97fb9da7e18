// NarrowText: text as an editor of 16-bit characters can hold it, and back. Dear ImGui's fields
// keep 16 bits a character; what is beyond (emoji, rare ideographs) would be lost as soon as
// somebody types beside it. Such characters stand in the field as private ones, each with a slot of
// its own, and are put back when the field is read. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace pinion::gui {

/// Whether an editor of text can hold it without harm: UTF-8 without NUL.
[[nodiscard]] bool is_editable(std::string_view text);

class NarrowText {
 public:
  /// Whether `text` has characters that narrow() would replace. Fast.
  [[nodiscard]] static bool is_wide(std::string_view text);
  /// Requires: is_editable(text). What finds no slot becomes U+FFFD.
  [[nodiscard]] std::string narrow(std::string_view text);
  [[nodiscard]] std::string widen(std::string_view text) const;
  /// Of one character, as it comes from the keyboard.
  [[nodiscard]] std::uint32_t narrow(std::uint32_t code);
  /// False: there may be characters that find no slot, and are lost when they are edited.
  [[nodiscard]] bool has_room() const noexcept { return codes_.size() < slots; }

 private:
  static constexpr std::uint32_t first = 0xE000;  ///< The private use area of the basic plane.
  static constexpr std::size_t slots = 0xF900 - first;
  std::vector<std::uint32_t> codes_;  ///< By slot.
  std::map<std::uint32_t, std::uint32_t> slot_of_;
};

}  // namespace pinion::gui

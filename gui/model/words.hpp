// Words for people: errors as sentences, without the names that programs know them by, and counted
// things in the singular where there is one. Pure.
#pragma once

#include "common/base/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace pinion::gui {

/// With a capital letter and a full stop, if it has none of the marks that end a sentence.
[[nodiscard]] std::string sentence(std::string_view text);
/// What happened, as a sentence: the detail, or what the code means where there is none.
[[nodiscard]] std::string words_of(const Error& error);
/// "1 client", "1,204 clients"
[[nodiscard]] std::string counted(std::uint64_t count, std::string_view one, std::string_view many);

}  // namespace pinion::gui

// What a decoded message must satisfy before any core sees it: every name legal, every number
// within limits.hpp, as many records frames as the body announces. Pure.
#pragma once

#include "common/base/result.hpp"
#include "common/proto/messages.hpp"

#include <string_view>

namespace pinion {

/// ok, or `invalid_argument` (or `malformed`, `record_too_large`) with a sentence that names the
/// field.
[[nodiscard]] Result<void> validate(const Message& message);

/// A topic's name: 1 to 200 of A-Z a-z 0-9 . _ - and neither "." nor "..".
[[nodiscard]] Result<void> validate_topic_name(std::string_view name);

/// A reader's name: "consumer:", "group:" or "id:" and at least one more character, valid UTF-8
/// without control characters; after "id:" a number of at least 1.
[[nodiscard]] Result<void> validate_reader(std::string_view reader);

}  // namespace pinion

// The head of an answer as it goes over the wire. Pure.
#pragma once

#include "gateway/core/http_message.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace pinion::gateway {

enum class After : std::uint8_t { keep_alive, close };

/// Status line and headers, with the empty line. `content_length` nothing: until the end of the
/// connection.
[[nodiscard]] std::string answer_head(const HttpAnswer& answer, std::string_view date, After after);
[[nodiscard]] std::string stream_head(std::string_view date);

}  // namespace pinion::gateway

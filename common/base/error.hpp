// Errors as values: a code from one closed table, and a sentence for a person.
//
// No exception crosses a module's boundary. Nothing is ever parsed out of `detail`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace pinion {

enum class Errc : std::uint16_t {
#define PINION_ERROR(name, number, retry, fate, text) name = number,
#include "common/base/error_codes.def"
#undef PINION_ERROR
};

/// What is certain about a request that was answered with a code.
enum class Fate : std::uint8_t { happened, did_not_happen, unknown };

[[nodiscard]] std::string_view name_of(Errc code) noexcept;
[[nodiscard]] std::string_view text_of(Errc code) noexcept;
[[nodiscard]] bool is_retriable(Errc code) noexcept;
[[nodiscard]] Fate fate_of(Errc code) noexcept;

/// The code of that number, or nothing when the table has none (a newer peer, or garbage).
[[nodiscard]] std::optional<Errc> errc_from_number(std::int64_t number) noexcept;

struct [[nodiscard]] Error {
  Errc code = Errc::ok;
  std::string detail;  ///< For people: what happened, to what, and what to do.

  /// "unknown_topic: topic 'orders' does not exist"
  [[nodiscard]] std::string to_string() const;
};

[[nodiscard]] inline Error fail(Errc code, std::string detail = {}) {
  return {code, std::move(detail)};
}

}  // namespace pinion

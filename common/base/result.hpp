// Result<T>: a value or an Error. The alias is the only place that names tl::expected, so that
// std::expected can take its place in one line when the compilers have it.
#pragma once

#include <tl/expected.hpp>

#include "common/base/error.hpp"

#include <string>
#include <utility>

namespace pinion {

template <typename T>
using Result = tl::expected<T, Error>;

/// `return failure(Errc::unknown_topic, "topic 'x' does not exist");`
[[nodiscard]] inline tl::unexpected<Error> failure(Errc code, std::string detail = {}) {
  return tl::unexpected<Error>(Error{code, std::move(detail)});
}
[[nodiscard]] inline tl::unexpected<Error> failure(Error error) {
  return tl::unexpected<Error>(std::move(error));
}

}  // namespace pinion

#define PINION_CONCAT_INNER(a, b) a##b
#define PINION_CONCAT(a, b) PINION_CONCAT_INNER(a, b)

/// PINION_TRY(value, expression): evaluates a Result, returns its error or names its value.
#define PINION_TRY(value, ...)                                                     \
  auto PINION_CONCAT(result_, __LINE__) = (__VA_ARGS__);                           \
  if (!PINION_CONCAT(result_, __LINE__)) {                                         \
    return ::pinion::failure(std::move(PINION_CONCAT(result_, __LINE__)).error()); \
  }                                                                                \
  auto value = std::move(*PINION_CONCAT(result_, __LINE__))

/// PINION_CHECK(expression): evaluates a Result<void> and returns its error.
#define PINION_CHECK(...)                                        \
  do {                                                           \
    if (auto result_check = (__VA_ARGS__); !result_check) {      \
      return ::pinion::failure(std::move(result_check).error()); \
    }                                                            \
  } while (false)

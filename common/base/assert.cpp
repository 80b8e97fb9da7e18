#include "common/base/assert.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

namespace pinion {
namespace {

std::array<char, 128> context{};

}  // namespace

void set_assert_context(std::string_view text) noexcept {
  const std::size_t size = std::min(text.size(), context.size() - 1);
  std::copy_n(text.begin(), size, context.begin());
  context[size] = '\0';
}

void fatal(FatalReason reason, std::string_view what) noexcept {
  std::fprintf(stderr, "pinion: fatal: %.*s\n", static_cast<int>(what.size()), what.data());
  std::fflush(stderr);
  std::_Exit(static_cast<int>(reason));
}

void assertion_failed(const char* condition, const char* file, int line) noexcept {
  std::fprintf(stderr, "pinion: assertion failed: %s at %s:%d %s\n", condition, file, line,
               context.data());
  std::fflush(stderr);
  std::abort();
}

}  // namespace pinion

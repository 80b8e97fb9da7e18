#include "tests/sim/trace.hpp"

#include <cstdarg>
#include <cstdio>

namespace pinion::sim {

namespace {

/// Declared as what it is, so that whoever calls it with a format of his own is checked.
__attribute__((format(printf, 2, 0))) std::string_view format_into(char (&buffer)[512],
                                                                   const char* format,
                                                                   std::va_list arguments) {
  const int size = std::vsnprintf(buffer, sizeof buffer, format, arguments);
  if (size < 0) return {};
  return {buffer, std::min<std::size_t>(static_cast<std::size_t>(size), sizeof buffer - 1)};
}

}  // namespace

void Trace::brief(const char* actor, const char* format, ...) {
  char buffer[512];
  std::va_list arguments;
  va_start(arguments, format);
  const std::string_view text = format_into(buffer, format, arguments);
  va_end(arguments);
  take(actor, text, level_ >= TraceLevel::brief);
}

void Trace::full(const char* actor, const char* format, ...) {
  char buffer[512];
  std::va_list arguments;
  va_start(arguments, format);
  const std::string_view text = format_into(buffer, format, arguments);
  va_end(arguments);
  take(actor, text, level_ >= TraceLevel::full);
}

void Trace::take(const char* actor, std::string_view text, bool print) {
  const auto mix = [this](std::uint64_t value) { hash_ = (hash_ ^ value) * 1099511628211ULL; };
  mix(static_cast<std::uint64_t>(scheduler_.now().count()));
  for (const char* at = actor; *at != '\0'; ++at) mix(static_cast<unsigned char>(*at));
  for (const char c : text) mix(static_cast<unsigned char>(c));
  if (!print) return;
  std::printf("%8llu %10.3f  %-10s %.*s\n", static_cast<unsigned long long>(scheduler_.steps()),
              static_cast<double>(scheduler_.now().count()) / 1000.0, actor,
              static_cast<int>(text.size()), text.data());
}

}  // namespace pinion::sim

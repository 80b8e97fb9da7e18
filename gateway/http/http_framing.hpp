// Where a request begins and ends, beside what Beast makes of it. Inside gateway/http only. Pure.
#pragma once

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/field.hpp>

#include <iterator>
#include <string_view>

namespace pinion::gateway {

/// Beast's strings are Boost's.
template <typename Text>
[[nodiscard]] std::string_view text_of(const Text& text) {
  return {text.data(), text.size()};
}

/// With another encoding, or several, where the request ends is anybody's guess: and what stands
/// behind it would be taken for the next one.
template <typename Head>
[[nodiscard]] bool has_known_framing(const Head& head) {
  const auto given = head.equal_range(boost::beast::http::field::transfer_encoding);
  if (given.first == given.second) return true;
  return std::next(given.first) == given.second && head.version() >= 11 &&
         boost::beast::iequals(given.first->value(), "chunked");
}

[[nodiscard]] inline std::string_view text_in(const boost::beast::flat_buffer& buffer) {
  const auto bytes = buffer.data();
  return {static_cast<const char*>(bytes.data()), bytes.size()};
}

/// Some clients send an empty line behind a body; RFC 9112 has it ignored in front of a request.
inline void skip_empty_lines(boost::beast::flat_buffer& buffer) {
  while (text_in(buffer).substr(0, 2) == "\r\n") buffer.consume(2);
}

/// Whether what is there is a request's beginning; half of an empty line is none yet.
[[nodiscard]] inline bool has_begun(const boost::beast::flat_buffer& buffer) {
  return buffer.size() > 0 && text_in(buffer) != "\r";
}

}  // namespace pinion::gateway

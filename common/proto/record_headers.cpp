#include "common/proto/record_headers.hpp"

#include "common/base/limits.hpp"
#include "common/base/text.hpp"

#include <cstdint>

namespace pinion {
namespace {

void append_utf8(std::string& out, std::uint32_t code) {
  const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6);
    put(0x80 | (code & 63));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 63));
    put(0x80 | (code & 63));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 63));
    put(0x80 | (code >> 6 & 63));
    put(0x80 | (code & 63));
  }
}

/// Reads the grammar of record_headers.hpp from left to right, once. Without `out` it only checks.
class Parser {
 public:
  Parser(std::string_view text, std::vector<RecordHeader>* out) noexcept : text_(text), out_(out) {}

  bool parse() {
    if (text_.size() > limits::headers_bytes_max || !take('[')) return false;
    if (!take(']')) {
      do {
        if (!pair()) return false;
      } while (take(','));
      if (!take(']')) return false;
    }
    skip_space();
    return at_ == text_.size();
  }

  [[nodiscard]] std::size_t at() const noexcept { return at_; }

 private:
  bool pair() {
    std::string name;
    std::string value;
    std::size_t name_size = 0;
    std::size_t value_size = 0;
    if (!take('[') || !string(name, name_size) || name_size == 0 || !take(',')) return false;
    skip_space();
    const bool marked = at_ < text_.size() && text_[at_] == '{';
    if (marked ? !binary(value) : !string(value, value_size)) return false;
    if (!take(']')) return false;
    if (out_ != nullptr) out_->push_back({std::move(name), std::move(value)});
    return true;
  }

  /// {"base64":"..."}, both strings written without escapes.
  bool binary(std::string& value) {
    constexpr std::string_view member = "\"base64\"";
    if (!take('{')) return false;
    skip_space();
    if (text_.substr(at_, member.size()) != member) return false;
    at_ += member.size();
    if (!take(':') || !take('"')) return false;
    const std::size_t end = text_.find('"', at_);
    if (end == std::string_view::npos) return false;
    const std::string_view base64 = text_.substr(at_, end - at_);
    if (!is_base64(base64)) return false;
    if (out_ != nullptr) value = *base64_decode(base64);
    at_ = end + 1;
    return take('}');
  }

  bool string(std::string& value, std::size_t& size) {
    if (!take('"')) return false;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"') {
        ++at_;
        return true;
      }
      if (static_cast<unsigned char>(c) < 0x20) return false;
      ++size;
      if (c == '\\') {
        if (!escape(value)) return false;
      } else {
        if (out_ != nullptr) value += c;
        ++at_;
      }
    }
    return false;
  }

  bool escape(std::string& value) {
    constexpr std::string_view names = "\"\\/bfnrt";
    constexpr std::string_view meant = "\"\\/\b\f\n\r\t";
    if (++at_ >= text_.size()) return false;
    const char c = text_[at_++];
    if (c == 'u') return unicode(value);
    const std::size_t which = names.find(c);
    if (which == std::string_view::npos) return false;
    if (out_ != nullptr) value += meant[which];
    return true;
  }

  bool unicode(std::string& value) {
    std::uint32_t code = 0;
    if (!hex4(code)) return false;
    if (code >= 0xDC00 && code <= 0xDFFF) return false;  // A low surrogate alone.
    if (code >= 0xD800 && code <= 0xDBFF) {
      std::uint32_t low = 0;
      if (text_.substr(at_, 2) != "\\u") return false;
      at_ += 2;
      if (!hex4(low) || low < 0xDC00 || low > 0xDFFF) return false;
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    if (out_ != nullptr) append_utf8(value, code);
    return true;
  }

  bool hex4(std::uint32_t& code) {
    if (text_.size() - at_ < 4) return false;
    for (int i = 0; i < 4; ++i) {
      const char c = text_[at_++];
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) return false;
      code = code << 4 | static_cast<std::uint32_t>(digit);
    }
    return true;
  }

  bool take(char wanted) noexcept {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }
  void skip_space() noexcept {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r')) {
      ++at_;
    }
  }

  std::string_view text_;
  std::vector<RecordHeader>* out_;
  std::size_t at_ = 0;
};

}  // namespace

Result<std::string> build_record_headers(std::span<const RecordHeader> headers) {
  std::string text = "[";
  for (const RecordHeader& header : headers) {
    if (header.name.empty()) return failure(Errc::invalid_argument, "a header's name is empty");
    if (!is_utf8(header.name)) {
      return failure(Errc::invalid_argument, "a header's name is not UTF-8");
    }
    if (text.size() > 1) text += ',';
    text += '[';
    append_json_string(text, header.name);
    text += ',';
    if (is_utf8(header.value)) {
      append_json_string(text, header.value);
    } else {
      text += "{\"base64\":\"" + base64_encode(header.value) + "\"}";
    }
    text += ']';
    if (text.size() >= limits::headers_bytes_max) {
      return failure(Errc::invalid_argument, "the headers of a record are larger than " +
                                                 std::to_string(limits::headers_bytes_max) +
                                                 " bytes as JSON");
    }
  }
  text += ']';
  return text;
}

Result<std::vector<RecordHeader>> parse_record_headers(std::string_view text) {
  std::vector<RecordHeader> headers;
  Parser parser(text, &headers);
  if (!parser.parse() || !is_utf8(text)) {
    return failure(Errc::malformed,
                   "a record's headers are not a JSON array of [name, value], at byte " +
                       std::to_string(parser.at()));
  }
  return headers;
}

bool are_record_headers(std::string_view text) noexcept {
  return Parser(text, nullptr).parse() && is_utf8(text);
}

}  // namespace pinion

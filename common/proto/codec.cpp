#include "common/proto/codec.hpp"

#include <msgpack.hpp>

#include "common/base/assert.hpp"
#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/proto/unpacker.hpp"
#include "common/proto/validate.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <type_traits>

namespace pinion {
namespace {

// ---- Values to bytes

/// Collects what the packer writes, without an allocation for what a header needs.
class SmallSink {
 public:
  void write(const char* data, std::size_t size) noexcept {
    PINION_ASSERT(size <= bytes_.size() - size_);
    std::copy_n(data, size, bytes_.data() + size_);
    size_ += size;
  }
  [[nodiscard]] std::string_view view() const noexcept { return {bytes_.data(), size_}; }

 private:
  std::array<char, 96> bytes_{};
  std::size_t size_ = 0;
};

class StringSink {
 public:
  void write(const char* data, std::size_t size) { bytes_.append(data, size); }
  [[nodiscard]] std::string take() noexcept { return std::move(bytes_); }

 private:
  std::string bytes_;
};

template <typename Sink>
class Packer {
 public:
  explicit Packer(Sink& sink) : packer_(sink) {}

  void pack(bool value) { value ? packer_.pack_true() : packer_.pack_false(); }
  template <std::integral T>
  void pack(T value) {
    if constexpr (std::unsigned_integral<T>) {
      packer_.pack_uint64(value);
    } else {
      packer_.pack_int64(value);
    }
  }
  template <typename T>
  requires std::is_enum_v<T>
  void pack(T value) { pack(static_cast<std::underlying_type_t<T>>(value)); }
  template <IsTagged T>
  void pack(T value) {
    pack(value.raw());
  }
  void pack(Micros value) { pack(std::int64_t{value.count()}); }
  void pack(const std::string& text) {
    packer_.pack_str(size32(text.size()));
    packer_.pack_str_body(text.data(), size32(text.size()));
  }
  void pack(const SqlValue& value) {
    if (std::holds_alternative<std::monostate>(value)) {
      packer_.pack_nil();
    } else if (const auto* integer = std::get_if<std::int64_t>(&value)) {
      pack(*integer);
    } else if (const auto* real = std::get_if<double>(&value)) {
      packer_.pack_double(*real);
    } else if (const auto* text = std::get_if<std::string>(&value)) {
      pack(*text);
    } else if (const auto* blob = std::get_if<SqlBlob>(&value)) {
      packer_.pack_bin(size32(blob->bytes.size()));
      packer_.pack_bin_body(blob->bytes.data(), size32(blob->bytes.size()));
    }
  }
  template <typename T>
  void pack(const std::vector<T>& items) {
    packer_.pack_array(size32(items.size()));
    for (const T& item : items) pack(item);
  }
  template <HasFields T>
  void pack(const T& value) {
    packer_.pack_array(size32(field_count<T>));
    std::apply([this](const auto&... field) { (this->pack(field), ...); }, value.fields());
  }

 private:
  static std::uint32_t size32(std::size_t size) {
    PINION_ASSERT(size <= std::numeric_limits<std::uint32_t>::max());
    return static_cast<std::uint32_t>(size);
  }

  msgpack::packer<Sink> packer_;
};

// ---- Kinds to body types

using UnpackBody = bool (*)(Unpacker&, Body&);
constexpr std::size_t kinds_end = 256;

template <typename T>
bool unpack_body(Unpacker& unpacker, Body& body) {
  return unpacker.unpack(body.emplace<T>());
}

template <typename... T>
constexpr std::array<UnpackBody, kinds_end> make_body_table(const std::variant<T...>*) {
  std::array<UnpackBody, kinds_end> table{};
  const auto add = [&table]<typename B>(const B*) {
    if constexpr (!std::is_same_v<B, ErrorBody>) {
      table[static_cast<std::size_t>(B::kind)] = &unpack_body<B>;
    }
  };
  (add(static_cast<const T*>(nullptr)), ...);
  return table;
}
constexpr std::array<UnpackBody, kinds_end> body_table =
    make_body_table(static_cast<const Body*>(nullptr));

UnpackBody find_body(Kind kind) noexcept {
  const auto number = static_cast<std::size_t>(kind);
  return number < kinds_end ? body_table[number] : nullptr;
}

}  // namespace

bool is_known(Kind kind) noexcept { return find_body(kind) != nullptr; }

Kind kind_of(const Body& body) noexcept {
  PINION_ASSERT(!std::holds_alternative<ErrorBody>(body));  // It has the kind of what it answers.
  return std::visit(
      []<typename T>(const T&) {
        if constexpr (std::is_same_v<T, ErrorBody>) {
          return Kind::hello;
        } else {
          return T::kind;
        }
      },
      body);
}

Bytes encode_header(const Header& header) {
  SmallSink sink;
  Packer<SmallSink>(sink).pack(header);
  return Bytes::copy_of(sink.view());
}

Bytes encode_body(const Body& body) {
  StringSink sink;
  Packer<StringSink> packer(sink);
  std::visit([&packer](const auto& value) { packer.pack(value); }, body);
  return Bytes(sink.take());
}

Frames encode(const Message& message) {
  const bool is_error = std::holds_alternative<ErrorBody>(message.body);
  PINION_ASSERT(is_error == (message.header.error != Errc::ok));
  PINION_ASSERT(is_error || kind_of(message.body) == message.header.kind);
  Frames frames;
  frames.reserve(2 + message.records.size());
  frames.push_back(encode_header(message.header));
  frames.push_back(encode_body(message.body));
  frames.insert(frames.end(), message.records.begin(), message.records.end());
  return frames;
}

Result<Header> decode_header(std::string_view frame) {
  if (frame.size() > limits::header_bytes_max) {
    return failure(Errc::malformed, "the header is larger than " +
                                        std::to_string(limits::header_bytes_max) + " bytes");
  }
  Header header;
  Unpacker unpacker(frame);
  std::uint32_t count = 0;
  if (!unpacker.reader().read_array(count)) return unpacker.problem("the header");
  if (count == 0 || !unpacker.unpack(header.version))
    return unpacker.problem("the header's version");
  if (header.version != protocol_version) {
    return failure(Errc::unsupported_version, "protocol version " + std::to_string(header.version) +
                                                  " is not spoken here; " +
                                                  std::to_string(protocol_version) + " is");
  }
  if (!unpacker.unpack_fields<1>(header, count) || !unpacker.at_end()) {
    return unpacker.problem("the header");
  }
  if (!is_known(header.kind)) {
    return failure(Errc::unknown_kind, "messages of kind " +
                                           std::to_string(static_cast<unsigned>(header.kind)) +
                                           " are not known here");
  }
  const bool is_reply = !is_request(header.kind) && static_cast<int>(header.kind) < 200;
  if (header.error != Errc::ok && !is_reply) {
    return failure(Errc::malformed, "only an answer carries an error");
  }
  return header;
}

std::optional<Header> salvage_header(std::string_view frame) {
  if (frame.size() > limits::header_bytes_max) return std::nullopt;
  Header header;
  Unpacker unpacker(frame);
  std::uint32_t count = 0;
  if (!unpacker.reader().read_array(count) || count < 3) return std::nullopt;
  if (!unpacker.unpack(header.version) || !unpacker.unpack(header.kind) ||
      !unpacker.unpack(header.request_id)) {
    return std::nullopt;
  }
  return header;
}

Result<Body> decode_body(const Header& header, std::string_view frame) {
  if (frame.size() > limits::body_bytes_max) {
    return failure(Errc::malformed,
                   "the body is larger than " + std::to_string(limits::body_bytes_max) + " bytes");
  }
  const bool is_error = header.error != Errc::ok;
  const UnpackBody unpack = is_error ? &unpack_body<ErrorBody> : find_body(header.kind);
  if (unpack == nullptr) return failure(Errc::unknown_kind);
  Body body;
  Unpacker unpacker(frame);
  if (!unpack(unpacker, body) || !unpacker.at_end()) {
    return unpacker.problem("the body of kind " +
                            std::to_string(static_cast<unsigned>(header.kind)));
  }
  return body;
}

Result<SplitMessage> split(Frames frames) {
  if (frames.size() > limits::message_frames_max) {
    return failure(Errc::malformed, "the message has too many frames");
  }
  const auto empty =
      std::find_if(frames.begin(), frames.end(), [](const Bytes& f) { return f.empty(); });
  const auto routing = static_cast<std::size_t>(empty - frames.begin());
  if (routing > limits::routing_frames_max) {
    return failure(Errc::malformed, "no empty frame ends the routing ids");
  }
  for (std::size_t i = 0; i < routing; ++i) {
    if (frames[i].size() > limits::path_frame_bytes_max) {
      return failure(Errc::malformed, "a routing id is too long");
    }
  }
  if (frames.size() < routing + 3) {
    return failure(Errc::malformed, "the empty frame, the header or the body is missing");
  }
  if (frames.size() - routing - 3 > limits::records_frames_max) {
    return failure(Errc::malformed, "the message has too many records frames");
  }
  SplitMessage message;
  message.header = std::move(frames[routing + 1]);
  message.body = std::move(frames[routing + 2]);
  if (message.header.size() > limits::header_bytes_max) {
    return failure(Errc::malformed, "the header is too large");
  }
  if (message.body.size() > limits::body_bytes_max) {
    return failure(Errc::malformed, "the body is too large");
  }
  const auto records = frames.begin() + static_cast<std::ptrdiff_t>(routing) + 3;
  for (auto frame = records; frame != frames.end(); ++frame) {
    if (frame->size() > limits::batch_bytes_ceiling) {
      return failure(Errc::malformed, "a records frame is too large");
    }
    message.records.push_back(std::move(*frame));
  }
  frames.resize(routing);
  message.path = std::move(frames);
  return message;
}

Frames join(const ReturnPath& path, Bytes header, Bytes body, Frames records) {
  Frames frames;
  frames.reserve(path.size() + 3 + records.size());
  frames.insert(frames.end(), path.begin(), path.end());
  frames.emplace_back();
  frames.push_back(std::move(header));
  frames.push_back(std::move(body));
  std::move(records.begin(), records.end(), std::back_inserter(frames));
  return frames;
}

Result<Message> decode_message(const SplitMessage& split) {
  PINION_TRY(header, decode_header(split.header.view()));
  PINION_TRY(body, decode_body(header, split.body.view()));
  Message message{header, std::move(body), split.records};
  PINION_CHECK(validate(message));
  return message;
}

Result<Received> decode(Frames frames) {
  PINION_TRY(parts, split(std::move(frames)));
  PINION_TRY(message, decode_message(parts));
  return Received{std::move(parts.path), std::move(message)};
}

Message make_reply(const Header& request, Body body) {
  Message message;
  message.header = request;
  message.header.version = protocol_version;
  message.header.kind = reply_to(request.kind);
  message.header.timeout_ms = 0;
  message.header.error = Errc::ok;
  message.body = std::move(body);
  return message;
}

Message make_error_reply(const Header& request, const Error& error) {
  PINION_ASSERT(error.code != Errc::ok);
  ErrorBody body;
  body.detail = printable(error.detail, limits::error_detail_bytes_max);
  Message message = make_reply(request, std::move(body));
  message.header.error = error.code;
  return message;
}

}  // namespace pinion

#include "tests/fuzz/entries.hpp"

#include "broker/core/return_frame.hpp"
#include "common/base/assert.hpp"
#include "common/base/checksum.hpp"
#include "common/base/text.hpp"
#include "common/config/broker_config.hpp"
#include "common/config/gateway_config.hpp"
#include "common/config/partition_config.hpp"
#include "common/proto/codec.hpp"
#include "common/proto/record_batch.hpp"
#include "common/proto/record_headers.hpp"
#include "common/proto/validate.hpp"
#include "gateway/core/json.hpp"
#include "gateway/core/read_command.hpp"
#include "partition/core/dequeue_tokens.hpp"
#include "partition/storage/partition_format.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace pinion::fuzz {
namespace {

std::size_t take_number(std::string_view& bytes, std::size_t size) {
  std::size_t number = 0;
  for (std::size_t i = 0; i < size && !bytes.empty(); ++i) {
    number |= std::size_t{static_cast<unsigned char>(bytes[0])} << (8 * i);
    bytes.remove_prefix(1);
  }
  return number;
}

/// What was understood can be said again and is understood the same.
void assert_stable(const Header& header, const Body& body) {
  const Bytes bytes = encode_body(body);
  const auto again = decode_body(header, bytes.view());
  PINION_ASSERT(again);
  PINION_ASSERT(again->index() == body.index());
  PINION_ASSERT(encode_body(*again) == bytes);
}

}  // namespace

void message(std::string_view bytes) {
  Frames frames;
  while (!bytes.empty()) {
    const std::size_t announced = take_number(bytes, 2);
    const std::size_t size = std::min(announced, bytes.size());
    frames.push_back(Bytes::copy_of(bytes.substr(0, size)));
    bytes.remove_prefix(size);
  }
  const Frames whole = frames;
  const auto parts = split(std::move(frames));
  if (!parts) return;
  PINION_ASSERT(join(parts->path, parts->header, parts->body, parts->records) == whole);
  const auto received = decode(whole);
  if (!received) {
    // A reply can be made for whatever can be salvaged.
    if (const auto request = salvage_header(parts->header.view())) {
      (void)encode(make_error_reply(*request, received.error()));
    }
    return;
  }
  PINION_ASSERT(validate(received->message));
  const Frames encoded = encode(received->message);
  const auto again = decode(join(received->path, encoded[0], encoded[1], parts->records));
  PINION_ASSERT(again);
  PINION_ASSERT(again->message.header == received->message.header);
}

void header(std::string_view bytes) {
  const auto decoded = decode_header(bytes);
  const auto salvaged = salvage_header(bytes);
  if (!decoded) return;
  PINION_ASSERT(is_known(decoded->kind));
  PINION_ASSERT(salvaged && salvaged->request_id == decoded->request_id);
  PINION_ASSERT(salvaged->kind == decoded->kind);
  const auto again = decode_header(encode_header(*decoded).view());
  PINION_ASSERT(again && *again == *decoded);
}

void body(std::string_view bytes) {
  Header of;
  const std::size_t kind = take_number(bytes, 1);
  of.kind = kind == 0 ? Kind::produce_reply : static_cast<Kind>(kind);
  of.error = kind == 0 ? Errc::throttled : Errc::ok;
  const auto decoded = decode_body(of, bytes);
  if (!decoded) {
    PINION_ASSERT(decoded.error().code == Errc::malformed ||
                  decoded.error().code == Errc::unknown_kind);
    return;
  }
  assert_stable(of, *decoded);
  (void)validate({of, *decoded, {}});
}

void batch(std::string_view bytes) {
  BatchHeader header;
  header.record_count = static_cast<std::uint32_t>(take_number(bytes, 2));
  if (take_number(bytes, 1) % 2 == 1) header.crc = crc32c(bytes);
  BatchReader reader(bytes);
  RecordView record;
  std::string payload;
  std::uint32_t count = 0;
  while (reader.next(record)) {
    append_record(payload, record);
    ++count;
  }
  PINION_ASSERT(bytes.substr(0, payload.size()) == payload);
  const bool is_good = check_batch(header, bytes, limits::record_bytes_default).has_value();
  if (is_good) PINION_ASSERT(payload == bytes && count == header.record_count);
  if (is_good) PINION_ASSERT(!reader.malformed());
}

void record_headers(std::string_view bytes) {
  const auto parsed = parse_record_headers(bytes);
  PINION_ASSERT(parsed.has_value() == are_record_headers(bytes));
  if (!parsed) return;
  const auto text = build_record_headers(*parsed);
  if (!text) return;  // Escapes may take more room than they did.
  const auto again = parse_record_headers(*text);
  PINION_ASSERT(again && *again == *parsed);
}

void http(std::string_view bytes) {
  gateway::HttpRequest request;
  const std::string_view line = bytes.substr(0, bytes.find('\n'));
  request.method = line.substr(0, line.find(' '));
  request.target = line.substr(std::min(line.size(), request.method.size() + 1));
  request.body = bytes.substr(std::min(bytes.size(), line.size() + 1));
  request.request_id = request.target;
  request.last_event_id = request.body;
  const gateway::ReadCommand read = gateway::read_command(request);
  const auto* answer = std::get_if<gateway::HttpAnswer>(&read.what);
  if (answer == nullptr) return;
  // Whatever came, it is answered, in JSON, and is never our failure.
  PINION_ASSERT(answer->status >= 200 && answer->status < 500);
  PINION_ASSERT(gateway::parse_json(answer->body));
}

void config(std::string_view bytes) {
  const auto as_broker = parse_broker_config(bytes, "fuzz");
  if (as_broker) PINION_ASSERT(check(*as_broker));
  if (!as_broker) PINION_ASSERT(as_broker.error().detail.rfind("fuzz:", 0) == 0);
  const auto as_partition = parse_partition_config(bytes, "fuzz");
  if (as_partition) PINION_ASSERT(check(*as_partition));
  const auto as_gateway = parse_gateway_config(bytes, "fuzz");
  if (as_gateway) PINION_ASSERT(check(*as_gateway));
}

void names(std::string_view bytes) {
  if (validate_topic_name(bytes)) {
    PINION_ASSERT(is_utf8(bytes) && bytes.find('/') == std::string_view::npos);
  }
  if (validate_reader(bytes)) PINION_ASSERT(is_utf8(bytes));
  const std::string shown = printable(bytes, 64);
  PINION_ASSERT(shown.size() <= 64 && is_utf8(shown));
  PINION_ASSERT(printable(shown, 64) == shown);
  PINION_ASSERT(base64_decode(base64_encode(bytes)) == bytes);
  if (const auto decoded = base64_decode(bytes)) PINION_ASSERT(base64_encode(*decoded) == bytes);
}

void return_frame(std::string_view bytes) {
  if (const auto decoded = decode_return_frame(bytes)) {
    PINION_ASSERT(encode_return_frame(*decoded).view() == bytes);
  }
}

void dequeue_tokens(std::string_view bytes) {
  const std::size_t announced = take_number(bytes, 1);
  const std::size_t size = std::min(announced, bytes.size());
  const std::string_view token = bytes.substr(0, size);
  Position position;
  position.last_token = bytes.substr(size);
  position.last_offset = Offset(1);
  const bool is_token = std::none_of(token.begin(), token.end(),
                                     [](char c) { return static_cast<unsigned char>(c) < 0x20; });
  if (partition::find_dequeue(position, token) || token.empty() || !is_token) return;
  static_cast<void>(partition::remember_dequeue(position, token, Offset(2)));
  PINION_ASSERT(partition::find_dequeue(position, token) == Offset(2));
}

void remembered(std::string_view bytes) {
  const auto decoded = storage::decode_remembered(bytes);
  if (!decoded) return;
  const auto again = storage::decode_remembered(storage::encode_remembered(*decoded));
  PINION_ASSERT(again &&
                storage::encode_remembered(*again) == storage::encode_remembered(*decoded));
}

}  // namespace pinion::fuzz

// Messages to bytes and back, and what happens to bytes that are no messages.
#include "common/proto/codec.hpp"

#include <catch2/catch.hpp>
#include <msgpack.hpp>

#include "common/base/limits.hpp"
#include "tests/support/random_messages.hpp"

#include <string>

namespace pinion {
namespace {

constexpr std::size_t body_types = std::variant_size_v<BodyVariant>;
constexpr int rounds = 50;

std::string encoded(const Body& body) { return std::string(encode_body(body).view()); }

Header header_of(Kind kind) {
  Header header;
  header.kind = kind;
  return header;
}

Errc body_error(Kind kind, std::string_view bytes) {
  const auto body = decode_body(header_of(kind), bytes);
  return body ? Errc::ok : body.error().code;
}
Errc header_error(std::string_view bytes) {
  const auto header = decode_header(bytes);
  return header ? Errc::ok : header.error().code;
}

TEST_CASE("codec: every message comes back as it was", "[proto]") {
  RandomMessages random(20260101);
  for (std::size_t index = 0; index < body_types; ++index) {
    for (int round = 0; round < rounds; ++round) {
      const Body body = random.body(index);
      const Header header = random.header(body);
      const std::string bytes = encoded(body);
      const auto decoded_header = decode_header(encode_header(header).view());
      REQUIRE(decoded_header);
      REQUIRE(*decoded_header == header);
      const auto decoded = decode_body(header, bytes);
      INFO("index " << index << " round " << round);
      REQUIRE(decoded);
      REQUIRE(decoded->index() == index);
      REQUIRE(encoded(*decoded) == bytes);
    }
  }
}

TEST_CASE("codec: every kind has one body and every body one kind", "[proto]") {
  RandomMessages random(1);
  std::size_t known = 0;
  for (int number = 0; number < 400; ++number)
    known += is_known(static_cast<Kind>(number)) ? 1U : 0U;
  CHECK(known == body_types - 1);  // All but ErrorBody.
  for (std::size_t index = 1; index < body_types; ++index) {
    CHECK(is_known(kind_of(random.body(index))));
  }
  CHECK_FALSE(is_known(static_cast<Kind>(65'535)));
}

TEST_CASE("codec: a message cut short at any byte is malformed", "[proto]") {
  RandomMessages random(7);
  for (std::size_t index = 0; index < body_types; ++index) {
    const Body body = random.body(index);
    const Header header = random.header(body);
    const std::string bytes = encoded(body);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      const auto decoded = decode_body(header, std::string_view(bytes).substr(0, size));
      REQUIRE_FALSE(decoded);
      REQUIRE(decoded.error().code == Errc::malformed);
    }
    const Bytes header_bytes = encode_header(header);
    for (std::size_t size = 0; size < header_bytes.size(); ++size) {
      REQUIRE(header_error(header_bytes.view().substr(0, size)) == Errc::malformed);
    }
    CHECK(decode_body(header, bytes + '\x00').error().code == Errc::malformed);
    CHECK(header_error(std::string(header_bytes.view()) + '\x00') == Errc::malformed);
  }
}

TEST_CASE("codec: random and damaged bytes are refused or understood, and nothing else",
          "[proto]") {
  RandomMessages random(99);
  Prng& prng = random.prng();
  for (int round = 0; round < 20'000; ++round) {
    const Body body = random.body(prng.below(body_types));
    const Header header = random.header(body);
    std::string bytes = encoded(body);
    for (std::uint64_t flips = prng.below(4); flips > 0 && !bytes.empty(); --flips) {
      bytes[prng.below(bytes.size())] = static_cast<char>(prng.below(256));
    }
    const auto decoded = decode_body(header, bytes);
    if (!decoded) {
      REQUIRE(decoded.error().code == Errc::malformed);
      continue;
    }
    // What was understood can be said again, and means the same.
    const auto again = decode_body(header, encoded(*decoded));
    REQUIRE(again);
    REQUIRE(encoded(*again) == encoded(*decoded));
  }
}

TEST_CASE("codec: unknown elements behind the known ones are passed over", "[proto]") {
  msgpack::sbuffer buffer;
  msgpack::packer packer(buffer);
  packer.pack_array(6);  // CommitPosition has three fields.
  packer.pack(std::string("consumer:a"));
  packer.pack(7);
  packer.pack(3);
  packer.pack(std::vector<std::vector<int>>{{1, 2}, {3}});
  packer.pack(std::map<std::string, int>{{"x", 1}});
  packer.pack_ext(3, 42);
  packer.pack_ext_body("abc", 3);
  const auto body = decode_body(header_of(Kind::commit_position), {buffer.data(), buffer.size()});
  REQUIRE(body);
  CHECK(std::get<CommitPosition>(*body).reader == "consumer:a");
  CHECK(std::get<CommitPosition>(*body).offset == Offset(7));

  std::string header(encode_header(header_of(Kind::ping)).view());
  header[0] = static_cast<char>(0x9a);
  CHECK(header_error(header + '\xc0') == Errc::ok);
  CHECK(header_error(header) == Errc::malformed);
}

TEST_CASE("codec: missing elements are refused", "[proto]") {
  CHECK(body_error(Kind::commit_position,
                   "\x92\xaa"
                   "consumer:a\x07") == Errc::malformed);
  CHECK(body_error(Kind::ping, "\x90") == Errc::malformed);
  CHECK(header_error("\x97\x01\x03\x00\x00\x00\x00\x00") == Errc::malformed);
  CHECK(header_error("\x90") == Errc::malformed);
}

TEST_CASE("codec: a length that the message cannot hold is refused before anything is made of it",
          "[proto]") {
  using namespace std::string_literals;
  // MetadataRequest: one list of texts.
  CHECK(body_error(Kind::metadata, "\x91\xdd\xff\xff\xff\xff"s) == Errc::malformed);
  CHECK(body_error(Kind::metadata, "\x91\xdd\x00\x02\x00\x01"s + std::string(200'000, '\xa0')) ==
        Errc::malformed);  // Over list_items_max, though the bytes are there.
  CHECK(body_error(Kind::metadata, "\x91\x91\xdb\xff\xff\xff\xff"s) == Errc::malformed);
  CHECK(body_error(Kind::metadata, "\xdd\xff\xff\xff\xff"s) == Errc::malformed);
  CHECK(header_error("\xdd\xff\xff\xff\xff"s) == Errc::malformed);
  // A heartbeat's list of partitions, of which one takes 20 bytes at least.
  std::string beat(encode_body(NodeHeartbeat{}).view());
  REQUIRE(beat.back() == '\x90');
  beat.pop_back();
  CHECK(body_error(Kind::node_heartbeat, beat + "\xdc\x10\x00"s + std::string(0x1000, '\x00')) ==
        Errc::malformed);
}

TEST_CASE("codec: rows of nothing cannot multiply into memory", "[proto]") {
  using namespace std::string_literals;
  // 8 MiB of nil values in rows of 100,000: over body_items_max.
  std::string row = "\xdd\x00\x01\x86\xa0"s + std::string(100'000, '\xc0');
  std::string bytes = "\x93\x90\xdd\x00\x00\x00\x20"s;
  for (int i = 0; i < 32; ++i) bytes += row;
  const auto body = decode_body(header_of(Kind::query_reply), bytes + '\xc2');
  REQUIRE_FALSE(body);
  CHECK(body.error().detail.find("too many elements") != std::string::npos);
}

TEST_CASE("codec: nesting is bounded", "[proto]") {
  // Pong has three fields; the fourth, unknown, is lists in lists.
  const std::string start("\x94\x01\x00\x00", 4);
  CHECK(body_error(Kind::pong,
                   start + std::string(limits::unpack_depth_max - 2, '\x91') + '\xc0') == Errc::ok);
  CHECK(body_error(Kind::pong, start + std::string(1'000'000, '\x91') + '\xc0') == Errc::malformed);
  CHECK(body_error(Kind::pong, start + std::string(limits::unpack_depth_max, '\x91') + '\xc0') ==
        Errc::malformed);
}

TEST_CASE("codec: values that a type does not have are refused", "[proto]") {
  using namespace std::string_literals;
  std::string produce(encode_body(Produce{}).view());
  REQUIRE(produce[1] == '\x02');  // acks
  produce[1] = '\x03';
  CHECK(body_error(Kind::produce, produce) == Errc::malformed);
  produce[1] = '\xff';
  CHECK(body_error(Kind::produce, produce) == Errc::malformed);
  CHECK(body_error(Kind::cluster_status, "\x91\x01"s) == Errc::malformed);   // A number for a bool.
  CHECK(body_error(Kind::list_offset, "\x92\x03\x00"s) == Errc::malformed);  // No such spec.
  CHECK(body_error(Kind::pong, "\x92\xcf\xff\xff\xff\xff\xff\xff\xff\xff\x00"s) == Errc::malformed);
  CHECK(body_error(Kind::allocate_producer_ids, "\x91\xff"s) == Errc::malformed);  // -1 of them.
  CHECK(body_error(Kind::delete_topic, "\x91\xc4\x01x"s) == Errc::malformed);  // Bytes for text.
}

TEST_CASE("codec: a header says whether it is of another version, another kind or garbage",
          "[proto]") {
  using namespace std::string_literals;
  CHECK(header_error("\x99\x02\x03\x05\xc0\xc0\xc0\xc0\xc0\xc2"s) == Errc::unsupported_version);
  CHECK(header_error("\x91\xcd\x01\x00"s) == Errc::unsupported_version);
  CHECK(header_error("\x99\x01\x07\x05\x00\x00\x00\x00\x00\xc2"s) == Errc::unknown_kind);
  CHECK(header_error("\x99\x01\xcd\xff\xff\x05\x00\x00\x00\x00\x00\xc2"s) == Errc::unknown_kind);
  CHECK(header_error("\x99\x01\x07\x05\x00\x00\x00\x00\xc0\xc2"s) == Errc::malformed);
  CHECK(header_error("\x99\x01\x03\x05\x00\x00\x00\x00\x64\xc2"s) ==
        Errc::malformed);  // A request's error.
  CHECK(header_error("\x99\x01\x04\x05\x00\x00\x00\x00\xcd\x03\xe7\xc2"s) ==
        Errc::malformed);  // 999.
  CHECK(header_error("\x99\x01\x04\x05\x00\x00\x00\x00\x64\xc2"s) == Errc::ok);
  CHECK(header_error("") == Errc::malformed);
  CHECK(header_error("GET / HTTP/1.1\r\n") == Errc::malformed);
  CHECK(header_error(std::string(300, '\xc0')) == Errc::malformed);
}

TEST_CASE("codec: a refused header still says whom to answer when it can", "[proto]") {
  using namespace std::string_literals;
  const auto other_version = salvage_header("\x99\x02\x03\x05\xc0\xc0\xc0\xc0\xc0\xc2"s);
  REQUIRE(other_version);
  CHECK(other_version->version == 2);
  CHECK(other_version->request_id == RequestId(5));
  const auto unknown = salvage_header("\x99\x01\x07\x05\x00\x00\x00\x00\x00\xc2"s);
  REQUIRE(unknown);
  CHECK(is_request(unknown->kind));
  const Message reply = make_error_reply(*unknown, fail(Errc::unknown_kind, "what?"));
  CHECK(reply.header.kind == static_cast<Kind>(8));
  CHECK(reply.header.request_id == RequestId(5));
  CHECK_FALSE(salvage_header("\x92\x01\x07"s));
  CHECK_FALSE(salvage_header(""));
  CHECK_FALSE(salvage_header("\x99\x01\x07\xff\x00\x00\x00\x00\x00\xc2"s));
}

TEST_CASE("codec: requests, answers and pushes are told apart by their number", "[proto]") {
  CHECK(is_request(Kind::hello));
  CHECK(is_request(Kind::register_node));
  CHECK_FALSE(is_request(Kind::produce_reply));
  CHECK_FALSE(is_request(Kind::say_hello));
  CHECK_FALSE(is_request(Kind::replica_report));
}

TEST_CASE("codec: a reply carries what its request did, and a long detail is cut", "[proto]") {
  Header request = header_of(Kind::fetch);
  request.request_id = RequestId(9);
  request.topic = TopicId(4);
  request.partition = PartitionIndex(2);
  request.leader_epoch = Epoch(6);
  request.timeout_ms = 1'000;
  Header expected = request;
  expected.kind = Kind::fetch_reply;
  expected.timeout_ms = 0;
  CHECK(make_reply(request, FetchReply{}).header == expected);

  expected.error = Errc::offset_out_of_range;
  const Message error =
      make_error_reply(request, fail(Errc::offset_out_of_range, std::string(5'000, 'x') + "\n"));
  CHECK(error.header == expected);
  CHECK(std::get<ErrorBody>(error.body).detail == std::string(limits::error_detail_bytes_max, 'x'));
}

Frames frames_of(std::initializer_list<std::string_view> texts) {
  Frames frames;
  for (const std::string_view text : texts) frames.push_back(Bytes::copy_of(text));
  return frames;
}

TEST_CASE("codec: a multipart message is split at its empty frame and joined again", "[proto]") {
  const auto parts = split(frames_of({"c1", "r", "", "head", "body", "one", "", "three"}));
  REQUIRE(parts);
  CHECK(parts->path == frames_of({"c1", "r"}));
  CHECK(parts->header.view() == "head");
  CHECK(parts->body.view() == "body");
  CHECK(parts->records == frames_of({"one", "", "three"}));
  CHECK(join(parts->path, parts->header, parts->body, parts->records) ==
        frames_of({"c1", "r", "", "head", "body", "one", "", "three"}));
  CHECK(split(frames_of({"", "head", "body"}))->path.empty());
}

TEST_CASE("codec: a multipart message that is none is malformed", "[proto]") {
  const auto refused = [](Frames frames) {
    const auto parts = split(std::move(frames));
    return !parts && parts.error().code == Errc::malformed;
  };
  CHECK(refused({}));
  CHECK(refused(frames_of({"a", "b", "c"})));
  CHECK(refused(frames_of({""})));
  CHECK(refused(frames_of({"a", "", "head"})));
  CHECK(refused(frames_of({"1", "2", "3", "4", "", "head", "body"})));
  CHECK(refused({Bytes(std::string(limits::path_frame_bytes_max + 1, 'r')), Bytes(), Bytes("h"),
                 Bytes("b")}));
  CHECK(refused({Bytes(), Bytes(std::string(limits::header_bytes_max + 1, 'h')), Bytes("b")}));
  CHECK(refused({Bytes(), Bytes("h"), Bytes(std::string(limits::body_bytes_max + 1, 'b'))}));
  Frames many = frames_of({"", "h", "b"});
  many.resize(3 + limits::records_frames_max);
  CHECK(split(many));
  many.emplace_back();
  CHECK(refused(many));
}

TEST_CASE("codec: decode takes a whole message and refuses one that is not valid", "[proto]") {
  Message ping{header_of(Kind::ping), Ping{Incarnation(5)}, {}};
  Frames frames = encode(ping);
  const auto decoded = decode(join(frames_of({"c1"}), frames[0], frames[1], {}));
  REQUIRE(decoded);
  CHECK(decoded->path == frames_of({"c1"}));
  CHECK(std::get<Ping>(decoded->message.body).incarnation == Incarnation(5));
  // A records frame that nothing announces.
  CHECK(decode(join({}, frames[0], frames[1], frames_of({"x"}))).error().code == Errc::malformed);
  frames = encode({header_of(Kind::delete_topic), DeleteTopic{".."}, {}});
  CHECK(decode(join({}, frames[0], frames[1], {})).error().code == Errc::invalid_argument);
}

}  // namespace
}  // namespace pinion

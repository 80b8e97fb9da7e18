// The pull reader against the msgpack library: both read the same bytes the same way.
#include "common/proto/msgpack_reader.hpp"

#include <catch2/catch.hpp>
#include <msgpack.hpp>

#include "common/base/prng.hpp"

#include <map>
#include <string>
#include <vector>

namespace pinion {
namespace {

template <typename T>
std::string packed(const T& value) {
  msgpack::sbuffer buffer;
  msgpack::pack(buffer, value);
  return {buffer.data(), buffer.size()};
}

TEST_CASE("msgpack: every size of integer is read, and refused where it does not fit", "[proto]") {
  Prng prng(3);
  for (int round = 0; round < 20'000; ++round) {
    const auto wanted = static_cast<std::int64_t>(prng.next()) >> prng.below(64);
    const std::string bytes = packed(wanted);
    std::int64_t value = 0;
    MsgpackReader whole(bytes);
    REQUIRE(whole.read_integer(value));
    REQUIRE(value == wanted);
    REQUIRE(whole.rest() == 0);
    std::int16_t narrow = 0;
    MsgpackReader reader(bytes);
    REQUIRE(reader.read_integer(narrow) == (wanted >= -32'768 && wanted <= 32'767));
    REQUIRE(reader.ok() == (reader.problem() == nullptr));
    std::uint32_t positive = 0;
    REQUIRE(MsgpackReader(bytes).read_integer(positive) ==
            (wanted >= 0 && wanted <= std::int64_t{0xffffffff}));
  }
  std::int64_t value = 0;
  CHECK_FALSE(MsgpackReader(packed(std::uint64_t{1} << 63)).read_integer(value));
}

TEST_CASE("msgpack: longer forms than needed mean the same", "[proto]") {
  using namespace std::string_literals;
  for (const std::string& bytes :
       {"\x05"s, "\xcc\x05"s, "\xcd\x00\x05"s, "\xce\x00\x00\x00\x05"s,
        "\xcf\x00\x00\x00\x00\x00\x00\x00\x05"s, "\xd0\x05"s, "\xd1\x00\x05"s,
        "\xd2\x00\x00\x00\x05"s, "\xd3\x00\x00\x00\x00\x00\x00\x00\x05"s}) {
    std::uint8_t value = 0;
    MsgpackReader reader(bytes);
    CHECK(reader.read_integer(value));
    CHECK(value == 5);
    CHECK(reader.rest() == 0);
  }
}

TEST_CASE("msgpack: texts, bytes, doubles and lists of every size", "[proto]") {
  for (const std::size_t size : {0U, 1U, 31U, 32U, 255U, 256U, 65'535U, 65'536U}) {
    const std::string text(size, 't');
    std::string_view view;
    const std::string bytes = packed(text);
    CHECK(MsgpackReader(bytes).read_string(view));
    CHECK(view == text);
    CHECK(MsgpackReader(bytes).next() == MsgpackReader::Next::text);
    const std::string binary = packed(std::vector<char>(size, 'b'));
    CHECK(MsgpackReader(binary).read_binary(view));
    CHECK(view == std::string(size, 'b'));
    CHECK_FALSE(MsgpackReader(binary).read_string(view));
    std::uint32_t count = 0;
    const std::string list = packed(std::vector<int>(size, 1));
    CHECK(MsgpackReader(list).read_array(count));
    CHECK(count == size);
  }
  double real = 0;
  CHECK(MsgpackReader(packed(1.5)).read_double(real));
  CHECK(real == 1.5);
  CHECK(MsgpackReader(packed(2.5F)).read_double(real));
  CHECK(real == 2.5);
}

TEST_CASE("msgpack: skip passes over exactly one value of any kind", "[proto]") {
  using Maps = std::vector<std::map<std::string, std::vector<int>>>;
  std::vector<std::string> values = {packed(1),
                                     packed(-1),
                                     packed(300),
                                     packed(-70'000),
                                     packed(1LL << 40),
                                     packed(true),
                                     packed(msgpack::type::nil_t()),
                                     packed(1.5F),
                                     packed(1.5),
                                     packed("text"),
                                     packed(std::string(40'000, 'x')),
                                     packed(std::vector<char>(300, 'b')),
                                     packed(std::vector<int>(70'000, 1)),
                                     packed(std::map<int, int>{{1, 2}}),
                                     packed(Maps(20))};
  for (const std::size_t size : {1U, 2U, 4U, 8U, 16U, 3U, 300U, 70'000U}) {
    msgpack::sbuffer buffer;
    msgpack::packer packer(buffer);
    packer.pack_ext(size, 1);
    packer.pack_ext_body(std::string(size, 'e').data(), static_cast<std::uint32_t>(size));
    values.emplace_back(buffer.data(), buffer.size());
  }
  for (const std::string& bytes : values) {
    INFO("tag " << int{static_cast<unsigned char>(bytes[0])});
    MsgpackReader reader(bytes);
    CHECK(reader.skip());
    CHECK(reader.rest() == 0);
    for (std::size_t size = 0; size < bytes.size(); size += 1 + size / 3) {
      CHECK_FALSE(MsgpackReader(std::string_view(bytes).substr(0, size)).skip());
    }
  }
  CHECK_FALSE(MsgpackReader("\xc1").skip());
}

TEST_CASE("msgpack: random bytes are skipped when the library can unpack them", "[proto]") {
  Prng prng(11);
  int both = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes(1 + prng.below(12), '\0');
    for (char& c : bytes)
      c = static_cast<char>(prng.chance(1, 2) ? prng.below(256) : 0x90 + prng.below(8));
    bool unpacked = false;
    std::size_t end = 0;
    try {
      msgpack::object_handle handle;
      const msgpack::unpack_limit limit(64, 64, 64, 64, 64, limits::unpack_depth_max);
      msgpack::unpack(handle, bytes.data(), bytes.size(), end, nullptr, nullptr, limit);
      unpacked = true;
    } catch (const std::exception&) {
      unpacked = false;  // Cut short, or larger than the limits of this test.
    }
    MsgpackReader reader(bytes);
    const bool skipped = reader.skip();
    if (unpacked) {
      REQUIRE(skipped);
      REQUIRE(reader.at() == end);
      ++both;
    }
  }
  CHECK(both > 1'000);
}

TEST_CASE("msgpack: the first problem stays", "[proto]") {
  std::int32_t number = 0;
  std::string_view text;
  MsgpackReader reader("\xa1x\x05");
  CHECK_FALSE(reader.read_integer(number));
  const std::string problem = reader.problem();
  CHECK_FALSE(reader.read_string(text));
  CHECK_FALSE(reader.skip());
  CHECK(reader.problem() == problem);
}

}  // namespace
}  // namespace pinion

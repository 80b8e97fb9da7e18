// The bytes of records, and what a partition leader refuses of them.
#include "common/proto/record_batch.hpp"

#include <catch2/catch.hpp>

#include "common/base/checksum.hpp"
#include "common/base/prng.hpp"

#include <string>
#include <vector>

namespace pinion {
namespace {

struct Owned {
  Micros timestamp{0};
  std::optional<std::string> key;
  std::optional<std::string> headers;
  std::string value;
  bool operator==(const Owned&) const = default;

  [[nodiscard]] RecordView view() const {
    RecordView record;
    record.timestamp = timestamp;
    if (key) record.key = *key;
    if (headers) record.headers = *headers;
    record.value = value;
    return record;
  }
};

Owned owned(const RecordView& record) {
  Owned copy;
  copy.timestamp = record.timestamp;
  if (record.key) copy.key = std::string(*record.key);
  if (record.headers) copy.headers = std::string(*record.headers);
  copy.value = std::string(record.value);
  return copy;
}

BatchHeader header_for(std::string_view payload, std::uint32_t count) {
  BatchHeader header;
  header.record_count = count;
  header.crc = crc32c(payload);
  return header;
}

std::string payload_of(const std::vector<Owned>& records) {
  std::string payload;
  for (const Owned& record : records) append_record(payload, record.view());
  return payload;
}

Errc checked(std::string_view payload, std::uint32_t count,
             std::size_t record_bytes_max = limits::record_bytes_default) {
  const auto result = check_batch(header_for(payload, count), payload, record_bytes_max);
  return result ? Errc::ok : result.error().code;
}

TEST_CASE("batch: the layout is the documented one", "[proto]") {
  const std::string payload =
      payload_of({{Micros(0x0102030405060708), "k", "[]", "value"}, {Micros(-1), {}, {}, ""}});
  using namespace std::string_literals;
  CHECK(payload ==
        "\x08\x07\x06\x05\x04\x03\x02\x01\x01\x00\x00\x00\x02\x00\x00\x00\x05\x00\x00\x00"
        "k[]value"
        "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00"s);
  CHECK(encoded_size({Micros(0), "k", "[]", "value"}) == 28);
}

TEST_CASE("batch: records come back as they were, none told from empty", "[proto]") {
  Prng prng(5);
  for (int round = 0; round < 200; ++round) {
    std::vector<Owned> records(1 + prng.below(20));
    const auto text = [&] {
      return std::string(prng.below(50), static_cast<char>(prng.below(256)));
    };
    for (Owned& record : records) {
      record.timestamp = Micros(static_cast<std::int64_t>(prng.next()));
      if (prng.chance(1, 2)) record.key = text();
      if (prng.chance(1, 4)) record.headers = R"([["a","b"]])";
      record.value = text();
    }
    const std::string payload = payload_of(records);
    BatchReader reader(payload);
    RecordView record;
    std::vector<Owned> read;
    while (reader.next(record)) read.push_back(owned(record));
    CHECK_FALSE(reader.malformed());
    REQUIRE(read == records);
    REQUIRE(checked(payload, static_cast<std::uint32_t>(records.size())) == Errc::ok);
  }
}

TEST_CASE("batch: the checksum decides before anything else is looked at", "[proto]") {
  std::string payload = payload_of({{Micros(1), "k", {}, "v"}, {Micros(2), {}, {}, "w"}});
  const BatchHeader header = header_for(payload, 2);
  for (std::size_t i = 0; i < payload.size(); ++i) {
    for (const int bit : {0, 7}) {
      std::string damaged = payload;
      damaged[i] = static_cast<char>(damaged[i] ^ (1 << bit));
      const auto result = check_batch(header, damaged, limits::record_bytes_default);
      REQUIRE_FALSE(result);
      REQUIRE(result.error().code == Errc::corrupt_record);
    }
  }
  BatchHeader wrong = header;
  wrong.crc ^= 1;
  CHECK(check_batch(wrong, payload, 100).error().code == Errc::corrupt_record);
}

TEST_CASE("batch: a payload that is not its header's number of records is malformed", "[proto]") {
  const std::string payload = payload_of({{Micros(1), "k", {}, "v"}, {Micros(2), {}, {}, "w"}});
  CHECK(checked(payload, 2) == Errc::ok);
  CHECK(checked(payload, 1) == Errc::malformed);
  CHECK(checked(payload, 3) == Errc::malformed);
  CHECK(checked(payload, 0) == Errc::malformed);
  CHECK(checked("", 0) == Errc::malformed);
  CHECK(checked("", 1) == Errc::malformed);
  CHECK(checked(payload, limits::batch_records_max + 1) == Errc::malformed);
  for (std::size_t size = 1; size < payload.size(); ++size) {
    if (size == encoded_size({Micros(1), "k", {}, "v"})) continue;  // One whole record.
    REQUIRE(checked(payload.substr(0, size), 2) == Errc::malformed);
  }
}

TEST_CASE("batch: sizes that lie are malformed", "[proto]") {
  const std::string good = payload_of({{Micros(1), "key", {}, "value"}});
  for (const std::size_t field : {8U, 12U, 16U}) {
    for (const std::int32_t size : {-2, -1, 0, 4, 100, 0x7fffffff, std::int32_t(-0x80000000LL)}) {
      std::string bad = good;
      std::memcpy(bad.data() + field, &size, sizeof size);
      if (bad == good) continue;
      INFO("field " << field << " size " << size);
      CHECK(checked(bad, 1) == Errc::malformed);
    }
  }
}

TEST_CASE("batch: a record over the cluster's limit is refused by name", "[proto]") {
  const std::string payload = payload_of({{Micros(1), "key", "[]", std::string(95, 'v')}});
  CHECK(checked(payload, 1, 100) == Errc::ok);
  CHECK(checked(payload, 1, 99) == Errc::record_too_large);
}

TEST_CASE("batch: headers must be a JSON array of pairs", "[proto]") {
  CHECK(checked(payload_of({{Micros(1), {}, R"([["a","b"]])", "v"}}), 1) == Errc::ok);
  CHECK(checked(payload_of({{Micros(1), {}, "[]", "v"}}), 1) == Errc::ok);
  CHECK(checked(payload_of({{Micros(1), {}, "", "v"}}), 1) == Errc::malformed);
  CHECK(checked(payload_of({{Micros(1), {}, "{}", "v"}}), 1) == Errc::malformed);
}

}  // namespace
}  // namespace pinion

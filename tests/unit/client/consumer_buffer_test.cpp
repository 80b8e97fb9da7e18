#include "client/driver/consumer_buffer.hpp"

#include "common/proto/codec.hpp"

#include <catch2/catch.hpp>

using namespace pinion;
using namespace pinion::client;

namespace {

const PartitionKey orders_0{TopicId(1), PartitionIndex(0)};
const TopicPartition orders{"orders", PartitionIndex(0)};

/// A buffer that reads orders-0 from its start.
struct BufferFixture {
  BufferFixture() : buffer(waker) {
    buffer.on_joined({consumer, orders_0, std::make_shared<const std::string>("orders")});
    locate(0, 0);
  }

  void locate(std::int64_t next, std::int32_t last_epoch) {
    buffer.on_located(
        {consumer, orders_0, reading, Offset(next), offset_unassigned, Epoch(last_epoch)});
  }
  /// A batch of one record arrives, and is read.
  void read(std::int64_t offset, std::int32_t epoch) {
    std::string payload;
    RecordView record;
    record.value = "value";
    append_record(payload, record);
    Batch batch;
    batch.header.base_offset = Offset(offset);
    batch.header.record_count = 1;
    batch.header.leader_epoch = Epoch(epoch);
    batch.payload = Bytes(std::move(payload));
    buffer.on_fetched({consumer, orders_0, reading, Offset(offset), Offset(offset + 1), {batch}});
    REQUIRE(buffer.poll(1, Micros(0)));
  }
  [[nodiscard]] ReadPosition position() const {
    const std::vector<ReadPosition> all = buffer.returned();
    REQUIRE(all.size() == 1);
    return all.front();
  }

  const ConsumerHandle consumer{1};
  Reading reading{0};
  Waker waker;
  ConsumerBuffer buffer;
};

}  // namespace

TEST_CASE("consumer buffer: a position names the epoch of the record before it", "[client]") {
  BufferFixture f;
  f.read(0, 3);
  CHECK(f.position().next == Offset(1));
  CHECK(f.position().leader_epoch == Epoch(3));
}

TEST_CASE("consumer buffer: after a seek the epoch is that of the new place, not of the old one",
          "[client]") {
  BufferFixture f;
  f.read(0, 3);
  const auto sought = f.buffer.seek(orders);
  REQUIRE(sought);
  f.reading = sought->reading;
  f.locate(40, 7);
  CHECK(f.position().next == Offset(40));
  CHECK(f.position().leader_epoch == Epoch(7));
}

TEST_CASE("consumer buffer: a reading that goes on elsewhere takes that place's epoch",
          "[client]") {
  BufferFixture f;
  f.read(0, 3);
  f.locate(40, 0);  // What stood between was deleted by retention.
  f.read(40, 7);
  CHECK(f.position().next == Offset(41));
  CHECK(f.position().leader_epoch == Epoch(7));
}

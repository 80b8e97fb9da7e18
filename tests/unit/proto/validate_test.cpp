// What a well-formed message must satisfy before a core sees it.
#include "common/proto/validate.hpp"

#include <catch2/catch.hpp>

#include "common/base/limits.hpp"
#include "common/proto/codec.hpp"

#include <string>

namespace pinion {
namespace {

Message message_of(Body body, std::size_t records = 0) {
  Message message;
  message.header.kind = kind_of(body);
  message.header.topic = TopicId(1);
  message.body = std::move(body);
  message.records.resize(records);
  return message;
}

Errc code_of(const Message& message) {
  const auto checked = validate(message);
  return checked ? Errc::ok : checked.error().code;
}
/// The first word of the refusal, which is the field's name, or "" when it is valid.
std::string field_of(const Message& message) {
  const auto checked = validate(message);
  if (checked) return "";
  CHECK(checked.error().code == Errc::invalid_argument);
  return checked.error().detail.substr(0, checked.error().detail.find(' '));
}

Produce a_produce() {
  Produce produce;
  produce.batch.record_count = 1;
  return produce;
}

TEST_CASE("validate: topic names", "[proto]") {
  for (const std::string name : {"a", "orders", "Orders.v2_x-1", "...", "-"}) {
    CHECK(validate_topic_name(name));
  }
  CHECK(validate_topic_name(std::string(200, 'x')));
  for (const std::string name :
       {"", ".", "..", "a b", "a/b", "../etc", "a\\b", "caf\xc3\xa9", "a\n", "a:b", "*", "a%"}) {
    INFO(name);
    CHECK_FALSE(validate_topic_name(name));
  }
  CHECK_FALSE(validate_topic_name(std::string("a\0b", 3)));
  CHECK_FALSE(validate_topic_name(std::string(201, 'x')));
}

TEST_CASE("validate: readers", "[proto]") {
  for (const std::string reader : {"consumer:a", "group:b c", "id:1", "consumer:caf\xc3\xa9",
                                   "consumer:a:b", "id:9223372036854775807"}) {
    INFO(reader);
    CHECK(validate_reader(reader));
  }
  for (const std::string reader :
       {"", "a", "consumer:", "consumer", ":a", "id:", "id:0", "id:-1", "id:01", "id:+1", "id:1x",
        "id:9223372036854775808", "consumer:a\n", "consumer:\x7f", "consumer:\xff", "Consumer:a"}) {
    INFO(reader);
    CHECK_FALSE(validate_reader(reader));
  }
  CHECK(validate_reader("consumer:" + std::string(247, 'x')));
  CHECK_FALSE(validate_reader("consumer:" + std::string(248, 'x')));
}

TEST_CASE("validate: a routed request names a partition", "[proto]") {
  Message message = message_of(Fetch{});
  CHECK(code_of(message) == Errc::ok);
  message.header.topic = TopicId(0);
  CHECK(field_of(message) == "topic");
  CHECK(validate(make_error_reply(message.header, Error{Errc::malformed, "no topic"})));
  CHECK_FALSE(validate(make_reply(message.header, FetchReply{})));
  message.header.topic = TopicId(1);
  message.header.partition = PartitionIndex(-1);
  CHECK(field_of(message) == "partition");
  message.header.partition = PartitionIndex(limits::partitions_per_topic_max);
  CHECK(field_of(message) == "partition");
  message.header.partition = PartitionIndex(0);
  message.header.leader_epoch = Epoch(-1);
  CHECK(field_of(message) == "leader_epoch");
  message.header.leader_epoch = Epoch(0);
  message.header.timeout_ms = 60'001;
  CHECK(field_of(message) == "timeout_ms");

  Message ping = message_of(Ping{});
  ping.header.topic = TopicId(0);
  CHECK(code_of(ping) == Errc::ok);
}

TEST_CASE("validate: as many records frames as the body announces", "[proto]") {
  CHECK(code_of(message_of(a_produce(), 1)) == Errc::ok);
  CHECK(code_of(message_of(a_produce(), 0)) == Errc::malformed);
  CHECK(code_of(message_of(a_produce(), 2)) == Errc::malformed);
  FetchReply reply;
  reply.batches = {a_produce().batch, a_produce().batch};
  CHECK(code_of(message_of(reply, 2)) == Errc::ok);
  CHECK(code_of(message_of(reply, 1)) == Errc::malformed);
  DequeueReply dequeued;
  dequeued.batch = a_produce().batch;
  CHECK(code_of(message_of(dequeued, 1)) == Errc::ok);
  CHECK(code_of(message_of(dequeued, 0)) == Errc::malformed);
  CHECK(code_of(message_of(Fetch{}, 1)) == Errc::malformed);
}

TEST_CASE("validate: every refusal names its field", "[proto]") {
  const auto produce_with = [](auto change) {
    Produce produce = a_produce();
    change(produce.batch);
    return message_of(produce, 1);
  };
  CHECK(field_of(produce_with([](BatchHeader& b) { b.record_count = 0; })) == "record_count");
  CHECK(field_of(produce_with([](BatchHeader& b) {
          b.record_count = limits::batch_records_max + 1;
        })) == "record_count");
  CHECK(field_of(produce_with([](BatchHeader& b) { b.producer_id = ProducerId(-1); })) ==
        "producer_id");
  CHECK(field_of(produce_with([](BatchHeader& b) { b.producer_epoch = ProducerEpoch(-1); })) ==
        "producer_epoch");
  CHECK(field_of(produce_with([](BatchHeader& b) { b.base_sequence = Sequence(-1); })) ==
        "base_sequence");
  CHECK(field_of(produce_with([](BatchHeader& b) {
          b.base_sequence = Sequence(std::numeric_limits<std::int64_t>::max());
        })) == "base_sequence");

  CHECK(field_of(message_of(Fetch{.offset = Offset(-1)})) == "offset");
  CHECK(field_of(message_of(Fetch{.bytes_max = limits::fetch_bytes_max + 1})) == "bytes_max");
  CHECK(field_of(message_of(Fetch{.wait_ms = 30'001})) == "wait_ms");
  CHECK(field_of(message_of(CommitPosition{.reader = "x"})) == "a");
  CHECK(field_of(message_of(CommitPosition{.reader = "id:1", .offset = Offset(-2)})) == "offset");
  CHECK(field_of(message_of(CommitPosition{.reader = "id:1", .offset = Offset(-1)})).empty());
  CHECK(field_of(message_of(Dequeue{.reader = "id:1", .token = std::string(129, 't')})) == "token");
  CHECK(field_of(message_of(Query{})) == "sql");
  CHECK(field_of(message_of(Query{.sql = std::string(limits::sql_bytes_max + 1, 's')})) == "sql");
  CHECK(field_of(message_of(Query{.sql = "select 1", .rows_max = 100'001})) == "rows_max");
  CHECK(field_of(message_of(CreateTopic{.name = "a", .config = {.partitions = 0}})) ==
        "partitions");
  CHECK(field_of(message_of(CreateTopic{.name = "a", .config = {.partitions = 10'001}})) ==
        "partitions");
  CHECK(field_of(message_of(CreateTopic{.name = "a", .config = {.replication = -1}})) ==
        "replication");
  CHECK(field_of(message_of(CreateTopic{.name = "a", .config = {.retention_ms = -1}})) ==
        "retention_ms");
  CHECK(field_of(message_of(Hello{.version_min = 2, .version_max = 1})) == "version_min");
  CHECK(field_of(message_of(Hello{.client_name = std::string(257, 'c')})) == "client_name");
  CHECK(field_of(message_of(Hello{.client_name = "\xff"})) == "client_name");
  CHECK(field_of(message_of(AllocateProducerIds{.count = 0})) == "count");
  CHECK(field_of(message_of(RegisterNode{.node = NodeId(0)})) == "node");
  CHECK(field_of(message_of(RegisterNode{.node = NodeId(1), .incarnation = Incarnation(1)})) ==
        "store_id");
}

TEST_CASE("validate: a row has as many values as there are columns", "[proto]") {
  QueryReply reply;
  reply.columns = {"a", "b"};
  reply.rows = {{std::int64_t{1}, std::monostate()}};
  CHECK(code_of(message_of(reply)) == Errc::ok);
  reply.rows.push_back({std::int64_t{1}});
  CHECK(code_of(message_of(reply)) == Errc::invalid_argument);
}

TEST_CASE("validate: a topic's partitions are all there, in order", "[proto]") {
  CreateTopicReply reply;
  reply.topic.id = TopicId(1);
  reply.topic.name = "orders";
  reply.topic.partitions.resize(2);
  reply.topic.partitions[1].partition = PartitionIndex(1);
  CHECK(code_of(message_of(reply)) == Errc::ok);
  reply.topic.partitions[1].partition = PartitionIndex(2);
  CHECK(code_of(message_of(reply)) == Errc::invalid_argument);
}

}  // namespace
}  // namespace pinion

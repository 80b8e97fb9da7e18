#include "gateway/core/read_command.hpp"

#include "common/base/limits.hpp"
#include "gateway/core/json.hpp"
#include "tests/unit/gateway/requests.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace pinion;
using namespace pinion::gateway;
using pinion::gateway::test::command;
using pinion::gateway::test::refusal;
using pinion::gateway::test::request;

namespace {

/// One set of parameters in every place where they may travel.
struct Sent {
  std::string target;
  std::string body;
  std::string content_type;
};
using Pairs = std::vector<std::pair<std::string, std::string>>;

std::vector<Sent> everywhere(const std::string& path, const Pairs& pairs) {
  std::string form;
  std::string json = "{";
  std::string numbers = "{";
  for (const auto& [name, value] : pairs) {
    form += (form.empty() ? "" : "&") + name + "=" + value;
    json += (json.size() > 1 ? "," : "") + ("\"" + name + "\":\"" + value + "\"");
    const bool is_number = value.find_first_not_of("0123456789-") == std::string::npos;
    numbers += (numbers.size() > 1 ? "," : "") +
               ("\"" + name + "\":" + (is_number ? value : "\"" + value + "\""));
  }
  return {{path + "?" + form, "", ""},
          {path + "/?" + form, "", ""},
          {path, form, "application/x-www-form-urlencoded"},
          {path, json + "}", "application/json"},
          {path, numbers + "}", ""},
          {path + "?extra=1", numbers + ",\"unknown\":{\"a\":[]}}", "text/plain"}};
}

HttpRequest as(std::string_view method, const Sent& sent) {
  return request(method, sent.target, sent.body, sent.content_type);
}

std::string message_of(const HttpAnswer& answer) {
  const auto json = parse_json(answer.body);
  REQUIRE(json);
  return (*json)["message"].get<std::string>();
}

}  // namespace

TEST_CASE("read command: creation takes every name, wherever it travels", "[gateway]") {
  for (const char* topic : {"topic", "topic_name", "name"}) {
    for (const char* count : {"partitions", "num_partitions", "number_of_partitions"}) {
      for (const Sent& sent : everywhere("/topics", {{topic, "orders"}, {count, "3"}})) {
        const auto created = command<CreateTopicCommand>(as("POST", sent));
        CHECK(created.topic == "orders");
        CHECK(created.partitions == 3);
      }
    }
  }
  CHECK(command<CreateTopicCommand>(request("POST", "/topics?topic=a")).partitions == 1);
  CHECK(refusal(request("POST", "/topics?topic=a&partitions=0")).status == 400);
  CHECK(refusal(request("POST", "/topics?topic=a&partitions=x")).status == 400);
}

TEST_CASE("read command: enqueue takes every name, wherever it travels", "[gateway]") {
  for (const char* topic : {"topic", "topic_name"}) {
    for (const char* message : {"message", "log_message"}) {
      for (const char* partition : {"partition_id", "partition", "partition_index"}) {
        const Pairs pairs = {
            {topic, "orders"}, {"producer_id", "7"}, {message, "hello"}, {partition, "2"}};
        for (const Sent& sent : everywhere("/producer/produce", pairs)) {
          const auto enqueue = command<EnqueueCommand>(as("POST", sent));
          CHECK(enqueue.topic == "orders");
          CHECK(enqueue.producer == RegistrationId{7});
          CHECK(enqueue.message == "hello");
          CHECK(enqueue.partition == PartitionIndex{2});
        }
      }
    }
  }
}

TEST_CASE("read command: dequeue and size take every name, wherever they travel", "[gateway]") {
  for (const char* topic : {"topic", "topic_name"}) {
    const Pairs pairs = {{topic, "orders"}, {"consumer_id", "9"}, {"partition", "-1"}};
    for (const Sent& sent : everywhere("/consumer/consume", pairs)) {
      const auto dequeue = command<DequeueCommand>(as("GET", sent));
      CHECK(dequeue.topic == "orders");
      CHECK(dequeue.consumer == RegistrationId{9});
      CHECK_FALSE(dequeue.partition);
    }
    for (const Sent& sent : everywhere("/size", pairs)) {
      CHECK(command<SizeCommand>(as("GET", sent)).consumer == RegistrationId{9});
    }
    for (const Sent& sent : everywhere("/partitions", {{topic, "orders"}})) {
      CHECK(command<ListPartitionsCommand>(as("GET", sent)).topic == "orders");
    }
  }
}

TEST_CASE("read command: a partition has three names, with every call that takes one",
          "[gateway]") {
  for (const char* partition : {"partition_id", "partition", "partition_index"}) {
    for (const char* topic : {"topic", "topic_name"}) {
      const Pairs pairs = {{topic, "orders"}, {"consumer_id", "9"}, {partition, "2"}};
      for (const Sent& sent : everywhere("/consumer/consume", pairs)) {
        const auto dequeue = command<DequeueCommand>(as("GET", sent));
        CHECK(dequeue.partition == PartitionIndex{2});
        CHECK(dequeue.topic == "orders");
      }
      for (const Sent& sent : everywhere("/size", pairs)) {
        CHECK(command<SizeCommand>(as("GET", sent)).partition == PartitionIndex{2});
      }
      for (const Sent& sent : everywhere("/producer/register", pairs)) {
        CHECK(command<RegisterProducerCommand>(as("POST", sent)).partition == PartitionIndex{2});
      }
      for (const Sent& sent : everywhere("/consumer/register", pairs)) {
        CHECK(command<RegisterConsumerCommand>(as("POST", sent)).partition == PartitionIndex{2});
      }
    }
  }
}

TEST_CASE("read command: a batch of the most records is read, and one of more values is not",
          "[gateway]") {
  const auto batch = [](const std::string& record, std::size_t count) {
    std::string body = R"({"records":[)" + record;
    for (std::size_t i = 1; i < count; ++i) body += "," + record;
    return body + "]}";
  };
  const std::string rich = R"({"value":"v","key":"k","headers":{"a":"1","b":"2"},"timestamp":1})";
  const std::string most = batch(rich, limits::batch_records_max);
  CHECK(command<SendRecordsCommand>(request("POST", "/topics/t/records", most)).records.size() ==
        limits::batch_records_max);
  const std::string odd =
      batch(R"({"value":"v","x":[0,0,0,0,0,0,0,0,0,0,0,0,0,0]})", limits::batch_records_max);
  const HttpAnswer answer = refusal(request("POST", "/topics/t/records", odd));
  CHECK(answer.status == 400);
  CHECK(message_of(answer).find("too many values") != std::string::npos);
}

TEST_CASE("read command: a message may be JSON of as many values as a batch", "[gateway]") {
  std::string list = "[0";
  for (int i = 0; i < 50'000; ++i) list += ",0";
  const std::string body = R"({"topic":"t","producer_id":1,"message":)" + list + "]}";
  CHECK(command<EnqueueCommand>(request("POST", "/producer/produce", body)).message == list + "]");
  CHECK(refusal(request("POST", "/consumer/register", body)).status == 400);
}

TEST_CASE("read command: absent, null, empty and -1 mean any partition", "[gateway]") {
  for (const char* partition : {"", R"(,"partition":null)", R"(,"partition":-1)",
                                R"(,"partition_id":"-1")", R"(,"partition":"")"}) {
    const std::string body = std::string(R"({"topic":"t","consumer_id":1)") + partition + "}";
    CHECK_FALSE(command<DequeueCommand>(request("GET", "/consumer/consume", body)).partition);
  }
  for (const char* partition : {"-2", "\"x\"", "1.5", "99999999999"}) {
    const std::string body =
        std::string(R"({"topic":"t","consumer_id":1,"partition":)") + partition + "}";
    CHECK(refusal(request("GET", "/consumer/consume", body)).status == 400);
  }
}

TEST_CASE("read command: ids that are none are failures with the text that clients compare",
          "[gateway]") {
  for (const char* id : {"-1", "0", "\"invalid\"", "true", "[]", "{}", "1.5", "1e400",
                         "\"99999999999999999999999\"", "\"\\u0000\""}) {
    INFO(id);
    const std::string body = std::string(R"({"topic":"t","message":"m","producer_id":)") + id + "}";
    const ReadCommand read = read_command(request("POST", "/producer/produce", body));
    const auto* answer = std::get_if<HttpAnswer>(&read.what);
    REQUIRE(answer != nullptr);
    CHECK(answer->status == 400);
    const std::string message = answer->body;
    // What is no JSON number at all is told as malformed JSON.
    if (std::string(id) != "1e400") CHECK(message_of(*answer) == "Invalid producer_id");
  }
  const HttpAnswer answer =
      refusal(request("GET", "/consumer/consume?topic=t&consumer_id=invalid"));
  CHECK(message_of(answer) == "Invalid consumer_id");
}

TEST_CASE("read command: what is missing is named", "[gateway]") {
  CHECK(message_of(refusal(request("POST", "/topics"))).find("topic") != std::string::npos);
  CHECK(
      message_of(refusal(request("POST", "/producer/produce", R"({"topic":"t","producer_id":1})")))
          .find("message") != std::string::npos);
  CHECK(message_of(refusal(request("GET", "/consumer/consume?topic=t"))).find("consumer_id") !=
        std::string::npos);
  CHECK(refusal(request("POST", "/producer/produce", "{\"topic\":")).status == 400);
}

TEST_CASE("read command: a message may be any text, and is never changed", "[gateway]") {
  const auto text = [](const std::string& json) {
    return command<EnqueueCommand>(request("POST", "/producer/produce?topic=t&producer_id=1",
                                           "{\"message\":" + json + "}"))
        .message;
  };
  CHECK(text(R"("a\tb\nc")") == "a\tb\nc");
  CHECK(text(R"("\u00e9 \ud83d\ude00")") == "\xC3\xA9 \xF0\x9F\x98\x80");
  CHECK(text(R"("")").empty());
  CHECK(text(R"("nul \u0000 in it")") == std::string("nul \0 in it", 11));
  CHECK(text(R"("{\"json\": true}")") == R"({"json": true})");
  CHECK(refusal(request("POST", "/producer/produce?topic=t&producer_id=1&message=%ff")).status ==
        400);
}

TEST_CASE("read command: a request id is the parameter's, else the header's", "[gateway]") {
  HttpRequest dequeue = request("GET", "/consumer/consume?topic=t&consumer_id=1");
  dequeue.request_id = "from-header";
  CHECK(command<DequeueCommand>(dequeue).request_id == "from-header");
  dequeue.target = "/consumer/consume?topic=t&consumer_id=1&request_id=own";
  CHECK(command<DequeueCommand>(dequeue).request_id == "own");
  CHECK(
      refusal(request("GET", "/consumer/consume?topic=t&consumer_id=1&request_id=a%0Ab")).status ==
      400);
  const std::string too_long(129, 'x');
  const std::string with_own = "/consumer/consume?topic=t&consumer_id=1&request_id=" + too_long;
  CHECK(refusal(request("GET", with_own)).status == 400);
  // A load balancer's is taken whatever it is, and the same one is the same.
  dequeue.target = "/consumer/consume?topic=t&consumer_id=1";
  dequeue.request_id = too_long;
  const std::string folded = command<DequeueCommand>(dequeue).request_id;
  CHECK(folded.size() < 64);
  CHECK(command<DequeueCommand>(dequeue).request_id == folded);
  dequeue.request_id = "bytes \xff";
  CHECK(command<DequeueCommand>(dequeue).request_id != folded);
}

TEST_CASE("read command: a sequence needs a partition", "[gateway]") {
  const std::string target = "/producer/produce?topic=t&producer_id=1&message=m&sequence=5";
  CHECK(refusal(request("POST", target)).status == 400);
  CHECK(command<EnqueueCommand>(request("POST", target + "&partition=0")).sequence == Sequence{5});
  CHECK(refusal(request("POST", target + "x&partition=0")).status == 400);
}

TEST_CASE("read command: calls without parameters do not look at a body", "[gateway]") {
  CHECK_NOTHROW(command<ListTopicsCommand>(request("GET", "/topics", "{garbage", "text/json")));
  CHECK_NOTHROW(command<HealthCommand>(request("GET", "/health", "\xff\xff")));
  CHECK(refusal(request("GET", "/ping", "{")).body == R"({"message":"pong"})");
  CHECK(refusal(request("GET", "/")).status == 200);
}

TEST_CASE("read command: a batch with a sequence is one, without it its records go their ways",
          "[gateway]") {
  const auto batch = command<SendBatchCommand>(
      request("POST", "/topics/t/records",
              R"({"records":["a",{"value":"b"}],"producer_id":3,"partition":1,"sequence":"40"})"));
  CHECK(batch.topic == "t");
  CHECK(batch.producer == RegistrationId{3});
  CHECK(batch.partition == PartitionIndex{1});
  CHECK(batch.sequence == Sequence{40});
  CHECK(batch.records.size() == 2);
  const auto plain = command<SendRecordsCommand>(
      request("POST", "/topics/t/records", R"({"records":["a",{"value":"b","partition":2}],
              "partition":1})"));
  CHECK(plain.records[0].partition == PartitionIndex{1});
  CHECK(plain.records[1].partition == PartitionIndex{2});
  for (const char* wrong :
       {R"({})", R"({"records":[]})", R"({"records":{}})", R"({"records":"a"})",
        R"({"records":["a"],"sequence":1})", R"({"records":["a"],"sequence":1,"partition":0})",
        R"({"records":["a",{"value":"b","partition":2}],"sequence":1,"partition":0,
           "producer_id":1})",
        R"({"records":["a"],"sequence":-1,"partition":0,"producer_id":1})"}) {
    INFO(wrong);
    CHECK(refusal(request("POST", "/topics/t/records", wrong)).status == 400);
  }
}

TEST_CASE("read command: reading takes an offset, a wait and a count, within bounds", "[gateway]") {
  const std::string path = "/topics/t/partitions/1/records";
  const auto plain = command<ReadRecordsCommand>(request("GET", path));
  CHECK(plain.partition == PartitionIndex{1});
  CHECK(plain.from.kind == ReadFrom::Kind::earliest);
  CHECK(plain.records_max == 500);
  const auto read =
      command<ReadRecordsCommand>(request("GET", path + "?offset=12&wait_ms=5000&max=7"));
  CHECK(read.from.offset == Offset{12});
  CHECK(read.wait == Micros(5s));
  CHECK(read.records_max == 7);
  CHECK(command<ReadRecordsCommand>(request("GET", path + "?offset=latest")).from.kind ==
        ReadFrom::Kind::latest);
  for (const char* wrong :
       {"?offset=-1", "?offset=x", "?wait_ms=30001", "?wait_ms=-1", "?max=0", "?max=10001"}) {
    CHECK(refusal(request("GET", path + wrong)).status == 400);
  }
  CHECK(refusal(request("GET", "/topics/t/partitions/x/records")).status == 400);
  CHECK(refusal(request("GET", "/topics/t/partitions/-1/records")).status == 400);
}

TEST_CASE("read command: a stream goes on where its last event says", "[gateway]") {
  HttpRequest follow = request("GET", "/topics/t/events");
  follow.last_event_id = "0:11,2:4,garbage,3:,:5,4:x";
  const auto stream = command<FollowCommand>(follow);
  REQUIRE(stream.go_on_at.size() == 2);
  CHECK(stream.go_on_at[1] == std::pair(PartitionIndex{2}, Offset{4}));
  CHECK(stream.from.kind == ReadFrom::Kind::latest);
  CHECK(refusal(request("GET", "/topics/t/events?from=5")).status == 400);
}

TEST_CASE("read command: any bytes at all get a command or an answer", "[gateway]") {
  const std::string parts[] = {"{",    "}",    "\"",    "[", "]", ":",
                               ",",    "\\u",  "%",     "&", "=", "topic",
                               "\xff", "null", "1e999", "/", "?", std::string(1, '\0')};
  std::uint32_t state = 12'345;
  const auto pick = [&] {
    state = state * 1'664'525U + 1'013'904'223U;
    return state >> 16;
  };
  for (int i = 0; i < 20'000; ++i) {
    std::string body;
    std::string target = i % 2 == 0 ? "/producer/produce?" : "/";
    for (std::uint32_t k = pick() % 12; k > 0; --k) body += parts[pick() % std::size(parts)];
    for (std::uint32_t k = pick() % 8; k > 0; --k) target += parts[pick() % std::size(parts)];
    const ReadCommand read = read_command(request("POST", target, body));
    if (const auto* answer = std::get_if<HttpAnswer>(&read.what)) {
      CHECK(answer->status >= 200);
      CHECK(answer->status < 500);
      CHECK(parse_json(answer->body));
    }
  }
}

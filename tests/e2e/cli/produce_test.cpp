#include <catch2/catch.hpp>

#include "tests/e2e/cli/up_cluster.hpp"
#include "tests/support/process_cluster.hpp"

#include <csignal>
#include <map>
#include <set>

using namespace pinion;
using namespace pinion::test;

namespace {

UpCluster& cluster() { return UpCluster::shared(); }

std::string consumed(const std::string& topic) {
  const Finished read = cluster().pinion({"consume", topic});
  INFO(read.errors);
  CHECK(read.status == 0);
  return read.output;
}

/// One line on stderr that begins with the program's name.
bool is_one_line(const std::string& errors) {
  return errors.rfind("pinion: ", 0) == 0 && errors.find('\n') == errors.size() - 1;
}

}  // namespace

TEST_CASE("pinion produce: what goes in line by line comes out line by line", "[e2e][cli]") {
  const std::string topic = cluster().new_topic();
  const std::string input =
      std::string("first\n\nwith\ttab\r\n \nzero:") + '\0' + ":\n\xff\xfe\nlast";
  const Finished sent = cluster().pinion({"produce", topic}, input);
  INFO(sent.errors);
  REQUIRE(sent.status == 0);
  CHECK(sent.output.empty());
  CHECK(consumed(topic) == input + "\n");
}

TEST_CASE("pinion produce: nothing to send is nothing sent, and no error", "[e2e][cli]") {
  const std::string topic = cluster().new_topic();
  CHECK(cluster().pinion({"produce", topic}).status == 0);
  CHECK(consumed(topic).empty());
}

TEST_CASE("pinion produce: --report names partition and offset in the order of the input",
          "[e2e][cli]") {
  const std::string topic = cluster().new_topic(3);
  std::string input;
  for (int i = 0; i < 5000; ++i) input += "record " + std::to_string(i) + "\n";
  const Finished sent = cluster().pinion({"produce", topic, "--report"}, input);
  INFO(sent.errors);
  REQUIRE(sent.status == 0);
  const std::vector<std::string> places = lines_of(sent.output);
  const std::vector<std::string> lines = lines_of(input);
  REQUIRE(places.size() == lines.size());
  std::map<std::string, std::vector<std::string>> expected;
  std::map<std::string, std::int64_t> next;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const std::size_t space = places[i].find(' ');
    REQUIRE(space != std::string::npos);
    const std::string partition = places[i].substr(0, space);
    CHECK(std::stoll(places[i].substr(space + 1)) == next[partition]++);
    expected[partition].push_back(lines[i]);
  }
  CHECK(expected.size() == 3);
  for (const auto& [partition, values] : expected) {
    const Finished read = cluster().pinion({"consume", topic, "--partition", partition});
    CHECK(lines_of(read.output) == values);
  }
}

TEST_CASE("pinion produce: acknowledgements are reported while the input is still open",
          "[e2e][cli]") {
  const std::string topic = cluster().new_topic();
  ProcessOptions options = cluster().command({"produce", topic, "--report"});
  options.input = "-";
  TestProcess producer(options);
  for (int i = 0; i < 3; ++i) {
    REQUIRE(producer.write_input("a line\n"));
    CHECK(producer.wait_for_output("0 " + std::to_string(i) + "\n", patience(10s)));
  }
  producer.close_input();
  CHECK(producer.wait(patience(10s)) == 0);
}

TEST_CASE("pinion produce: an interrupted producer delivers what it has read", "[e2e][cli]") {
  const std::string topic = cluster().new_topic();
  ProcessOptions options = cluster().command({"produce", topic, "--report"});
  options.input = "-";
  TestProcess producer(options);
  REQUIRE(producer.write_input("one\ntwo\nhalf a li"));
  REQUIRE(producer.wait_for_output("0 1\n", patience(10s)));
  producer.signal(SIGINT);
  CHECK(producer.wait(patience(10s)) == 130);
  CHECK(consumed(topic) == "one\ntwo\n");
}

TEST_CASE("pinion produce: keys, headers and a partition travel with the record", "[e2e][cli]") {
  const std::string topic = cluster().new_topic(3);
  const Finished sent = cluster().pinion({"produce", topic, "--key-separator", ":", "--header",
                                          "trace=1", "--header", "n=a=b", "--partition", "2"},
                                         "ann:hello:you\n:no key bytes\n");
  INFO(sent.errors);
  REQUIRE(sent.status == 0);
  const Finished read = cluster().pinion({"consume", topic, "--json"});
  const std::vector<std::string> records = lines_of(read.output);
  REQUIRE(records.size() == 2);
  CHECK(records[0].find(R"("partition":2,"offset":0)") != std::string::npos);
  CHECK(
      records[0].find(R"("key":"ann","headers":[["trace","1"],["n","a=b"]],"value":"hello:you")") !=
      std::string::npos);
  CHECK(records[1].find(R"("key":"",)") != std::string::npos);
}

TEST_CASE("pinion produce: one key always goes to one partition", "[e2e][cli]") {
  const std::string topic = cluster().new_topic(3);
  std::string input;
  for (int i = 0; i < 300; ++i) input += "key" + std::to_string(i % 30) + "\tv\n";
  const Finished sent =
      cluster().pinion({"produce", topic, "--key-separator", "\\t", "--report"}, input);
  REQUIRE(sent.status == 0);
  const std::vector<std::string> places = lines_of(sent.output);
  REQUIRE(places.size() == 300);
  std::set<std::string> used;
  for (std::size_t i = 0; i < 300; ++i) {
    const std::string partition = places[i].substr(0, 1);
    CHECK(partition == places[i % 30].substr(0, 1));
    used.insert(partition);
  }
  CHECK(used.size() == 3);
}

TEST_CASE("pinion produce: every kind of acknowledgement sends the records", "[e2e][cli]") {
  for (const char* acks : {"all", "leader", "none"}) {
    const std::string topic = cluster().new_topic();
    const Finished sent = cluster().pinion({"produce", topic, "--acks", acks}, "a\nb\n");
    INFO(acks << " " << sent.errors);
    CHECK(sent.status == 0);
    CHECK(eventually(patience(10s), [&] { return consumed(topic) == "a\nb\n"; }));
  }
}

TEST_CASE("pinion produce: what cannot be done is one line and a status that is not 0",
          "[e2e][cli]") {
  const std::string topic = cluster().new_topic();
  struct Case {
    std::vector<std::string> arguments;
    std::string input;
    std::string says;
  };
  const std::vector<Case> cases = {
      {{"produce", "no-such-topic"}, "x\n", "topic create no-such-topic"},
      {{"produce", topic, "--file", "/no/such/file"}, "", "/no/such/file"},
      {{"produce", topic, "--file", "/tmp"}, "", "/tmp"},
      {{"produce", topic, "--partition", "7"}, "x\n", "partition"},
      {{"produce", topic, "--header", "nothing"}, "x\n", "NAME=VALUE"},
      {{"produce", topic, "--acks", "most"}, "x\n", "--acks"},
      {{"produce", topic, "--key-separator", ":"}, "a:b\nno separator\n", "line 2"},
      {{"produce", topic}, "short\n" + std::string((1 << 20) + 1, 'x') + "\n", "line 2"},
      {{"produce"}, "", "TOPIC"},
  };
  for (const Case& c : cases) {
    const Finished sent = cluster().pinion(c.arguments, c.input);
    INFO(c.says << "\n" << sent.errors);
    CHECK(sent.status != 0);
    CHECK(sent.status != 124);
    CHECK(is_one_line(sent.errors));
    CHECK(sent.errors.find(c.says) != std::string::npos);
  }
}

#include "cli/partition_state.hpp"

#include <catch2/catch.hpp>

using namespace pinion;
using namespace pinion::cli;

namespace {

TopicMetadata topic_of(std::vector<PartitionState> states) {
  TopicMetadata topic;
  topic.name = "t";
  for (const PartitionState state : states) {
    PartitionMetadata partition;
    partition.partition = PartitionIndex(static_cast<std::int32_t>(topic.partitions.size()));
    partition.leader = NodeId(2);
    partition.state = state;
    partition.detail = state == PartitionState::online ? "" : "node 2 is lost";
    topic.partitions.push_back(partition);
  }
  return topic;
}

constexpr auto online = PartitionState::online;
constexpr auto offline = PartitionState::offline;

}  // namespace

TEST_CASE("cli partitions: one that is away is told once, and once that it is back", "[cli]") {
  UnservedPartitions unserved;
  unserved.note(topic_of({online, offline}), {}, 10s);
  CHECK(unserved.news(10s, 1s).empty());
  CHECK(unserved.unserved_for(PartitionIndex(0), 12s) == 0s);
  CHECK(unserved.unserved_for(PartitionIndex(1), 12s) == 2s);
  unserved.note(topic_of({online, offline}), {}, 11s);
  const auto away = unserved.news(11s, 1s);
  REQUIRE(away.size() == 1);
  CHECK(away[0].text == "partition 1 is offline: node 2 is lost");
  CHECK_FALSE(away[0].is_back);
  CHECK(unserved.news(20s, 1s).empty());
  unserved.note(topic_of({online, online}), {}, 21s);
  const auto back = unserved.news(21s, 1s);
  REQUIRE(back.size() == 1);
  CHECK(back[0].text == "partition 1 is back");
  CHECK(back[0].is_back);
  CHECK(unserved.news(22s, 1s).empty());
  CHECK(unserved.why(PartitionIndex(1)).code == Errc::ok);
}

TEST_CASE("cli partitions: a leader that only changes is nobody's news", "[cli]") {
  UnservedPartitions unserved;
  unserved.note(topic_of({PartitionState::opening}), {}, 10s);
  CHECK(unserved.news(10s + 900ms, 1s).empty());
  unserved.note(topic_of({PartitionState::storage_full}), {}, 11s);
  CHECK(unserved.news(20s, 1s).empty());
  // And the time counts from anew.
  unserved.note(topic_of({offline}), {}, 20s);
  CHECK(unserved.unserved_for(PartitionIndex(0), 21s) == 1s);
}

TEST_CASE("cli partitions: those that were not asked for do not matter", "[cli]") {
  UnservedPartitions unserved;
  unserved.note(topic_of({offline, offline}), PartitionIndex(1), 10s);
  const auto away = unserved.news(20s, 1s);
  REQUIRE(away.size() == 1);
  CHECK(away[0].text.find("partition 1") == 0);
}

TEST_CASE("cli partitions: a halted one is told with what to do", "[cli]") {
  const Error error = unserved_error(topic_of({PartitionState::halted}).partitions[0]);
  CHECK(error.code == Errc::storage_failed);
  CHECK(error.detail.find("pinion verify") != std::string::npos);
}

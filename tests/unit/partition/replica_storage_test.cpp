// A disk that is full, and one that cannot be trusted.
#include "tests/unit/partition/node_bench.hpp"

#include <catch2/catch.hpp>

namespace pinion::partition::test {

TEST_CASE(
    "replica: a full disk takes the log, the producers and the offsets back to what is durable",
    "[partition]") {
  NodeBench bench;
  bench.lead();
  const RequestId kept = bench.produce(from_producer(batch_of({"a"}), 42, 0));
  bench.persist();
  const RequestId lost = bench.produce(from_producer(batch_of({"b"}), 42, 1));
  const RequestId lost_too = bench.produce(from_producer(batch_of({"c"}), 43, 0));
  bench.fail_persists(Errc::storage_full);
  CHECK(bench.reply(kept).error() == Errc::ok);
  CHECK(bench.reply(lost).error() == Errc::storage_full);
  CHECK(bench.reply(lost_too).error() == Errc::storage_full);
  CHECK(bench.view().log_end == Offset{1});
  CHECK(bench.view().producers == 1);
  CHECK(bench.view().state == PartitionState::storage_full);
  // The store is told to go on, from there.
  REQUIRE(bench.store.size() == 1);
  CHECK(std::get<ResumeLog>(bench.store.front().op).log_end == Offset{1});
  // Readers are served meanwhile.
  CHECK(bench.reply(bench.fetch(0)).as<FetchReply>().batches.size() == 1);
}

TEST_CASE("replica: the same batch may come again when there is room", "[partition]") {
  NodeBench bench;
  bench.lead();
  bench.produce(from_producer(batch_of({"a"}), 42, 0));
  bench.fail_persists(Errc::storage_full);
  CHECK(bench.reply(bench.produce(from_producer(batch_of({"a"}), 42, 0))).error() ==
        Errc::storage_full);
  bench.pass(limits::storage_probe_every);
  const RequestId again = bench.produce(from_producer(batch_of({"a"}), 42, 0));
  CHECK_FALSE(bench.answered(again));
  // One write finds out; the others are still refused.
  CHECK(bench.reply(bench.produce(batch_of({"b"}))).error() == Errc::storage_full);
  CHECK(bench.view().state == PartitionState::storage_full);
  bench.persist();
  CHECK(bench.reply(again).as<ProduceReply>().base_offset == Offset{0});
  CHECK(bench.view().state == PartitionState::online);
  bench.produce(batch_of({"b"}));
  CHECK(bench.appends_waiting() == 1);
}

TEST_CASE("replica: a disk that stays full is tried more and more seldom", "[partition]") {
  NodeBench bench;
  bench.lead();
  bench.produce(batch_of({"a"}));
  bench.fail_persists(Errc::storage_full);
  bench.pass(1s);
  bench.produce(batch_of({"a"}));
  bench.fail_persists(Errc::storage_full);
  bench.pass(1s);
  CHECK(bench.reply(bench.produce(batch_of({"a"}))).error() == Errc::storage_full);
  bench.pass(1s);
  bench.produce(batch_of({"a"}));
  CHECK(bench.appends_waiting() == 1);
}

TEST_CASE("replica: an epoch whose start was not stored is started again", "[partition]") {
  NodeBench bench;
  bench.lead();
  bench.produce(batch_of({"a"}));
  bench.fail_persists(Errc::storage_full);
  bench.pass(1s);
  bench.produce(batch_of({"a"}));
  REQUIRE(bench.waiting().size() >= 2);
  CHECK(std::holds_alternative<StartEpoch>(bench.waiting()[0].op));
}

TEST_CASE("replica: a duplicate of what is durable is answered on a full disk", "[partition]") {
  NodeBench bench;
  bench.lead();
  bench.produce(from_producer(batch_of({"a"}), 42, 0));
  bench.persist();
  bench.produce(from_producer(batch_of({"b"}), 42, 1));
  bench.fail_persists(Errc::storage_full);
  CHECK(bench.reply(bench.produce(from_producer(batch_of({"a"}), 42, 0))).error() == Errc::ok);
  // And a gap is not called one: what came before it was refused for want of space.
  CHECK(bench.reply(bench.produce(from_producer(batch_of({"c"}), 42, 2))).error() ==
        Errc::storage_full);
}

TEST_CASE("replica: a failed disk halts the partition; everybody is told, then and later",
          "[partition]") {
  NodeBench bench;
  bench.lead();
  bench.produce(batch_of({"a"}));
  bench.persist();
  const RequestId lost = bench.produce(batch_of({"b"}));
  const RequestId position = bench.commit("consumer:ann", 1);
  const RequestId waits = bench.fetch(1, 5000);
  bench.fail_persists(Errc::storage_failed);
  for (const RequestId request : {lost, position, waits}) {
    CHECK(bench.reply(request).error() == Errc::storage_failed);
    CHECK(bench.reply(request).detail().find("pinion verify") != std::string::npos);
  }
  CHECK(bench.reply(bench.produce(batch_of({"c"}))).error() == Errc::storage_failed);
  CHECK(bench.reply(bench.fetch(0)).error() == Errc::storage_failed);
  CHECK(bench.view().role == RoleName::halted);
  CHECK(bench.view().state == PartitionState::halted);
  REQUIRE(bench.store.size() == 1);
  CHECK(std::get<CloseLog>(bench.store.front().op).how == CloseHow::abandon);
  bench.pass(0s);
  const auto reports = bench.told<ReplicaReport>();
  REQUIRE_FALSE(reports.empty());
  CHECK(reports.back().replicas.at(0).state == PartitionState::halted);
}

TEST_CASE("replica: a disk that does not answer is told, so that another one may lead",
          "[partition]") {
  NodeBench bench;
  bench.replicate({});
  const auto said = [&] { return bench.told<ReplicaReport>().back().replicas.back(); };
  const auto beat = [&](Micros time) {
    for (Micros passed{0}; passed < time; passed += 500ms) {
      bench.pass(500ms);
      bench.from_broker(NodeHeartbeatReply{ControllerEpoch{1}, 1},
                        bench.to_controller.back().header.request_id);
    }
  };
  SECTION("one that is slow does answer") {
    for (int i = 0; i < 5; ++i) {
      bench.produce(batch_of({"a"}));
      beat(disk_silent_after - 500ms);
      CHECK(said().file == FileState::open);
      bench.persist();
    }
  }
  SECTION("also when nothing is written for long") {
    bench.produce(batch_of({"a"}));
    bench.persist();
    beat(2 * disk_silent_after);
    CHECK(said().file == FileState::open);
  }
  SECTION("it is told once, and that it is over") {
    const RequestId request = bench.produce(batch_of({"a"}));
    bench.produce(batch_of({"b"}));
    beat(disk_silent_after);
    CHECK(said().file == FileState::failing);
    CHECK(said().role == ReplicaRole::leader);
    CHECK(said().detail.find("has not come back") != std::string::npos);
    CHECK(bench.view().state == PartitionState::online);
    const std::size_t told = bench.told<ReplicaReport>().size();
    beat(disk_silent_after);
    CHECK(bench.told<ReplicaReport>().size() == told);
    // Another one leads: what is on its way is neither given up nor promised.
    bench.assign_replicas({.leader = 2, .epoch = 2, .version = 2});
    bench.pass(Micros{0});
    CHECK(bench.reply(request).error() == Errc::timed_out);
    CHECK(said().file == FileState::failing);
    bench.persist();
    bench.pass(Micros{0});
    CHECK(said().file == FileState::open);
    CHECK(said().detail.empty());
    CHECK(bench.view().durable_end == Offset{2});
    CHECK(bench.happened(EventKind::disk_answers));
  }
}

TEST_CASE("replica: a file that fails by itself halts the partition", "[partition]") {
  NodeBench bench;
  bench.lead();
  const RequestId waits = bench.produce(batch_of({"a"}));
  bench.step(LogFailed{orders, fail(Errc::storage_failed, "another program wrote to it")});
  CHECK(bench.reply(waits).error() == Errc::storage_failed);
  CHECK(bench.view().detail.find("another program") != std::string::npos);
}

namespace {

/// A leader in whose file a read finds damage; it is closed.
void find_damage(NodeBench& bench) {
  bench.replicate({}, recovered(0, 10, 1));
  const RequestId reads = bench.fetch(0);
  bench.fail_read(Errc::file_corrupt);
  CHECK(bench.reply(reads).error() == Errc::storage_failed);
  CHECK(bench.view().state == PartitionState::halted);
  CHECK(bench.view().detail.find("file_corrupt") != std::string::npos);
  bench.close(orders);
}

/// It is opened again, for the store to set it aside, and that is how it ends.
void set_aside(NodeBench& bench, Errc how) {
  REQUIRE(bench.store.size() == 1);
  const OpenLog open = std::get<OpenLog>(bench.store.front().op);
  CHECK(open.if_missing == IfMissing::fail);
  bench.store.clear();
  bench.step(OpenFailed{orders, open.ticket, fail(how, "set aside as x")});
  CHECK(bench.view().state == PartitionState::halted);
}

}  // namespace

TEST_CASE("replica: a copy in which a read finds damage is given up, and made anew",
          "[partition]") {
  NodeBench bench;
  find_damage(bench);
  // What this node knows of the others may be old: the controller has to give it up first.
  CHECK(bench.store.empty());
  bench.assign_replicas({.leader = 2, .epoch = 2, .version = 2, .isr = {1, 2, 3}});
  CHECK(bench.store.empty());
  bench.assign_replicas({.leader = 2, .epoch = 2, .version = 3, .isr = {2, 3}});
  set_aside(bench, Errc::file_corrupt);
  CHECK(bench.view().detail.find("set aside as x") != std::string::npos);
  bench.pass(0s);
  CHECK(bench.told<ReplicaReport>().back().replicas.at(0).file == FileState::lost);
  bench.assign_replicas({.leader = 2, .epoch = 2, .version = 4, .isr = {2, 3}});
  REQUIRE(bench.store.size() == 1);
  CHECK(std::get<OpenLog>(bench.store.front().op).if_missing == IfMissing::begin_again);
  bench.open(orders);
  CHECK(bench.view().role == RoleName::catching_up);
}

TEST_CASE("replica: a damaged copy is set aside when it is closed after it was given up",
          "[partition]") {
  NodeBench bench;
  bench.replicate({}, recovered(0, 10, 1));
  bench.fetch(0);
  bench.fail_read(Errc::file_corrupt);
  bench.assign_replicas({.leader = 2, .epoch = 2, .version = 2, .isr = {2, 3}});
  bench.close(orders);
  set_aside(bench, Errc::file_corrupt);
}

TEST_CASE("replica: a damaged copy on a full disk is set aside when there is room", "[partition]") {
  NodeBench bench;
  find_damage(bench);
  bench.assign_replicas({.leader = 2, .epoch = 2, .version = 2, .isr = {2, 3}});
  set_aside(bench, Errc::storage_full);
  CHECK(bench.store.empty());
  bench.pass(limits::open_retry_every);
  set_aside(bench, Errc::storage_full);
  bench.pass(limits::open_retry_every);
  set_aside(bench, Errc::file_corrupt);
  CHECK(bench.view().detail.find("set aside as x") != std::string::npos);
  bench.pass(limits::open_retry_every);
  CHECK(bench.store.empty());
}

TEST_CASE("replica: the only copy in sync is kept where it is when damage is found in it",
          "[partition]") {
  NodeBench bench;
  bench.replicate({.isr = {1}}, recovered(0, 10, 1));
  bench.fetch(0);
  bench.fail_read(Errc::file_corrupt);
  bench.close(orders);
  bench.assign_replicas({.leader = 1, .epoch = 2, .version = 2, .isr = {1}});
  CHECK(bench.store.empty());
  CHECK(bench.view().state == PartitionState::halted);
}

TEST_CASE("replica: a copy whose file failed in use is looked at when others have everything",
          "[partition]") {
  NodeBench bench;
  bench.replicate({}, recovered(0, 10, 1));
  bench.step(LogFailed{orders, fail(Errc::storage_failed, "x was deleted while it was open")});
  bench.close(orders);
  CHECK(bench.store.empty());
  bench.assign_replicas({.leader = 2, .epoch = 2, .version = 2, .isr = {2, 3}});
  SECTION("it is not there, or not the one it was") {
    set_aside(bench, Errc::file_corrupt);
    bench.pass(0s);
    CHECK(bench.told<ReplicaReport>().back().replicas.at(0).file == FileState::lost);
    bench.assign_replicas({.leader = 2, .epoch = 2, .version = 3, .isr = {2, 3}});
    REQUIRE(bench.store.size() == 1);
    CHECK(std::get<OpenLog>(bench.store.front().op).if_missing == IfMissing::begin_again);
  }
  SECTION("it looks as it should: what a failed sync has left is not relied upon") {
    bench.open(orders, recovered(0, 10, 1));
    bench.close(orders);
    CHECK(bench.view().state == PartitionState::halted);
    CHECK(bench.view().detail.find("was deleted") != std::string::npos);
    CHECK(bench.store.empty());
  }
}

TEST_CASE("replica: a damaged copy that the store finds whole stays halted", "[partition]") {
  NodeBench bench;
  find_damage(bench);
  bench.assign_replicas({.leader = 2, .epoch = 2, .version = 2, .isr = {2, 3}});
  bench.open(orders, recovered(0, 10, 1));
  CHECK(bench.view().state == PartitionState::halted);
  bench.close(orders);
  CHECK(bench.store.empty());
}

TEST_CASE("replica: a halted partition gives its log up only when nobody reads it", "[partition]") {
  NodeBench bench;
  bench.lead(orders, recovered(0, 10, 1));
  const RequestId reads = bench.fetch(0);
  bench.step(LogFailed{orders, fail(Errc::storage_failed, "no")});
  CHECK(bench.store.empty());
  bench.answer_read({stored(batch_of({"x"}), 0)});
  CHECK(bench.reply(reads).error() == Errc::storage_failed);
  CHECK(bench.store.size() == 1);
}

TEST_CASE("replica: while a file is opened requests are put off", "[partition]") {
  NodeBench bench;
  bench.join();
  bench.assign({orders});
  CHECK(bench.reply(bench.fetch(0)).error() == Errc::partition_offline);
}

TEST_CASE("replica: a file that cannot be opened halts its partition with the reason",
          "[partition]") {
  NodeBench bench;
  bench.join();
  bench.assign({orders});
  const Ticket ticket = std::get<OpenLog>(bench.store.front().op).ticket;
  bench.store.clear();
  bench.step(OpenFailed{orders, ticket, fail(Errc::file_corrupt, "set aside as orders-0.bad")});
  CHECK(bench.view().state == PartitionState::halted);
  CHECK(bench.reply(bench.fetch(0)).detail().find("set aside") != std::string::npos);
  CHECK(bench.store.empty());  // Nothing is open that would have to be closed.
}

TEST_CASE("replica: a file that could not be opened for want of space is opened later",
          "[partition]") {
  NodeBench bench;
  bench.join();
  bench.assign({orders});
  const Ticket ticket = std::get<OpenLog>(bench.store.front().op).ticket;
  bench.store.clear();
  bench.step(OpenFailed{orders, ticket, fail(Errc::storage_full, "no space")});
  CHECK(bench.reply(bench.fetch(0)).error() == Errc::partition_offline);
  bench.pass(limits::open_retry_every);
  bench.open(orders);
  CHECK(bench.view().state == PartitionState::online);
}

TEST_CASE("replica: a file newer than the broker's metadata does not serve", "[partition]") {
  NodeBench bench;
  bench.join();
  bench.assign({orders}, 3);
  bench.open(orders, recovered(0, 10, 7));
  CHECK(bench.view().state == PartitionState::halted);
  CHECK(bench.view().detail.find("epoch 7") != std::string::npos);
  // The file is whole: it is closed as such.
  REQUIRE(bench.store.size() == 1);
  CHECK(std::get<CloseLog>(bench.store.front().op).how == CloseHow::clean);
}

TEST_CASE("node: too little free space refuses writes until there is room again", "[partition]") {
  NodeBench bench;
  bench.lead();
  bench.step(DiskChanged{{limits::low_space_bytes_default - 1, 1 << 30}});
  CHECK(bench.view().state == PartitionState::storage_full);
  CHECK(bench.reply(bench.produce(batch_of({"a"}))).error() == Errc::storage_full);
  CHECK(bench.reply(bench.commit("consumer:ann", 0)).error() == Errc::storage_full);
  bench.step(DiskChanged{{limits::low_space_bytes_default + 1, 1 << 30}});
  CHECK(bench.view().state == PartitionState::storage_full);  // No flicker at the mark.
  bench.step(DiskChanged{{2 * limits::low_space_bytes_default, 1 << 30}});
  CHECK(bench.view().state == PartitionState::online);
  bench.produce(batch_of({"a"}));
  CHECK(bench.appends_waiting() == 1);
}

}  // namespace pinion::partition::test

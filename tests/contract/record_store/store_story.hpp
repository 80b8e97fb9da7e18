// A store with one log, told as a story, over the store on disk and over the one in memory.
#pragma once

#include "common/base/limits.hpp"
#include "common/base/prng.hpp"
#include "partition/storage/sqlite_record_store.hpp"
#include "tests/support/memory_record_store.hpp"
#include "tests/support/store_builders.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace pinion::test {

class MemoryHarness {
 public:
  std::unique_ptr<RecordStore> start() { return std::make_unique<MemoryRecordStore>(disk_); }
  void kill() { disk_->kill(); }
  void lose(const LogIdentity& identity) { disk_->lose_file(identity.key); }
  void damage(const LogIdentity& identity) { disk_->damage_file(identity.key); }

 private:
  std::shared_ptr<MemoryDisk> disk_ = std::make_shared<MemoryDisk>();
};

class SqliteHarness {
 public:
  std::unique_ptr<RecordStore> start() {
    storage::SqliteRecordStoreOptions options;
    options.data_dir = folder_.path();
    options.low_space_bytes = 0;
    options.reserve_bytes = 0;
    auto store = storage::SqliteRecordStore::open(options);
    REQUIRE(store);
    return std::move(*store);
  }
  void kill() {}
  void lose(const LogIdentity& identity) { std::filesystem::remove(path_of(identity)); }
  void damage(const LogIdentity& identity) {
    std::filesystem::resize_file(path_of(identity), 16 * 1024 + 100);
  }

 private:
  [[nodiscard]] std::string path_of(const LogIdentity& identity) const {
    return folder_.path() + "/orders/orders-" + std::to_string(identity.key.partition.raw()) +
           ".db";
  }
  StoreFolder folder_;
};

/// A store with one log, its reader, and what a partition leader would know.
template <typename Harness>
struct Story {
  Harness harness;
  std::unique_ptr<RecordStore> store = harness.start();
  OpenedLog opened;
  std::unique_ptr<PartitionReader> reader;
  BatchMaker maker;
  Tickets ticket;
  LogIdentity identity = orders();
  Micros clock{0};

  Story() {
    open(IfMissing::create);
    apply({ticket.epoch(1, Offset(0))});
  }

  void open(IfMissing if_missing) {
    auto result = store->open(identity, if_missing);
    INFO((result ? std::string() : result.error().to_string()));
    REQUIRE(result);
    opened = std::move(*result);
    auto made = store->open_reader(identity);
    REQUIRE(made);
    reader = std::move(*made);
  }
  void apply(std::vector<Persist> group) {
    const Result<void> done = opened.log->apply(group);
    INFO((done ? std::string() : done.error().to_string()));
    REQUIRE(done);
  }
  void maintain() {
    clock += 2s;
    REQUIRE(opened.log->maintain({clock, clock}));
  }
  void forget() {
    reader.reset();
    opened = {};
    store.reset();
  }
  /// The process dies, and another one opens the file.
  void crash() {
    harness.kill();
    forget();
    store = harness.start();
    open(IfMissing::fail);
  }
  void restart() {
    reader.reset();
    REQUIRE(opened.log->close());
    forget();
    store = harness.start();
    open(IfMissing::fail);
  }
  std::vector<Batch> read_all() {
    std::vector<Batch> all;
    Offset at = opened.recovered.log_start;
    while (at < opened.log->log_end()) {
      auto some = reader->read(at, opened.log->log_end(), 4096);
      REQUIRE(some);
      REQUIRE_FALSE(some->empty());
      at = some->back().header.next_offset();
      for (Batch& batch : *some) all.push_back(std::move(batch));
    }
    return all;
  }
};

inline bool same(const std::vector<Batch>& a, const std::vector<Batch>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!(a[i].header == b[i].header) || !(a[i].payload == b[i].payload)) return false;
  }
  return true;
}

inline Position position_of(const std::string& reader, std::int64_t offset, std::int64_t version) {
  Position position;
  position.reader = reader;
  position.offset = Offset(offset);
  position.leader_epoch = Epoch(1);
  position.version = PositionVersion(version);
  position.last_token = "request-" + std::to_string(version);
  position.last_offset = Offset(offset - 1);
  position.updated_at = Micros(1'700'000'000'000'000);
  return position;
}

#define STORES "[record_store]", MemoryHarness, SqliteHarness

}  // namespace pinion::test

// The real store on a disk that fails at every one of its operations in turn. After each: what was
// acknowledged is there, what was not is there as a whole or not at all, and the file is whole.
#include "partition/storage/sqlite_record_store.hpp"
#include "tests/integration/storage/fault_vfs.hpp"
#include "tests/integration/storage/log_model.hpp"

#include <functional>
#include <optional>

namespace pinion::test {
namespace {

using storage::SqliteRecordStore;
using storage::SqliteRecordStoreOptions;

/// One life of a small log with everything in it: creation, commits of all kinds, checkpoints,
/// retention, a cut, closing because idle, closing in order, a restart. Stops at the first failure.
class LifeStory {
 public:
  LifeStory(FaultVfs& vfs, bool retry_when_full) : vfs_(vfs), retry_when_full_(retry_when_full) {}

  /// Returns false when a fault ended it.
  bool run() {
    Tickets& t = ticket_;
    BatchMaker& m = maker_;
    return start() && open() && apply({t.epoch(1, Offset(0))}) &&
           apply({t.append(m.make(3)), t.append(m.make(1)), t.append(m.make(20, 100))}) &&
           apply({t.high_watermark(m.next), t.append(m.make(50, 90))}) && maintain() &&
           apply({t(PutPosition{position(1)}), t.append(m.make(2, 5000))}) &&
           apply({t.high_watermark(m.next), t.append(m.make(90, 100))}) && maintain() &&
           apply({t.high_watermark(m.next)}) && maintain() && maintain() &&
           apply({t.drop_before(Offset(74))}) && maintain() && maintain() && cut() &&
           apply({t.append(m.make(4)), t(PutPosition{position(2)})}) && rest() &&
           apply({t.append(m.make(5, 200))}) && close() && start() && open() &&
           apply({t.append(m.make(6))}) && maintain();
  }

  /// The process is gone; nothing is put in order.
  void end() {
    reader_.reset();
    opened_ = {};
    store_.reset();
  }

  /// After the fault: one of the states that it may have left is there, whole, and goes on.
  void check_survivors() {
    REQUIRE(start());
    const auto if_missing = was_opened_ ? IfMissing::fail : IfMissing::create;
    auto result = store_->open(orders(), if_missing);
    INFO((result ? std::string() : result.error().to_string()));
    REQUIRE(result);
    opened_ = std::move(*result);
    auto reader = store_->open_reader(orders());
    REQUIRE(reader);
    reader_ = std::move(*reader);
    const std::string without = model_.difference(opened_.recovered, *reader_);
    if (!without.empty()) {
      INFO("without the last group it " << without);
      REQUIRE(candidate_);
      CHECK(candidate_->difference(opened_.recovered, *reader_) == "");
      model_ = *candidate_;
    }
    check_whole(opened_.file, vfs_.name());
    go_on();
  }

  [[nodiscard]] const std::string& file() const { return opened_.file; }

 private:
  static Position position(std::int64_t version) {
    Position position;
    position.reader = "consumer:a";
    position.offset = Offset(version);
    position.version = PositionVersion(version);
    return position;
  }

  /// Runs a step; when the disk is full, once more after there is room.
  bool step(const std::function<Result<void>()>& work) {
    Result<void> done = work();
    if (!done && retry_when_full_ && done.error().code == Errc::storage_full) {
      vfs_.heal();
      done = work();
      INFO((done ? std::string() : done.error().to_string()));
      REQUIRE(done);
    }
    if (done) return true;
    INFO(done.error().to_string());
    REQUIRE(vfs_.fired());
    CHECK(done.error().code != Errc::file_corrupt);
    return false;
  }

  bool start() {
    SqliteRecordStoreOptions options;
    options.data_dir = folder_.path();
    options.low_space_bytes = 0;
    options.reserve_bytes = 0;
    options.page_bytes = 4096;
    options.checkpoint_record_bytes = 8 * 1024;
    options.checkpoint_wal_bytes = 4 * options.checkpoint_record_bytes;
    options.vfs = vfs_.name();
    store_.reset();
    return step([&]() -> Result<void> {
      auto opened = SqliteRecordStore::open(options);
      if (!opened) return failure(opened.error());
      store_ = std::move(*opened);
      return {};
    });
  }
  bool open() {
    return step([&]() -> Result<void> {
      auto opened = store_->open(orders(), was_opened_ ? IfMissing::fail : IfMissing::create);
      if (!opened) return failure(opened.error());
      opened_ = std::move(*opened);
      was_opened_ = true;
      return {};
    });
  }
  bool apply(const std::vector<Persist>& group) {
    candidate_ = model_;
    candidate_->apply(group);
    const bool done = step([&] {
      Result<void> result = opened_.log->apply(group);
      // Nothing of it happened, it says: so a fault from here on must not bring it back.
      if (!result && result.error().code == Errc::storage_full && !retry_when_full_)
        candidate_.reset();
      return result;
    });
    if (!done) return false;
    model_ = *candidate_;
    candidate_.reset();
    return true;
  }
  bool maintain() {
    clock_ += 2s;
    return step([&]() -> Result<void> {
      for (int i = 0; i < 3; ++i) PINION_CHECK(discard(opened_.log->maintain({clock_, clock_})));
      return {};
    });
  }
  static Result<void> discard(Result<Micros> result) {
    if (!result) return failure(result.error());
    return {};
  }
  bool rest() {
    if (!maintain()) return false;
    clock_ += 120s;
    if (!maintain()) return false;
    return true;
  }
  bool cut() {
    const Offset end = model_.batches.back().header.base_offset;
    maker_.next = end;
    maker_.epoch = Epoch(2);
    return apply({ticket_.truncate(end), ticket_.epoch(2, end)});
  }
  bool close() {
    reader_.reset();
    const bool closed = step([&]() -> Result<void> {
      if (!opened_.log) return {};
      Result<void> result = opened_.log->close();
      opened_ = {};  // Whatever it said, it may not be used again.
      if (!result && result.error().code == Errc::storage_full && retry_when_full_) return {};
      return result;
    });
    store_.reset();
    return closed;
  }

  /// The log works: one more batch, closed in order, still whole.
  void go_on() {
    maker_.next = model_.end;
    maker_.time = opened_.recovered.last_log_time + Micros(1);
    std::vector<Persist> group;
    maker_.epoch = model_.epochs.empty() ? Epoch(1) : model_.epochs.back().epoch + 1;
    group.push_back(ticket_.epoch(maker_.epoch.raw(), model_.end));
    group.push_back(ticket_.append(maker_.make(3)));
    REQUIRE(apply(group));
    const std::string file = opened_.file;
    REQUIRE(close());
    check_whole(file, vfs_.name());
  }

  FaultVfs& vfs_;
  bool retry_when_full_;
  StoreFolder folder_{"/dev/shm"};
  std::unique_ptr<RecordStore> store_;
  OpenedLog opened_;
  std::unique_ptr<PartitionReader> reader_;
  bool was_opened_ = false;
  BatchMaker maker_;
  Tickets ticket_;
  Micros clock_{0};
  LogModel model_;
  std::optional<LogModel> candidate_;  ///< With the group under way.
};

std::int64_t operations_of_a_life() {
  FaultVfs vfs("pinion-count");
  LifeStory story(vfs, false);
  REQUIRE(story.run());
  story.end();
  return vfs.operations();
}

void fail_everywhere(Fault fault, FaultVfs::Loss loss) {
  static const std::int64_t operations = operations_of_a_life();
  REQUIRE(operations > 100);
  std::int64_t fired = 0;
  for (std::int64_t at = 1; at <= operations; ++at) {
    INFO("fault at operation " << at << " of " << operations);
    FaultVfs vfs("pinion-faults");
    Prng prng(static_cast<std::uint64_t>(at));
    LifeStory story(vfs, fault == Fault::full);
    vfs.arm(fault, at);
    story.run();
    if (vfs.fired()) ++fired;
    story.end();
    vfs.power_cut(loss, prng);
    story.check_survivors();
    story.end();
  }
  CHECK(fired > operations / 4);
}

}  // namespace

TEST_CASE("storage: power lost at every operation, with all that was not synced", "[storage]") {
  fail_everywhere(Fault::power, FaultVfs::Loss::everything);
}

TEST_CASE("storage: power lost at every operation, with some of what was not synced", "[storage]") {
  fail_everywhere(Fault::power, FaultVfs::Loss::some);
}

TEST_CASE("storage: killed at every operation", "[storage]") {
  fail_everywhere(Fault::power, FaultVfs::Loss::nothing);
}

TEST_CASE("storage: every write torn", "[storage]") {
  fail_everywhere(Fault::torn_write, FaultVfs::Loss::nothing);
}

TEST_CASE("storage: every write refused with an I/O error, then power lost", "[storage]") {
  fail_everywhere(Fault::fail_write, FaultVfs::Loss::some);
}

TEST_CASE("storage: every sync refused, then power lost", "[storage]") {
  fail_everywhere(Fault::fail_sync, FaultVfs::Loss::everything);
}

TEST_CASE("storage: the disk full at every operation, and room again", "[storage]") {
  fail_everywhere(Fault::full, FaultVfs::Loss::everything);
}

}  // namespace pinion::test

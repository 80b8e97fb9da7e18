// What a partition file should hold, as plain lists: the tests apply every group to it as well.
#pragma once

#include "common/ports/record_store.hpp"
#include "partition/storage/verify.hpp"
#include "tests/support/store_builders.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <string>
#include <vector>

namespace pinion::test {

struct LogModel {
  Offset start{0};
  Offset end{0};
  std::vector<Batch> batches;
  std::vector<EpochStart> epochs;
  std::map<std::string, Position> positions;

  void apply(const std::vector<Persist>& group) {
    for (const Persist& persist : group) {
      std::visit([this](const auto& op) { apply(op); }, persist.op);
    }
  }

  /// Empty when the file that was opened holds exactly this.
  [[nodiscard]] std::string difference(const RecoveredLog& log, PartitionReader& reader) const {
    if (log.log_start != start) return "starts at " + std::to_string(log.log_start.raw());
    if (log.log_end != end) return "ends at " + std::to_string(log.log_end.raw());
    if (log.epochs != epochs) return "has other epochs";
    if (log.high_watermark > end || log.high_watermark < start) return "has a wrong high watermark";
    if (log.positions.size() != positions.size()) return "has other positions";
    for (const Position& position : log.positions) {
      const auto found = positions.find(position.reader);
      if (found == positions.end() || found->second != position) return "has other positions";
    }
    std::size_t next = 0;
    for (Offset at = start; at < end; ++next) {
      const auto read = reader.read(at, end, 1);
      if (!read) return "cannot be read: " + read.error().to_string();
      if (read->size() != 1 || next >= batches.size()) return "has another number of batches";
      if ((*read)[0].header != batches[next].header ||
          !((*read)[0].payload == batches[next].payload)) {
        return "has another batch at " + std::to_string(at.raw());
      }
      at = (*read)[0].header.next_offset();
    }
    return next == batches.size() ? "" : "has too few batches";
  }

 private:
  void apply(const AppendBatch& op) {
    batches.push_back(op.batch);
    end = op.batch.header.next_offset();
  }
  void apply(const StartEpoch& op) { epochs.push_back(op.start); }
  void apply(const PutPosition& op) { positions[op.position.reader] = op.position; }
  void apply(const NoteHighWatermark&) {}
  void apply(const Truncate& op) {
    while (!batches.empty() && batches.back().header.base_offset >= op.end) batches.pop_back();
    while (!epochs.empty() && epochs.back().start >= op.end) epochs.pop_back();
    end = op.end;
  }
  void apply(const DropBefore& op) {
    if (op.start <= start) return;
    std::erase_if(batches, [&](const Batch& batch) { return batch.header.base_offset < op.start; });
    start = op.start;
  }
  void apply(const ResetPositions& op) {
    positions.clear();
    for (const Position& position : op.positions) positions[position.reader] = position;
  }
  void apply(const BeginAt& op) {
    batches.clear();
    epochs.clear();
    start = end = op.start;
  }
};

/// verify_file finds nothing wrong.
inline void check_whole(const std::string& path, const std::string& vfs = {}) {
  storage::VerifyOptions options;
  options.vfs = vfs;
  const auto report = storage::verify_file(path, options);
  REQUIRE(report);
  std::string problems;
  for (const std::string& problem : report->problems) problems += problem + "\n";
  INFO(problems);
  CHECK(report->ok());
}

}  // namespace pinion::test

// Is this partition file whole? Used by `pinion verify`, by the tests, and never on the hot path.
//
// Opens the file read-only, trusts nothing in it, and survives files that are damaged in any way.
// Any thread; may be used while a partition broker has the file open.
#pragma once

#include "common/base/ids.hpp"
#include "common/base/result.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace pinion::storage {

struct VerifyOptions {
  std::size_t problems_max = 100;  ///< Listed; all are counted.
  /// Called now and then with the records read so far and the log's size; false gives up
  /// (`cancelled`).
  std::function<bool(std::int64_t done, std::int64_t total)> progress;
  std::string vfs;  ///< SQLite's; empty: the default one.
};

struct VerifyReport {
  std::string file;
  std::string cluster_id;
  std::string topic_name;
  std::int64_t topic_id = 0;
  std::int32_t partition = -1;
  std::string file_id;
  Offset log_start{0};
  Offset log_end{0};
  Offset high_watermark{0};
  std::int64_t records = 0;
  std::int64_t batches = 0;
  std::int64_t epochs = 0;
  std::int64_t producers = 0;
  std::int64_t positions = 0;
  std::uint64_t payload_bytes = 0;
  bool clean = false;  ///< It was closed in order, and nothing was written since.

  std::int64_t problems_found = 0;
  std::vector<std::string> problems;  ///< One sentence each, in the order they were found.

  [[nodiscard]] bool ok() const noexcept { return problems_found == 0; }
};

/// Checks: SQLite's own structure; schema, identity, and that every value is of its column's type;
/// every name of `meta`; offsets without gaps from the log's start to its end; batches against
/// messages and each other; every batch's crc32c, computed again from the rows; log time strictly
/// increasing; epochs in order and agreeing with the batches; the high watermark; positions and
/// slots; the producers' snapshot against the batches that are there. A damaged file is a report
/// with problems; an error is only for a file that cannot be opened at all (`io_failed`) and for
/// `cancelled`.
[[nodiscard]] Result<VerifyReport> verify_file(const std::string& path,
                                               const VerifyOptions& options = {});

}  // namespace pinion::storage

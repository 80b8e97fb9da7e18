// One read-only SQL statement over the live log, on behalf of somebody who is not trusted.
//
// The statement sees views named messages, readable, batches, epochs and consumer_offsets, which
// end where the caller says, each with a `partition` column. The file is attached read-only under a
// random name to an empty database, so that the tables themselves have no name that anybody could
// write; the authorizer refuses everything but reading those views and calling what
// query_functions.hpp allows. Bounded in time, rows, bytes, memory and temporary disk space, also
// within a single instruction of SQLite's. Any thread; opens a connection of its own and closes it.
#pragma once

#include "common/base/ids.hpp"
#include "common/base/result.hpp"
#include "common/ports/record_store.hpp"

#include <functional>
#include <string>

namespace pinion::storage {

struct QueryScope {
  std::string path;
  std::string vfs;
  PartitionIndex partition{0};
  QueryBounds bounds;
  std::function<bool()> disk_is_low;  ///< True ends a query that spills to the disk.
};

/// `sql_invalid` with SQLite's message, `sql_refused`, `sql_limit`; `cancelled` when the bounds say
/// so; `file_corrupt` when the file is found damaged, `io_failed` when the query cannot be run now.
[[nodiscard]] Result<QueryReply> run_query(const std::string& sql, const QueryScope& scope);

}  // namespace pinion::storage

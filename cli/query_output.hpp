// The rows of a query as a table, as CSV or as JSON. Rows of a partition are written as they come,
// but for a table's, whose columns are as wide as the widest of all.
#pragma once

#include "cli/output.hpp"
#include "common/proto/messages.hpp"

#include <memory>

namespace pinion::cli {

enum class QueryFormat : unsigned char { table, csv, json };

class QueryOutput {
 public:
  virtual ~QueryOutput() = default;
  /// Of one partition; all have the same columns.
  virtual void add(const QueryReply& reply) = 0;
  /// After the last. Nothing is written when no partition answered.
  virtual void finish() = 0;
  /// Whether values were left out that another format gives whole.
  [[nodiscard]] virtual bool cut() const { return false; }
};

/// `out` must outlive it.
[[nodiscard]] std::unique_ptr<QueryOutput> make_query_output(QueryFormat format, Output& out);

}  // namespace pinion::cli

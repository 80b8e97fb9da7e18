// AsyncCalls: what Admin does, and single fetches, without a thread that waits. For event loops: a
// dashboard, a gateway.
//
// Every call returns at once. It either gives an error, and then no callback follows, or its
// callback runs exactly once, by the timeout: on the client's I/O thread, so it must be quick, must
// not wait, and may make further calls here. When the client closes, what is open is answered
// `closed`.
//
// Errors are those of Admin's calls; retriable refusals are retried until the timeout. An error of
// the call itself is invalid_argument, throttled (client_commands_max wait) or closed.
#pragma once

#include "client/api/admin.hpp"
#include "client/api/consumer.hpp"
#include "common/base/ids.hpp"
#include "common/base/limits.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"
#include "common/proto/messages.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pinion {

struct FetchRequest {
  TopicPartition partition{};
  Offset offset{0};
  /// Of the last record that was read before `offset`; 0: none, or unknown. With it the answer is
  /// log_truncated when the log was cut below that record.
  Epoch last_epoch{0};
  std::size_t bytes_max = limits::fetch_bytes_default;  ///< At most limits::fetch_bytes_max.
  Micros wait{0};  ///< For something to read; at most limits::fetch_wait_max.
};

/// Records from `offset` on, each batch's checksum verified. None: there was nothing in time.
struct FetchedRecords {
  RecordBatch records;
  Offset next{0};       ///< To go on at.
  Epoch last_epoch{0};  ///< Of the last record, or the request's.
  Offset high_watermark{0};
  Offset log_start{0};
};

class AsyncCalls {
 public:
  template <typename T>
  using Callback = std::function<void(Result<T>)>;

  [[nodiscard]] Result<void> create_topic(std::string_view name, const TopicConfig& config,
                                          Micros timeout, Callback<TopicMetadata> done);
  [[nodiscard]] Result<void> delete_topic(std::string_view name, Micros timeout,
                                          Callback<void> done);
  [[nodiscard]] Result<void> list_topics(Micros timeout, Callback<std::vector<TopicMetadata>> done);
  [[nodiscard]] Result<void> cluster_status(Micros timeout, Admin::Partitions with,
                                            Callback<ClusterStatusReply> done);
  [[nodiscard]] Result<void> list_offset(const TopicPartition& partition, Place place,
                                         Micros timeout, Callback<Offset> done);
  [[nodiscard]] Result<void> fetch_position(const TopicPartition& partition,
                                            std::string_view reader, Micros timeout,
                                            Callback<ReaderPosition> done);
  /// `next` = -1 forgets the position. `last_epoch` as in FetchRequest.
  [[nodiscard]] Result<void> commit_position(const TopicPartition& partition,
                                             std::string_view reader, Offset next, Epoch last_epoch,
                                             Micros timeout, Callback<void> done);
  /// `timeout` begins after request.wait. offset_out_of_range: see list_offset.
  [[nodiscard]] Result<void> fetch(const FetchRequest& request, Micros timeout,
                                   Callback<FetchedRecords> done);
  /// SQL on one partition. Admin::query asks them all, one after the other.
  [[nodiscard]] Result<void> query(const TopicPartition& partition, std::string_view sql,
                                   std::uint32_t rows_max, Micros timeout,
                                   Callback<QueryReply> done);

  struct Inside;  ///< Private to the library.
  explicit AsyncCalls(std::shared_ptr<Inside> inside) noexcept : inside_(std::move(inside)) {}

 private:
  std::shared_ptr<Inside> inside_;
};

}  // namespace pinion

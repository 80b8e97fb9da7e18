// QueryFeed: SQL over the live log, of one partition or of all, one after the other; and exports,
// which are written a piece a turn so that nothing else waits for all of them, and brought to the
// disk by a thread of its own, which may take its time. A disk that is behind may hold up a piece.
#pragma once

#include "client/api/client.hpp"
#include "gui/feed/feed_context.hpp"
#include "gui/feed/fresh_file.hpp"
#include "gui/model/commands.hpp"
#include "gui/model/snapshot.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

namespace pinion::gui {

class QueryFeed {
 public:
  explicit QueryFeed(FeedContext& context) : context_(&context) {}

  /// `partitions`: of the topic; nothing when it is not known.
  void run(const RunQuery& command, std::optional<std::int32_t> partitions);
  void cancel();
  [[nodiscard]] std::shared_ptr<const QueryView> view();

 private:
  void ask(std::int32_t partition);
  void on_answer(std::int32_t partition, Result<QueryReply>&& reply);
  void end(Error error);

  FeedContext* context_;
  QueryView shown_;
  std::uint32_t rows_max_ = 0;
  std::int32_t last_ = 0;  ///< The last partition to ask.
  Micros begun_{0};
  std::shared_ptr<const QueryView> view_;
};

class ExportFeed {
 public:
  explicit ExportFeed(FeedContext& context) : context_(&context) {}
  /// What is on its way to the disk is waited for.
  ~ExportFeed();
  ExportFeed(const ExportFeed&) = delete;
  ExportFeed& operator=(const ExportFeed&) = delete;

  void begin(ExportRows command);
  void on_tick();
  [[nodiscard]] Micros next_deadline() const noexcept { return rows_ ? Micros{0} : never; }
  [[nodiscard]] const ActionResult& result() const noexcept { return result_; }

 private:
  [[nodiscard]] std::size_t count() const;
  [[nodiscard]] std::size_t write_row(std::size_t index);
  /// What cannot be written ends it.
  void write(std::string_view text);
  void begin_put();
  void end_put();
  void end(bool ok, std::string text);
  void end_taken(std::string text);

  FeedContext* context_;
  ActionResult result_;
  std::string path_;
  std::optional<ExportRows> rows_;  ///< Until the last was written: they may be half a GiB.
  std::optional<FreshFile> file_;   ///< What is not whole in the end is removed.
  std::size_t at_ = 0;
  std::uint64_t left_out_ = 0;
  std::thread putting_;
  std::optional<Result<bool>> put_;  ///< The other thread's, until `put_done_`.
  std::atomic<bool> put_done_{false};
};

}  // namespace pinion::gui

// ReaderFeed: carries out what Reading wants, and keeps what it fetched for the consumer panel.
#pragma once

#include "client/api/client.hpp"
#include "gui/feed/feed_context.hpp"
#include "gui/model/commands.hpp"
#include "gui/model/reading.hpp"
#include "gui/model/record_log.hpp"
#include "gui/model/snapshot.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace pinion::gui {

/// The records of an answer as rows of a table, without copying them; those below `keep_below`.
[[nodiscard]] RecordChunk chunk_of(const RecordBatch& records, std::int64_t keep_below);

class ReaderFeed {
 public:
  ReaderFeed(FeedContext& context, RecordLogLimits limits) : context_(&context), log_(limits) {}

  void start(const StartReading& command);
  void stop();
  void refresh();
  void set_mode(ReadMode mode);
  void set_period(Micros period);
  void seek(const ReadPlace& place);
  void clear();
  void on_topics(const ReadTopics& topics);
  void on_tick();
  [[nodiscard]] Micros next_deadline() const { return reading_.next_deadline(); }
  [[nodiscard]] std::shared_ptr<const ConsumeView> view();
  /// Commits that were not answered yet.
  [[nodiscard]] std::size_t commits_open() const noexcept { return commits_open_; }

 private:
  void carry_out();
  void ask(const ReadingEffects::Ask& ask);
  void place(const ReadingEffects::Place& place);
  void fetch(const ReadingEffects::Fetch& fetch);
  void commit(const ReadingEffects::Commit& commit);
  void on_fetched(const ReadingEffects::Fetch& fetch, Result<FetchAnswer>&& fetched);

  FeedContext* context_;
  Reading reading_;
  ReadingEffects effects_;
  RecordLog log_;
  std::string reader_;
  std::uint64_t cleared_ = 0;
  std::size_t commits_open_ = 0;
  bool changed_ = true;
  std::shared_ptr<const ConsumeView> view_;
};

}  // namespace pinion::gui

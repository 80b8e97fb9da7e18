// BrowseFeed: a window into one partition, that grows at either end as a person scrolls. A record's
// number in the view is its offset. Positions of readers are not touched.
#pragma once

#include "client/api/client.hpp"
#include "gui/feed/feed_context.hpp"
#include "gui/model/commands.hpp"
#include "gui/model/snapshot.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <string>

namespace pinion::gui {

class BrowseFeed {
 public:
  explicit BrowseFeed(FeedContext& context) : context_(&context) {}

  void open(const BrowsePartition& command);
  void more(BrowseTo to);
  [[nodiscard]] std::shared_ptr<const BrowseView> view();

 private:
  struct Piece {
    std::int64_t first = 0;
    std::shared_ptr<const RecordChunk> chunk;
  };

  void find_range();
  void find_place();
  void begin_at(std::int64_t offset);
  void fetch(std::int64_t from, std::int64_t below, BrowseTo to);
  void on_fetched(std::int64_t below, BrowseTo to, Result<FetchAnswer>&& fetched);
  void read_to_end();
  void add_older();
  [[nodiscard]] std::size_t held_bytes() const;
  [[nodiscard]] std::int64_t page_records() const;
  void drop_far_end(BrowseTo to);
  void fail(const Error& error);
  void changed();
  [[nodiscard]] TopicPartition key() const;

  FeedContext* context_;
  BrowsePartition wanted_;
  BrowseView shown_;
  std::deque<Piece> pieces_;
  std::deque<Piece> older_;  ///< Read in order, and put in front together.
  std::int64_t older_from_ = 0;
  bool to_end_ = false;  ///< The newest are being read, and are shown when they are there.
  std::shared_ptr<const BrowseView> view_;
};

}  // namespace pinion::gui

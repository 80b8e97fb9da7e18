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

/// A page is what is read at once. Of bytes there may be an answer more, or what is in sight.
struct BrowseLimits {
  std::int64_t page_records = 500;
  std::size_t page_bytes = 8UL * 1024 * 1024;
  std::int64_t held_records = 50'000;
  std::size_t held_bytes = 256UL * 1024 * 1024;
  std::uint32_t answer_bytes = 1U * 1024 * 1024;
};

class BrowseFeed {
 public:
  explicit BrowseFeed(FeedContext& context, BrowseLimits limits = {})
      : context_(&context), limits_(limits) {}

  void open(const BrowsePartition& command);
  void more(const BrowseMore& command);
  [[nodiscard]] std::shared_ptr<const BrowseView> view();

 private:
  struct Piece {
    std::int64_t first = 0;
    std::shared_ptr<const RecordChunk> chunk;
  };

  void find_range();
  void find_place();
  void begin_at(std::int64_t offset);
  using Pieces = std::deque<Piece>;
  void fetch(std::int64_t from, std::int64_t below, BrowseTo to);
  void on_fetched(std::int64_t below, BrowseTo to, Result<FetchAnswer>&& fetched);
  void on_newer(std::int64_t next, std::int64_t below, bool goes_on);
  void on_older(std::int64_t next, std::int64_t below, bool goes_on);
  [[nodiscard]] std::int64_t fit_page(Pieces& pieces, std::int64_t next, std::int64_t below) const;
  void add_older();
  [[nodiscard]] std::int64_t page_records() const;
  void drop_far_end(BrowseTo to);
  void fail(const Error& error);
  void changed();
  [[nodiscard]] TopicPartition key() const;

  FeedContext* context_;
  BrowseLimits limits_;
  BrowsePartition wanted_;
  BrowseView shown_;
  Pieces pieces_;
  Pieces older_;           ///< Read in order, and put in front together.
  std::int64_t seen_ = 0;  ///< Of BrowseMore.
  std::int64_t seen_end_ = 0;
  bool to_end_ = false;  ///< The newest are being read, and are shown when they are there.
  std::shared_ptr<const BrowseView> view_;
};

}  // namespace pinion::gui

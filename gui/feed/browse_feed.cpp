#include "gui/feed/browse_feed.hpp"

#include "gui/feed/reader_feed.hpp"
#include "gui/model/words.hpp"

#include <algorithm>
#include <utility>

namespace pinion::gui {
namespace {

constexpr std::int64_t page_records_max = 500;
constexpr std::int64_t page_bytes_max = 8L * 1024 * 1024;
constexpr std::int64_t held_records_max = 50'000;
constexpr std::size_t held_bytes_max = 256UL * 1024 * 1024;
constexpr std::size_t answer_bytes = 1UL * 1024 * 1024;

}  // namespace

TopicPartition BrowseFeed::key() const {
  return {wanted_.topic, PartitionIndex(wanted_.partition)};
}

void BrowseFeed::changed() {
  view_.reset();
  context_->dirty = true;
}

void BrowseFeed::fail(const Error& error) {
  shown_.loading = false;
  shown_.problem = words_of(error);
  older_.clear();
  to_end_ = false;
  changed();
}

void BrowseFeed::open(const BrowsePartition& command) {
  wanted_ = command;
  const std::uint64_t number = shown_.number + 1;
  shown_ = {};
  shown_.number = number;
  shown_.topic = command.topic;
  shown_.partition = command.partition;
  shown_.loading = true;
  pieces_.clear();
  older_.clear();
  to_end_ = command.place.kind == ReadPlace::Kind::latest;
  changed();
  if (!context_->client) return fail(pinion::fail(Errc::connection_lost, "there is no broker"));
  find_range();
}

void BrowseFeed::find_range() {
  const std::uint64_t number = shown_.number;
  const auto on_latest = [this, number](Result<Offset>&& offset) {
    if (number != shown_.number) return;
    if (!offset) return fail(offset.error());
    shown_.high_watermark = offset->raw();
    shown_.range_known = true;
    find_place();
  };
  const auto on_earliest = [this, number, on_latest](Result<Offset>&& offset) {
    if (number != shown_.number) return;
    if (!offset) return fail(offset.error());
    shown_.log_start = offset->raw();
    context_->calls->list_offset(key(), Place::latest(), call_timeout,
                                 context_->on_feed<Offset>(on_latest));
  };
  context_->calls->list_offset(key(), Place::earliest(), call_timeout,
                               context_->on_feed<Offset>(on_earliest));
}

void BrowseFeed::find_place() {
  switch (wanted_.place.kind) {
    case ReadPlace::Kind::committed:
    case ReadPlace::Kind::earliest:
      return begin_at(shown_.log_start);
    case ReadPlace::Kind::latest:
      return begin_at(shown_.high_watermark - page_records_max);
    case ReadPlace::Kind::offset:
      return begin_at(wanted_.place.offset);
    case ReadPlace::Kind::time:
      break;
  }
  const std::uint64_t number = shown_.number;
  context_->calls->list_offset(key(), Place::time(wanted_.place.time), call_timeout,
                               context_->on_feed<Offset>([this, number](Result<Offset>&& offset) {
                                 if (number != shown_.number) return;
                                 if (!offset) return fail(offset.error());
                                 begin_at(offset->raw());
                               }));
}

void BrowseFeed::begin_at(std::int64_t offset) {
  const std::int64_t low = shown_.log_start;
  shown_.first = std::clamp(offset, low, std::max(low, shown_.high_watermark));
  shown_.next = shown_.first;
  fetch(shown_.first, shown_.high_watermark, BrowseTo::newer);
}

void BrowseFeed::more(BrowseTo to) {
  if (shown_.number == 0 || shown_.loading || !context_->client) return;
  if (to == BrowseTo::newer) {
    shown_.loading = true;
    return fetch(shown_.next, INT64_MAX, to);
  }
  if (shown_.first <= shown_.log_start) return;
  shown_.loading = true;
  older_from_ = std::max(shown_.log_start, shown_.first - page_records());
  fetch(older_from_, shown_.first, to);
}

void BrowseFeed::fetch(std::int64_t from, std::int64_t below, BrowseTo to) {
  const std::uint64_t number = shown_.number;
  changed();
  if (from >= below) {
    shown_.loading = false;
    to_end_ = false;
    return;
  }
  FetchCall request;
  request.topic = key().topic;
  request.partition = key().partition;
  request.offset = Offset(from);
  request.bytes_max = answer_bytes;
  context_->calls->fetch(
      request, call_timeout,
      context_->on_feed<FetchAnswer>([this, number, below, to](Result<FetchAnswer>&& got) {
        if (number != shown_.number) return;
        if (!got) return fail(got.error());
        on_fetched(below, to, std::move(got));
      }));
}

void BrowseFeed::on_fetched(std::int64_t below, BrowseTo to, Result<FetchAnswer>&& fetched) {
  shown_.problem.clear();
  shown_.high_watermark = std::max(shown_.high_watermark, fetched->high_watermark.raw());
  shown_.log_start = std::max(shown_.log_start, fetched->log_start.raw());
  auto chunk = std::make_shared<const RecordChunk>(chunk_of(fetched->records, below));
  const std::int64_t next = std::min(below, fetched->next.raw());
  if (!chunk->rows.empty()) {
    Piece piece{chunk->rows.front().offset, chunk};
    (to == BrowseTo::newer ? pieces_ : older_).push_back(std::move(piece));
  }
  // A page may be several answers.
  const bool goes_on = !chunk->rows.empty() && next < below;
  if (to == BrowseTo::newer) {
    if (!chunk->rows.empty()) shown_.next = next;
    if (to_end_ && goes_on) return read_to_end();
    to_end_ = false;
    shown_.loading = false;
  } else if (goes_on) {
    return fetch(next, below, to);
  } else {
    if (next < below) older_.clear();  // They would not join what is shown.
    add_older();
  }
  drop_far_end(to);
  changed();
}

/// The newest records are wanted, and there are more. Of large ones a page is fewer.
void BrowseFeed::read_to_end() {
  const std::int64_t from = shown_.high_watermark - page_records();
  if (from > shown_.next) {
    pieces_.clear();
    shown_.first = shown_.next = from;
  }
  drop_far_end(BrowseTo::newer);
  fetch(shown_.next, shown_.high_watermark, BrowseTo::newer);
}

std::size_t BrowseFeed::held_bytes() const {
  std::size_t bytes = 0;
  for (const Piece& piece : pieces_) bytes += piece.chunk->bytes;
  return bytes;
}

/// How many records are read at once, by how large those are that were read.
std::int64_t BrowseFeed::page_records() const {
  const std::int64_t held = shown_.next - shown_.first;
  if (held <= 0) return page_records_max;
  const auto each = std::max<std::int64_t>(1, static_cast<std::int64_t>(held_bytes()) / held);
  return std::clamp<std::int64_t>(page_bytes_max / each, 1, page_records_max);
}

void BrowseFeed::add_older() {
  shown_.loading = false;
  if (older_.empty()) return;
  shown_.first = older_.front().first;
  pieces_.insert(pieces_.begin(), older_.begin(), older_.end());
  older_.clear();
}

void BrowseFeed::drop_far_end(BrowseTo to) {
  std::size_t bytes = held_bytes();
  const auto too_much = [&] {
    return shown_.next - shown_.first > held_records_max || bytes > held_bytes_max;
  };
  while (pieces_.size() > 1 && too_much()) {
    if (to == BrowseTo::newer) {
      bytes -= pieces_.front().chunk->bytes;
      pieces_.pop_front();
      shown_.first = pieces_.front().first;
    } else {
      bytes -= pieces_.back().chunk->bytes;
      shown_.next = pieces_.back().first;
      pieces_.pop_back();
    }
  }
}

std::shared_ptr<const BrowseView> BrowseFeed::view() {
  if (view_) return view_;
  auto view = std::make_shared<BrowseView>(shown_);
  if (to_end_) return view_ = std::move(view);  // What is there is not what was asked for yet.
  std::vector<std::uint64_t> begins;
  LogView::Chunks chunks;
  for (const Piece& piece : pieces_) {
    begins.push_back(static_cast<std::uint64_t>(piece.first));
    chunks.push_back(piece.chunk);
  }
  view->records =
      LogView(static_cast<std::uint64_t>(shown_.first), static_cast<std::uint64_t>(shown_.next),
              std::move(begins), std::move(chunks));
  view_ = std::move(view);
  return view_;
}

}  // namespace pinion::gui

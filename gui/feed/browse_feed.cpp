#include "gui/feed/browse_feed.hpp"

#include "gui/feed/reader_feed.hpp"
#include "gui/model/words.hpp"

#include <algorithm>
#include <utility>

namespace pinion::gui {
namespace {

template <typename Pieces>
std::size_t bytes_of(const Pieces& pieces) {
  std::size_t bytes = 0;
  for (const auto& piece : pieces) bytes += piece.chunk->bytes;
  return bytes;
}

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
  seen_ = seen_end_ = 0;
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
      return begin_at(shown_.high_watermark - limits_.page_records);
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

void BrowseFeed::more(const BrowseMore& command) {
  if (shown_.number == 0 || shown_.loading || !context_->client) return;
  const bool older = command.to == BrowseTo::older;
  if (older && shown_.first <= shown_.log_start) return;
  shown_.loading = true;
  seen_ = command.seen;
  seen_end_ = command.seen_end;
  if (!older) return fetch(shown_.next, INT64_MAX, command.to);
  fetch(std::max(shown_.log_start, shown_.first - page_records()), shown_.first, command.to);
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
  request.bytes_max = limits_.answer_bytes;
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
    on_newer(next, below, goes_on);
  } else {
    on_older(next, below, goes_on);
  }
}

void BrowseFeed::on_newer(std::int64_t next, std::int64_t below, bool goes_on) {
  if (!pieces_.empty()) shown_.next = std::max(shown_.next, next);
  if (to_end_ && goes_on) {
    // The newest records are wanted, and there are more.
    shown_.next = fit_page(pieces_, next, below);
    shown_.first = pieces_.empty() ? shown_.next : pieces_.front().first;
    return fetch(shown_.next, below, BrowseTo::newer);
  }
  to_end_ = false;
  shown_.loading = false;
  drop_far_end(BrowseTo::newer);
  changed();
}

void BrowseFeed::on_older(std::int64_t next, std::int64_t below, bool goes_on) {
  if (goes_on) return fetch(fit_page(older_, next, below), below, BrowseTo::older);
  if (next < below) older_.clear();  // They would not join what is shown.
  add_older();
  drop_far_end(BrowseTo::older);
  changed();
}

/// Of a page that is read up to `below` as much as its bytes allow: what is at its end. How large
/// the rest is, is guessed by what came last, so that not all of it is read for that. Where to read
/// on.
std::int64_t BrowseFeed::fit_page(Pieces& pieces, std::int64_t next, std::int64_t below) const {
  const RecordChunk& last = *pieces.back().chunk;
  const std::size_t each = std::max<std::size_t>(1, last.bytes / last.rows.size());
  const auto fit = static_cast<std::int64_t>(std::max<std::size_t>(1, limits_.page_bytes / each));
  if (below - next > fit) {
    pieces.clear();
    return below - fit;
  }
  std::size_t bytes = bytes_of(pieces);
  while (pieces.size() > 1 && bytes > limits_.page_bytes) {
    bytes -= pieces.front().chunk->bytes;
    pieces.pop_front();
  }
  return next;
}

/// How many records are read at once, by how large those are that were read.
std::int64_t BrowseFeed::page_records() const {
  const std::int64_t held = shown_.next - shown_.first;
  if (held <= 0) return limits_.page_records;
  const std::size_t each =
      std::max<std::size_t>(1, bytes_of(pieces_) / static_cast<std::size_t>(held));
  return std::clamp<std::int64_t>(static_cast<std::int64_t>(limits_.page_bytes / each), 1,
                                  limits_.page_records);
}

void BrowseFeed::add_older() {
  shown_.loading = false;
  if (older_.empty()) return;
  shown_.first = older_.front().first;
  pieces_.insert(pieces_.begin(), older_.begin(), older_.end());
  older_.clear();
}

/// But nothing that is in sight.
void BrowseFeed::drop_far_end(BrowseTo to) {
  std::size_t bytes = bytes_of(pieces_);
  const auto too_much = [&] {
    return shown_.next - shown_.first > limits_.held_records || bytes > limits_.held_bytes;
  };
  while (pieces_.size() > 1 && too_much()) {
    if (to == BrowseTo::newer) {
      const std::int64_t end = pieces_[1].first;
      if (end > seen_ && seen_ < seen_end_) return;
      bytes -= pieces_.front().chunk->bytes;
      pieces_.pop_front();
      shown_.first = end;
    } else {
      const std::int64_t begin = pieces_.back().first;
      if (begin < seen_end_) return;
      bytes -= pieces_.back().chunk->bytes;
      pieces_.pop_back();
      shown_.next = begin;
    }
  }
}

std::shared_ptr<const BrowseView> BrowseFeed::view() {
  if (view_) return view_;
  auto view = std::make_shared<BrowseView>(shown_);
  if (to_end_) {
    // What is there is not what was asked for yet.
    view->first = view->next = view->high_watermark;
    return view_ = std::move(view);
  }
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

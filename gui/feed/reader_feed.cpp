#include "gui/feed/reader_feed.hpp"

#include <utility>

namespace pinion::gui {
namespace {

TopicPartition key_of(const ReadPartition& partition) {
  return {partition.topic, PartitionIndex(partition.partition)};
}

}  // namespace

RecordChunk chunk_of(const RecordBatch& records, std::int64_t keep_below) {
  RecordChunk chunk;
  chunk.rows.reserve(records.size());
  for (const RecordBatch::Run& run : records.runs()) {
    BatchReader reader(run.records.view());
    RecordView record;
    std::int64_t offset = run.first.raw();
    std::int64_t log_time = run.first_log_time.count();
    for (std::uint32_t i = 0; i < run.count && reader.next(record); ++i, ++offset, ++log_time) {
      if (offset >= keep_below) break;
      RecordRow row;
      row.topic = run.topic.get();
      row.body = record.key       ? record.key->data()
                 : record.headers ? record.headers->data()
                                  : record.value.data();
      row.offset = offset;
      row.timestamp = record.timestamp.count();
      row.log_time = log_time;
      row.partition = run.partition.raw();
      if (record.key) row.key_size = static_cast<std::uint32_t>(record.key->size());
      if (record.headers) row.headers_size = static_cast<std::uint32_t>(record.headers->size());
      row.value_size = static_cast<std::uint32_t>(record.value.size());
      chunk.rows.push_back(row);
    }
    chunk.bytes += run.records.size();
    chunk.memory.push_back(run.records);
    if (chunk.topics.empty() || chunk.topics.back() != run.topic) chunk.topics.push_back(run.topic);
  }
  chunk.bytes += chunk.rows.size() * sizeof(RecordRow);
  return chunk;
}

void ReaderFeed::start(const StartReading& command) {
  reading_.stop(effects_);
  carry_out();  // The former reader's commits leave under its name.
  reader_ = command.settings.reader;
  reading_.start(context_->now, command.settings, command.from, effects_);
  carry_out();
}

void ReaderFeed::stop() {
  reading_.stop(effects_);
  carry_out();
}

void ReaderFeed::refresh() {
  reading_.refresh(context_->now, effects_);
  carry_out();
}

void ReaderFeed::set_mode(ReadMode mode) {
  reading_.set_mode(context_->now, mode, effects_);
  carry_out();
}

void ReaderFeed::set_period(Micros period) {
  reading_.set_period(context_->now, period);
  carry_out();
}

void ReaderFeed::seek(const ReadPlace& place) {
  // The box shows what is read from there: else what was read before would stand in it twice.
  // Where nothing is read, nothing comes in its stead.
  if (reading_.active()) {
    log_.clear();
    ++cleared_;
  }
  reading_.seek(context_->now, place, effects_);
  carry_out();
}

void ReaderFeed::clear() {
  log_.clear();
  ++cleared_;
  carry_out();
}

void ReaderFeed::on_topics(const ReadTopics& topics) {
  reading_.on_topics(context_->now, topics, effects_);
  carry_out();
}

void ReaderFeed::on_tick() {
  if (context_->now.monotonic < reading_.next_deadline()) return;
  reading_.on_tick(context_->now, effects_);
  carry_out();
}

void ReaderFeed::carry_out() {
  changed_ = true;
  context_->dirty = true;
  // What is refused at once is answered at once, and may lead to further effects.
  for (;;) {
    const ReadingEffects now = std::exchange(effects_, {});
    if (now.asks.empty() && now.places.empty() && now.fetches.empty() && now.commits.empty())
      return;
    for (const auto& one : now.commits) commit(one);
    for (const auto& one : now.asks) ask(one);
    for (const auto& one : now.places) place(one);
    for (const auto& one : now.fetches) fetch(one);
  }
}

void ReaderFeed::ask(const ReadingEffects::Ask& ask) {
  const auto done = [this, ask](Result<FetchPositionReply>&& position) {
    Result<LocatedPosition> located;
    if (position) {
      located = LocatedPosition{position->offset.raw(), position->leader_epoch.raw(),
                                position->high_watermark.raw(), position->log_start.raw()};
    } else {
      located = failure(position.error());
    }
    reading_.on_located(context_->now, ask.partition, ask.generation, located, effects_);
    carry_out();
  };
  context_->calls->fetch_position(key_of(ask.partition), reader_, {}, call_timeout,
                                  context_->on_feed<FetchPositionReply>(done));
}

void ReaderFeed::place(const ReadingEffects::Place& place) {
  Place where = Place::earliest();
  if (place.kind == ReadPlace::Kind::latest) where = Place::latest();
  if (place.kind == ReadPlace::Kind::time) where = Place::time(place.time);
  const auto done = [this, place](Result<Offset>&& offset) {
    Result<std::int64_t> number;
    if (offset) {
      number = offset->raw();
    } else {
      number = failure(offset.error());
    }
    reading_.on_placed(context_->now, place.partition, place.generation, place.is_end, number,
                       effects_);
    carry_out();
  };
  context_->calls->list_offset(key_of(place.partition), where, call_timeout,
                               context_->on_feed<Offset>(done));
}

void ReaderFeed::fetch(const ReadingEffects::Fetch& fetch) {
  const TopicPartition key = key_of(fetch.partition);
  FetchCall request;
  request.topic = key.topic;
  request.partition = key.partition;
  request.offset = Offset(fetch.offset);
  request.last_epoch = Epoch(fetch.epoch);
  request.wait = fetch.wait;
  context_->calls->fetch(
      request, request.wait + call_timeout,
      context_->on_feed<FetchAnswer>([this, fetch](Result<FetchAnswer>&& fetched) {
        on_fetched(fetch, std::move(fetched));
        carry_out();
      }));
}

void ReaderFeed::on_fetched(const ReadingEffects::Fetch& fetch, Result<FetchAnswer>&& fetched) {
  Result<FetchedRange> range;
  if (fetched) {
    std::uint64_t bytes = 0;
    for (const RecordBatch::Run& run : fetched->records.runs()) bytes += run.records.size();
    range = FetchedRange{fetched->next.raw(), fetched->last_epoch.raw(),
                         fetched->high_watermark.raw(), fetched->records.size(), bytes};
  } else {
    range = failure(fetched.error());
  }
  const auto accepted = reading_.on_fetched(context_->now, fetch.partition, fetch.generation,
                                            fetch.offset, range, effects_);
  if (accepted.accepted && fetched) log_.append(chunk_of(fetched->records, accepted.keep_below));
}

void ReaderFeed::commit(const ReadingEffects::Commit& commit) {
  ++commits_open_;
  context_->calls->commit_position(
      key_of(commit.partition), reader_, Offset(commit.next), Epoch(commit.epoch), call_timeout,
      context_->on_feed<void>([this, commit](Result<void>&& committed) {
        --commits_open_;
        reading_.on_committed(commit.partition, commit.generation, commit.next, committed);
        carry_out();
      }));
}

std::shared_ptr<const ConsumeView> ReaderFeed::view() {
  if (!changed_ && view_) return view_;
  changed_ = false;
  auto view = std::make_shared<ConsumeView>();
  view->reading = reading_.view();
  view->records = log_.view();
  view->dropped = log_.dropped();
  view->bytes = log_.bytes();
  view->cleared = cleared_;
  view_ = view;
  return view_;
}

}  // namespace pinion::gui

#include "gui/model/reading.hpp"

#include "common/base/assert.hpp"
#include "gui/model/words.hpp"

#include <algorithm>
#include <utility>

namespace pinion::gui {

void Reading::start(const Now& now, ReadSettings settings, ReadPlace from, ReadingEffects& out) {
  stop(out);
  active_ = true;
  settings_ = std::move(settings);
  from_ = from;
  until_ = from.until;
  refreshed_at_.reset();
  refresh_records_ = 0;
  const auto topics = std::exchange(topics_, {});
  if (mode_ == ReadMode::paused) mode_ = ReadMode::periodic;
  on_topics(now, topics, out);
  begin_refresh(now, out);
}

void Reading::stop(ReadingEffects& out) {
  for (auto at = parts_.begin(); at != parts_.end(); ++at) {
    at->second.committing = false;  // What is under way may be of an earlier place.
    if (at->second.next >= 0) commit(Now{}, at, out);
  }
  ++generation_;
  active_ = false;
  parts_.clear();
  refreshing_ = false;
  next_refresh_at_ = never;
  busy_ = 0;
  until_.reset();
}

void Reading::set_mode(const Now& now, ReadMode mode, ReadingEffects& out) {
  const bool was_live = std::exchange(mode_, mode) == ReadMode::live;
  if (!active_) return;
  if (mode == ReadMode::paused || (was_live && mode != ReadMode::live)) abandon(now, out);
  if (mode == ReadMode::periodic && !refreshing_) plan_refresh(now);
  if (mode == ReadMode::live) begin_refresh(now, out);
}

/// Nothing new appears: what is on its way is ignored, and read again later.
void Reading::abandon(const Now& now, ReadingEffects& out) {
  next_refresh_at_ = never;
  refreshing_ = false;
  ++generation_;
  busy_ = 0;
  for (auto at = parts_.begin(); at != parts_.end(); ++at) {
    at->second.phase = Phase::resting;
    at->second.retry_at = never;
    at->second.committing = false;
    if (at->second.next >= 0) commit(now, at, out);
  }
}

void Reading::set_period(const Now& now, Micros period) {
  settings_.period = std::max(period, Micros(1s));
  if (active_ && mode_ == ReadMode::periodic && !refreshing_) plan_refresh(now);
}

void Reading::refresh(const Now& now, ReadingEffects& out) {
  if (active_) begin_refresh(now, out);
}

void Reading::seek(const Now& now, ReadPlace place, ReadingEffects& out) {
  if (!active_) return;
  ++generation_;  // Answers on their way are to the old reading.
  busy_ = 0;
  refreshing_ = false;
  until_ = place.until;
  from_ = place;
  for (auto& [partition, part] : parts_) {
    part.phase = Phase::resting;
    part.committing = false;
    part.retry_at = never;
    part.end = -1;
    part.problem.clear();
    if (place.kind == ReadPlace::Kind::committed) continue;
    part.chosen = true;
    part.placed = false;
    part.place = place;
    part.next = -1;
    part.epoch = 0;
  }
  begin_refresh(now, out);
}

void Reading::on_topics(const Now& now, const ReadTopics& topics, ReadingEffects& out) {
  topics_ = topics;
  if (!active_) return;
  bool joined = false;
  for (const std::string& name : settings_.topics) {
    const auto known = topics.find(name);
    if (known == topics.end()) continue;
    const bool made_again = forget_former(now, name, known->second, out);
    joined = joined || made_again;
    for (std::int32_t i = 0; i < known->second.partitions; ++i) {
      const auto [at, fresh] = parts_.try_emplace({name, i});
      if (known->second.id != TopicId{0}) {
        at->second.topic = known->second.id;
        at->second.id_is_old = false;
      }
      if (!fresh) continue;
      joined = true;
      if (made_again && !until_) {  // The place that was sought was one in the former topic.
        at->second.anew = true;
      } else if (from_.kind != ReadPlace::Kind::committed) {
        at->second.chosen = true;
        at->second.placed = false;
        at->second.place = from_;
      }
    }
  }
  if (joined && mode_ != ReadMode::paused) begin_refresh(now, out);
}

/// What was read of a topic that is there no more says nothing of the one that has its name now.
/// Answers on their way may be of either. True: there was such a one.
bool Reading::forget_former(const Now& now, const std::string& name, const ReadTopic& topic,
                            ReadingEffects& out) {
  const auto is_former = [&](const auto& one) {
    const TopicId id = one.second.topic;
    return one.first.topic == name && id != TopicId{0} && topic.id != TopicId{0} && id != topic.id;
  };
  if (std::none_of(parts_.begin(), parts_.end(), is_former)) return false;
  for (auto& one : parts_) {
    // Where the former place was gone it begins anew already: once more, all would appear twice.
    if (!is_former(one) || one.second.id_is_old) continue;
    Part fresh;
    fresh.phase = one.second.phase;
    fresh.topic = topic.id;
    fresh.records = one.second.records;
    fresh.skipped = one.second.skipped;
    // A range of time is one of the new topic, too. Any other place was one in the former.
    fresh.chosen = until_.has_value();
    fresh.placed = !fresh.chosen;
    if (fresh.chosen) fresh.place = from_;
    fresh.anew = !fresh.chosen;
    one.second = std::move(fresh);
  }
  abandon(now, out);
  std::erase_if(parts_, [&](const auto& one) {
    return one.first.topic == name && one.first.partition >= topic.partitions;
  });
  return true;
}

void Reading::on_tick(const Now& now, ReadingEffects& out) {
  if (!active_) return;
  if (now.monotonic >= next_refresh_at_) begin_refresh(now, out);
  for (auto at = parts_.begin(); at != parts_.end(); ++at) {
    Part& part = at->second;
    if (now.monotonic >= part.retry_at) {
      part.retry_at = never;
      if (part.phase == Phase::resting && mode_ == ReadMode::live) part.phase = Phase::queued;
    }
    if (mode_ == ReadMode::live && now.monotonic >= part.commit_at) commit(now, at, out);
  }
  start_queued(out);
}

void Reading::begin_refresh(const Now& now, ReadingEffects& out) {
  next_refresh_at_ = never;
  if (parts_.empty()) {
    // The topics are not known yet, or there are none: look again when they are.
    if (mode_ == ReadMode::periodic) next_refresh_at_ = now.monotonic + settings_.period;
    return;
  }
  refreshing_ = true;
  refresh_records_ = 0;
  refresh_bytes_ = 0;
  for (auto& [partition, part] : parts_) {
    if (part.phase == Phase::resting) part.phase = Phase::queued;
  }
  start_queued(out);
  end_refresh_if_done(now);
}

void Reading::start_queued(ReadingEffects& out) {
  const std::size_t most = mode_ == ReadMode::live ? parts_.size() : busy_max;
  for (auto at = parts_.begin(); at != parts_.end() && busy_ < most; ++at) {
    if (at->second.phase != Phase::queued) continue;
    ++busy_;
    locate(at, out);
  }
}

void Reading::locate(Parts::iterator at, ReadingEffects& out) {
  at->second.phase = Phase::locating;
  out.asks.push_back({at->first, generation_});
}

Reading::Parts::iterator Reading::find(const ReadPartition& partition, std::uint64_t generation,
                                       Phase phase) {
  if (generation != generation_) return parts_.end();
  const auto at = parts_.find(partition);
  return at == parts_.end() || at->second.phase != phase ? parts_.end() : at;
}

void Reading::on_located(const Now& now, const ReadPartition& partition, std::uint64_t generation,
                         const Result<LocatedPosition>& position, ReadingEffects& out) {
  const auto at = find(partition, generation, Phase::locating);
  if (at == parts_.end()) return;
  if (!position) return fail(now, at, position.error(), out);
  Part& part = at->second;
  part.problem.clear();
  part.high_watermark = position->high_watermark;
  const bool forgotten = part.committed >= 0 && position->next < 0 && !part.chosen;
  part.committed = position->next;
  if (!part.placed) return place(at, out);
  if (forgotten) {
    // The topic was deleted and made again: none of this one's records was read.
    part.next = -1;
    part.epoch = 0;
    part.anew = true;
    part.id_is_old = part.topic != TopicId{0};
  }
  if (!part.chosen && position->next > part.next) {
    // Another program reads under the same name, or this one did before it was started.
    part.next = position->next;
    part.epoch = position->epoch;
  }
  if (part.next < 0) {
    const bool latest = settings_.start == ReadPlace::Kind::latest && !part.anew;
    part.next = latest ? position->high_watermark : position->log_start;
    part.epoch = 0;
  }
  if (part.next < position->log_start) {
    part.skipped += static_cast<std::uint64_t>(position->log_start - part.next);
    part.next = position->log_start;
    part.epoch = 0;
  }
  if (part.next > position->high_watermark) {
    part.problem = "The log ends before what was read: it was cut. Going on at its end.";
    part.next = position->high_watermark;
    part.epoch = 0;
    part.chosen = true;
  }
  go_on(now, at, out);
}

/// Finds the chosen place, then the end of the range.
void Reading::place(Parts::iterator at, ReadingEffects& out) {
  Part& part = at->second;
  part.phase = Phase::placing;
  if (part.next < 0 && part.place.kind != ReadPlace::Kind::offset) {
    out.places.push_back({at->first, generation_, part.place.kind, part.place.time, false});
    return;
  }
  if (part.next < 0)
    part.next = std::clamp<std::int64_t>(part.place.offset, 0, part.high_watermark);
  if (until_ && part.end < 0) {
    out.places.push_back({at->first, generation_, ReadPlace::Kind::time, *until_, true});
    return;
  }
  part.placed = true;
  locate(at, out);  // The offset may lie before the log's start.
}

void Reading::on_placed(const Now& now, const ReadPartition& partition, std::uint64_t generation,
                        bool is_end, const Result<std::int64_t>& offset, ReadingEffects& out) {
  const auto at = find(partition, generation, Phase::placing);
  if (at == parts_.end()) return;
  if (!offset) return fail(now, at, offset.error(), out);
  (is_end ? at->second.end : at->second.next) = *offset;
  place(at, out);
}

bool Reading::within_budget() const {
  return refresh_records_ < refresh_records_max && refresh_bytes_ < refresh_bytes_max;
}

void Reading::go_on(const Now& now, Parts::iterator at, ReadingEffects& out) {
  Part& part = at->second;
  part.target = part.end >= 0 ? std::min(part.end, part.high_watermark) : part.high_watermark;
  const bool at_target = part.next >= part.target;
  const bool range_over = part.end >= 0 && part.next >= part.end;
  if ((mode_ == ReadMode::paused && !refreshing_) || range_over) return rest(now, at, out);
  if (at_target && mode_ != ReadMode::live) return rest(now, at, out);
  if (!at_target && !within_budget() && mode_ != ReadMode::live) return rest(now, at, out);
  fetch(now, at, out);
}

void Reading::fetch(const Now& now, Parts::iterator at, ReadingEffects& out) {
  Part& part = at->second;
  if (part.phase == Phase::fetching && mode_ == ReadMode::live && now.monotonic >= part.commit_at) {
    commit(now, at, out);
  }
  part.phase = Phase::fetching;
  const bool waits = mode_ == ReadMode::live && part.next >= part.target;
  out.fetches.push_back(
      {at->first, generation_, part.next, part.epoch, waits ? live_wait : Micros{0}});
  end_refresh_if_done(now);
}

Reading::Accepted Reading::on_fetched(const Now& now, const ReadPartition& partition,
                                      std::uint64_t generation, std::int64_t offset,
                                      const Result<FetchedRange>& fetched, ReadingEffects& out) {
  const auto at = find(partition, generation, Phase::fetching);
  if (at == parts_.end() || at->second.next != offset) return {};
  Part& part = at->second;
  if (!fetched) {
    const Errc code = fetched.error().code;
    if (code == Errc::offset_out_of_range || code == Errc::log_truncated) {
      if (code == Errc::log_truncated) {
        part.problem = "The log was cut below what was read. Going on with what it has now.";
        part.epoch = 0;
      }
      locate(at, out);
    } else {
      fail(now, at, fetched.error(), out);
    }
    return {};
  }
  Accepted accepted{true, fetched->next};
  if (part.end >= 0) accepted.keep_below = std::min(accepted.keep_below, part.end);
  const std::int64_t got = std::max<std::int64_t>(0, accepted.keep_below - part.next);
  part.high_watermark = std::max(part.high_watermark, fetched->high_watermark);
  part.problem.clear();
  const auto records = std::min<std::uint64_t>(fetched->records, static_cast<std::uint64_t>(got));
  part.records += records;
  refresh_records_ += records;
  refresh_bytes_ += fetched->bytes;
  if (accepted.keep_below > part.next) {
    part.next = accepted.keep_below;
    part.epoch = fetched->epoch;
  } else if (fetched->records == 0 && part.next < part.target && mode_ != ReadMode::live) {
    rest(now, at, out);  // Nothing came where something should be: the next refresh looks again.
    return accepted;
  }
  // A refresh ends where it meant to, whatever came meanwhile; the next one brings the rest.
  const std::int64_t target = part.target;
  go_on(now, at, out);
  if (mode_ != ReadMode::live) part.target = target;
  return accepted;
}

void Reading::commit(const Now& now, Parts::iterator at, ReadingEffects& out) {
  Part& part = at->second;
  part.commit_at = now.monotonic + live_commit_every;
  if (settings_.reader.empty() || part.committing || part.next < 0) return;
  if (part.next == part.committed || !part.placed) return;
  part.committing = true;
  out.commits.push_back({at->first, generation_, part.next, part.epoch});
}

void Reading::on_committed(const ReadPartition& partition, std::uint64_t generation,
                           std::int64_t next, const Result<void>& committed) {
  if (generation != generation_) return;
  const auto at = parts_.find(partition);
  if (at == parts_.end()) return;
  at->second.committing = false;
  if (committed) {
    at->second.committed = next;
    if (next == at->second.next) at->second.chosen = false;
  } else {
    at->second.problem = "Its position was not kept: " + words_of(committed.error());
  }
}

void Reading::rest(const Now& now, Parts::iterator at, ReadingEffects& out) {
  at->second.phase = Phase::resting;
  PINION_ASSERT(busy_ > 0);
  --busy_;
  commit(now, at, out);
  start_queued(out);
  end_refresh_if_done(now);
}

void Reading::fail(const Now& now, Parts::iterator at, const Error& error, ReadingEffects& out) {
  at->second.problem = words_of(error);
  at->second.retry_at = now.monotonic + live_retry;
  rest(now, at, out);
}

void Reading::end_refresh_if_done(const Now& now) {
  if (!refreshing_) return;
  for (const auto& [partition, part] : parts_) {
    const bool waits_at_end = part.phase == Phase::fetching && part.next >= part.target;
    if (part.phase != Phase::resting && !waits_at_end) return;
  }
  refreshing_ = false;
  refreshed_at_ = now.wall;
  if (mode_ == ReadMode::periodic) plan_refresh(now);
}

/// Of a range that was read whole nothing more will come.
void Reading::plan_refresh(const Now& now) {
  next_refresh_at_ = range_is_done() ? never : now.monotonic + settings_.period;
}

bool Reading::range_is_done() const {
  if (!active_ || !until_.has_value() || parts_.empty()) return false;
  return std::all_of(parts_.begin(), parts_.end(), [](const auto& one) {
    return one.second.end >= 0 && one.second.next >= one.second.end;
  });
}

Micros Reading::next_deadline() const {
  Micros next = next_refresh_at_;
  for (const auto& [partition, part] : parts_) {
    next = std::min(next, part.retry_at);
    const bool to_commit = part.next != part.committed && !part.committing && part.placed;
    if (mode_ == ReadMode::live && to_commit && !settings_.reader.empty() && part.next >= 0) {
      next = std::min(next, part.commit_at);
    }
  }
  return active_ ? next : never;
}

ReadingView Reading::view() const {
  ReadingView view;
  view.active = active_;
  view.settings = settings_;
  view.mode = mode_;
  view.refreshing = refreshing_;
  view.next_refresh_at = next_refresh_at_ >= never ? Micros{0} : next_refresh_at_;
  view.refreshed_at = refreshed_at_;
  view.refresh_records = refresh_records_;
  view.until = until_;
  view.range_done = range_is_done();
  std::int64_t waiting = 0;
  bool known = !parts_.empty();
  for (const auto& [partition, part] : parts_) {
    ReadProgress progress{partition, {}, {}, part.records, part.skipped, part.problem};
    if (part.next >= 0) progress.next = part.next;
    if (part.high_watermark >= 0) progress.high_watermark = part.high_watermark;
    known = known && part.next >= 0 && part.high_watermark >= 0;
    waiting += std::max<std::int64_t>(0, part.high_watermark - part.next);
    view.partitions.push_back(std::move(progress));
  }
  if (known) view.waiting = waiting;
  return view;
}

}  // namespace pinion::gui

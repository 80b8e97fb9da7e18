#include "gateway/cluster/follow_feed.hpp"

#include "gateway/core/answers.hpp"
#include "gateway/http/clock.hpp"
#include "gateway/http/http_budgets.hpp"

#include "common/base/assert.hpp"
#include "common/base/limits.hpp"

#include <algorithm>
#include <atomic>
#include <utility>

namespace pinion::gateway {
namespace {

/// A comment comes this often, so that neither side takes the other for dead; later only while no
/// partition answers, for the time is looked at when a fetch ends.
constexpr Micros keep_alive_every = 15s;
/// Of all partitions together, as they were fetched: behind this no further answer is taken in.
constexpr std::size_t read_ahead_bytes = limits::mib;
/// A piece counts for nothing among the answers that their readers have not taken.
constexpr std::size_t piece_bytes = small_answer_bytes;
/// Of one fetch, at most and at least.
constexpr std::size_t fetch_bytes_most = 256 * limits::kib;
constexpr std::size_t fetch_bytes_least = 16 * limits::kib;
/// A partition that is asked by itself has something to give. When it has not, nor a leader, the
/// others do not wait for it.
constexpr Micros line_patience = 2s;

std::string error_event(const Error& error, const std::string& topic) {
  return "event: error\ndata: " + failed(error, topic).body + "\n\n";
}

}  // namespace

void FollowFeed::open(Calls calls, std::shared_ptr<FetchLanes> lanes, Places& places,
                      FollowCommand command, Micros answer_within, Open then) {
  calls.find_topic(
      command.topic, answer_within,
      [calls, lanes = std::move(lanes), &places, command, answer_within,
       then = std::move(then)](Result<Calls::Topic> topic) {
        if (!topic && topic.error().code == Errc::invalid_argument) {
          return then(no_such_topic(command.topic));
        }
        if (!topic) return then(failed(topic.error(), command.topic));
        const std::size_t count = (*topic)->partitions.size();
        if (command.partition && static_cast<std::size_t>(command.partition->raw()) >= count) {
          return then(no_such_partition(command.topic, command.partition->raw(), count));
        }
        if (!command.partition && count > partitions_max) {
          return then(refused("a stream follows at most " + std::to_string(partitions_max) +
                              " partitions: name one"));
        }
        From from;
        for (const PartitionMetadata& one : (*topic)->partitions) {
          if (!command.partition || *command.partition == one.partition) {
            from.emplace_back(one.partition, Offset{0});
          }
        }
        auto feed = make(lanes, places, command.topic, from, answer_within);
        if (!feed->places_.try_take(from.size())) {
          return then(failed(no_place_to_wait(), command.topic));
        }
        locate(calls, std::move(feed), command, then);
      });
}

std::shared_ptr<FollowFeed> FollowFeed::make(std::shared_ptr<FetchLanes> lanes, Places& places,
                                             std::string topic, const From& from,
                                             Micros answer_within, FetchLanes::Clock now) {
  std::shared_ptr<FollowFeed> feed(
      new FollowFeed(std::move(lanes), places, std::move(topic), answer_within, std::move(now)));
  for (const auto& [partition, offset] : from) {
    feed->parts_.push_back({.partition = partition, .next = offset, .given = offset});
  }
  return feed;
}

/// Requires: nobody else has the feed yet.
void FollowFeed::locate(Calls calls, std::shared_ptr<FollowFeed> feed, const FollowCommand& command,
                        Open then) {
  struct Locating {
    std::atomic<std::size_t> left;
    std::mutex mutex;
    std::optional<Error> error;
    Open then;
  };
  const auto locating = std::make_shared<Locating>();
  locating->left = feed->parts_.size();
  locating->then = std::move(then);
  const auto finish_one = [feed, locating, topic = command.topic] {
    if (locating->left.fetch_sub(1) > 1) return;
    if (locating->error) return locating->then(failed(*locating->error, topic));
    locating->then(std::shared_ptr<EventStream>(feed));
  };
  const std::size_t count = feed->parts_.size();
  for (std::size_t i = 0; i < count; ++i) {
    Part& part = feed->parts_[i];
    const auto known = std::find_if(command.go_on_at.begin(), command.go_on_at.end(),
                                    [&](const auto& at) { return at.first == part.partition; });
    if (known != command.go_on_at.end() || command.from.kind == ReadFrom::Kind::offset) {
      part.next = known != command.go_on_at.end() ? known->second : command.from.offset;
      part.given = part.next;
      finish_one();
      continue;
    }
    const Place place =
        command.from.kind == ReadFrom::Kind::latest ? Place::latest() : Place::earliest();
    calls.list_offset({command.topic, part.partition}, place, feed->answer_within_,
                      [feed, locating, finish_one, i](Result<Offset> offset) {
                        if (offset) {
                          feed->parts_[i].next = *offset;
                          feed->parts_[i].given = *offset;
                        } else {
                          const std::lock_guard lock(locating->mutex);
                          locating->error = offset.error();
                        }
                        finish_one();
                      });
  }
}

void FollowFeed::next(std::function<void(std::optional<std::string>)> then) {
  std::string piece;
  std::vector<Question> questions;
  bool has_ended = false;
  {
    const std::lock_guard lock(mutex_);
    const Micros now = now_();
    end_if_slow(now);
    piece = take_piece();
    note_given(piece, now);
    let_go();
    has_ended = has_ended_;
    quiet_since_ = now;
    if (piece.empty() && !has_ended) {
      waiting_ = std::move(then);
      questions = choose();
    }
  }
  if (!piece.empty()) return then(std::move(piece));
  if (has_ended) return then(std::nullopt);
  ask(questions);
}

void FollowFeed::stop() {
  std::function<void(std::optional<std::string>)> waiting;  // They end outside the lock.
  std::deque<Ready> ready;
  const std::lock_guard lock(mutex_);
  is_stopped_ = true;
  ready.swap(ready_);
  waiting.swap(waiting_);
}

/// The first in line, or else all that are not asked already.
std::vector<FollowFeed::Question> FollowFeed::choose() {
  std::vector<Question> questions;
  if (!line_.empty()) {
    questions.push_back({line_.front(), true});
    line_.pop_front();
  } else {
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      if (!parts_[i].is_asking) questions.push_back({i, false});
    }
  }
  for (const Question& question : questions) parts_[question.index].is_asking = true;
  return questions;
}

void FollowFeed::ask(const std::vector<Question>& questions) {
  for (const auto& [index, is_of_line] : questions) {
    FetchCall fetch;
    fetch.topic = topic_;
    {
      const std::lock_guard lock(mutex_);
      fetch.partition = parts_[index].partition;
      fetch.offset = parts_[index].next;
      fetch.wait = !is_of_line && parts_[index].is_at_end ? fetch_waits : Micros{0};
    }
    fetch.bytes_max = static_cast<std::uint32_t>(
        std::clamp(read_ahead_bytes / parts_.size(), fetch_bytes_least, fetch_bytes_most));
    lanes_->fetch(fetch, is_of_line ? line_patience : fetch.wait + answer_within_,
                  [self = shared_from_this(), at = index](const FetchLanes::Answer& fetched) {
                    self->on_fetched(at, fetched);
                  });
  }
}

void FollowFeed::on_fetched(std::size_t index, const FetchLanes::Answer& fetched) {
  std::function<void(std::optional<std::string>)> waiting;
  std::string piece;
  std::vector<Question> questions;
  {
    const std::lock_guard lock(mutex_);
    parts_[index].is_asking = false;
    // One that has ended gives nothing more: its reader may be within an event.
    if (is_stopped_ || has_ended_) return;
    take_in(index, fetched);
    if (!waiting_) return;
    piece = take_piece();
    let_go();
    // The next fetch ends, and is looked at, about fetch_waits from now.
    if (piece.empty() && now_() - quiet_since_ >= keep_alive_every - fetch_waits) {
      piece = ": keep-alive\n\n";
    }
    note_given(piece, now_());
    if (piece.empty()) {
      questions = choose();
    } else {
      waiting.swap(waiting_);
    }
  }
  if (!waiting) return ask(questions);
  waiting(std::move(piece));
}

void FollowFeed::take_in(std::size_t index, const FetchLanes::Answer& fetched) {
  const Result<FetchAnswer>& answer = fetched->answer();
  if (answer) return take_in_records(index, fetched);
  // What is refused at once would be asked again and again.
  const Errc code = answer.error().code;
  if (is_retriable(code) && code != Errc::throttled && code != Errc::closed) return;
  last_words_ = error_event(answer.error(), topic_);
  has_ended_ = true;
}

void FollowFeed::take_in_records(std::size_t index, const FetchLanes::Answer& fetched) {
  const FetchAnswer& answer = *fetched->answer();
  Part& part = parts_[index];
  part.is_at_end = answer.records.empty() || answer.next >= answer.high_watermark;
  if (answer.records.empty()) return;
  bool is_held = false;
  if (ready_bytes_ < read_ahead_bytes) is_held = fetched->hold();
  // Not held, it is for a reader that would get nothing at all, and for one piece.
  if (!is_held && (!ready_.empty() || !waiting_)) {
    part.is_at_end = false;
    line_.push_back(index);
    return;
  }
  part.next = answer.next;
  ready_bytes_ += fetched->bytes();
  ready_.push_back({fetched, index, is_held});
}

/// Empty: there is none.
std::string FollowFeed::take_piece() {
  std::string piece;
  while (!ready_.empty() && piece.size() < piece_bytes) {
    Ready& ready = ready_.front();
    const FetchedRecords::Event* event = ready.fetched->event(ready.event);
    if (event == nullptr) {
      ready_bytes_ -= ready.fetched->bytes();
      ready_.pop_front();
      continue;
    }
    if (ready.at == 0) {
      Part& part = parts_[ready.index];
      const Offset before = std::exchange(part.given, event->next);
      const std::string id = "id: " + event_id() + '\n';
      if (!piece.empty() && piece.size() + id.size() >= piece_bytes) {
        part.given = before;  // With the next piece: what ends within an event is not let go.
        break;
      }
      piece += id;
    }
    PINION_ASSERT(piece.size() < piece_bytes);
    const std::size_t size = std::min(piece_bytes - piece.size(), event->data.size() - ready.at);
    piece.append(event->data, ready.at, size);
    ready.at += size;
    if (ready.at < event->data.size()) break;
    ready.at = 0;
    ++ready.event;
  }
  if (piece.empty()) piece.swap(last_words_);
  return piece;
}

/// What is not held is fetched again from where the piece ended; but for an event that it ended
/// within, which nobody could go on with.
void FollowFeed::let_go() {
  if (ready_.empty() || ready_.front().is_held) return;
  Ready& ready = ready_.front();
  if (ready.at > 0) {
    ready.is_held = ready.fetched->hold_anyway();
    if (!ready.is_held) end_for(tail_too_slow());
    return;
  }
  Part& part = parts_[ready.index];
  part.next = part.given;
  part.is_at_end = false;
  ready_bytes_ -= ready.fetched->bytes();
  ready_.pop_front();
}

/// Within an event nothing can be said: it would be a part of that. Its reader comes back with the
/// id of the one before, and gets it from its beginning.
void FollowFeed::end_for(const Error& why) {
  const bool is_within_event = !ready_.empty() && ready_.front().at > 0;
  last_words_ = is_within_event ? std::string() : error_event(why, topic_);
  has_ended_ = true;
  ready_.clear();
  ready_bytes_ = 0;
}

/// While tails hold much, one that takes little is in everybody's way. A connection that takes
/// nothing at all ends by itself.
void FollowFeed::end_if_slow(Micros now) {
  if (ready_.empty() || !ready_.front().fetched->is_crowded()) return;
  const Micros took = now - given_at_;
  if (took >= watched_for && is_slower_than(answer_bytes_per_second_min, given_bytes_, took)) {
    end_for(tail_too_slow());
  }
}

void FollowFeed::note_given(const std::string& piece, Micros now) {
  given_at_ = now;
  given_bytes_ = piece.size();
}

std::string FollowFeed::event_id() const {
  std::string id;
  for (const Part& part : parts_) {
    if (!id.empty()) id += ',';
    id += std::to_string(part.partition.raw()) + ':' + std::to_string(part.given.raw());
  }
  return id;
}

}  // namespace pinion::gateway

#include "gateway/cluster/follow_feed.hpp"

#include "gateway/cluster/record_json.hpp"
#include "gateway/core/answers.hpp"
#include "gateway/http/clock.hpp"

#include "common/base/limits.hpp"

#include <algorithm>
#include <atomic>
#include <utility>

namespace pinion::gateway {
namespace {

/// A comment comes this often, so that neither side takes the other for dead; later only while no
/// partition answers, for the time is looked at when a fetch ends.
constexpr Micros keep_alive_every = 15s;
/// Of all partitions together: behind this no further answer is taken in. A piece is no larger,
/// unless one event is.
constexpr std::size_t read_ahead_bytes = limits::mib;
/// Of one fetch, at most and at least.
constexpr std::size_t fetch_bytes_most = 256 * limits::kib;
constexpr std::size_t fetch_bytes_least = 16 * limits::kib;
/// A partition that is asked by itself has something to give. When it has not, nor a leader, the
/// others do not wait for it.
constexpr Micros line_patience = 2s;

std::string event(std::string_view id, std::string_view data, std::string_view name = {}) {
  std::string text;
  if (!name.empty()) text += "event: " + std::string(name) + "\n";
  if (!id.empty()) text += "id: " + std::string(id) + "\n";
  text += "data: ";
  text += data;  // JSON of one line.
  text += "\n\n";
  return text;
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
        std::shared_ptr<FollowFeed> feed(
            new FollowFeed(calls, lanes, places, command.topic, answer_within));
        if (!feed->places_.try_take(command.partition ? 1 : count)) {
          return then(failed(no_place_to_wait(), command.topic));
        }
        for (const PartitionMetadata& one : (*topic)->partitions) {
          if (!command.partition || *command.partition == one.partition) {
            feed->parts_.push_back({.partition = one.partition});
          }
        }
        locate(std::move(feed), command, then);
      });
}

/// Requires: nobody else has the feed yet.
void FollowFeed::locate(std::shared_ptr<FollowFeed> feed, const FollowCommand& command, Open then) {
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
      finish_one();
      continue;
    }
    const Place place =
        command.from.kind == ReadFrom::Kind::latest ? Place::latest() : Place::earliest();
    feed->calls_.list_offset({command.topic, part.partition}, place, feed->answer_within_,
                             [feed, locating, finish_one, i](Result<Offset> offset) {
                               if (offset) {
                                 feed->parts_[i].next = *offset;
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
    piece = take_piece();
    has_ended = has_ended_;
    quiet_since_ = monotonic_now();
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
  std::function<void(std::optional<std::string>)> waiting;  // Ends outside the lock.
  const std::lock_guard lock(mutex_);
  is_stopped_ = true;
  pieces_.clear();
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
                  [self = shared_from_this(), at = index](const Result<FetchAnswer>& fetched) {
                    self->on_fetched(at, fetched);
                  });
  }
}

void FollowFeed::on_fetched(std::size_t index, const Result<FetchAnswer>& fetched) {
  std::function<void(std::optional<std::string>)> waiting;
  std::string piece;
  std::vector<Question> questions;
  {
    const std::lock_guard lock(mutex_);
    parts_[index].is_asking = false;
    if (is_stopped_) return;
    take_in(index, fetched);
    if (!waiting_) return;
    piece = take_piece();
    // The next fetch ends, and is looked at, about fetch_waits from now.
    if (piece.empty() && monotonic_now() - quiet_since_ >= keep_alive_every - fetch_waits) {
      piece = ": keep-alive\n\n";
    }
    if (piece.empty()) {
      questions = choose();
    } else {
      waiting.swap(waiting_);
    }
  }
  if (!waiting) return ask(questions);
  waiting(std::move(piece));
}

void FollowFeed::take_in(std::size_t index, const Result<FetchAnswer>& fetched) {
  if (fetched) {
    if (!fetched->records.empty() && pieces_bytes_ >= read_ahead_bytes) {
      line_.push_back(index);
      return;
    }
    for (const ConsumerRecord& record : fetched->records) {
      parts_[index].next = record.offset + 1;
      add_event(event(event_id(), record_json(record, WithPartition::yes)));
    }
    parts_[index].is_at_end = fetched->records.empty() || fetched->next >= fetched->high_watermark;
    return;
  }
  // What is refused at once would be asked again and again.
  const Errc code = fetched.error().code;
  if (is_retriable(code) && code != Errc::throttled && code != Errc::closed) return;
  add_event(event({}, failed(fetched.error(), topic_).body, "error"));
  has_ended_ = true;
}

void FollowFeed::add_event(std::string&& event) {
  pieces_bytes_ += event.size();
  if (!pieces_.empty() && pieces_.back().size() + event.size() <= read_ahead_bytes) {
    pieces_.back() += event;
  } else {
    pieces_.push_back(std::move(event));
  }
}

/// Empty: there is none.
std::string FollowFeed::take_piece() {
  if (pieces_.empty()) return {};
  std::string piece = std::move(pieces_.front());
  pieces_.pop_front();
  pieces_bytes_ -= piece.size();
  return piece;
}

std::string FollowFeed::event_id() const {
  std::string id;
  for (const Part& part : parts_) {
    if (!id.empty()) id += ',';
    id += std::to_string(part.partition.raw()) + ':' + std::to_string(part.next.raw());
  }
  return id;
}

}  // namespace pinion::gateway

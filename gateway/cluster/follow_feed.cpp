#include "gateway/cluster/follow_feed.hpp"

#include "gateway/cluster/record_json.hpp"
#include "gateway/core/answers.hpp"

#include "common/base/limits.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <utility>

namespace pinion::gateway {
namespace {

/// A comment comes at least this often, so that neither side takes the other for dead.
constexpr Micros keep_alive_every = 15s;
/// Of all partitions together, and of one at most and at least.
constexpr std::size_t read_ahead_bytes = limits::mib;
constexpr std::size_t fetch_bytes_most = 256 * limits::kib;
constexpr std::size_t fetch_bytes_least = 16 * limits::kib;

Micros monotonic_now() {
  return std::chrono::duration_cast<Micros>(std::chrono::steady_clock::now().time_since_epoch());
}

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

void FollowFeed::open(Calls calls, WaitingPlaces& places, FollowCommand command,
                      Micros answer_within, Open then) {
  calls.find_topic(
      command.topic, answer_within,
      [calls, &places, command, answer_within, then = std::move(then)](Result<Calls::Topic> topic) {
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
            new FollowFeed(calls, places, command.topic, answer_within));
        if (!feed->places_.try_take(command.partition ? 1 : count)) {
          return then(failed(no_place_to_wait(), command.topic));
        }
        for (const PartitionMetadata& one : (*topic)->partitions) {
          if (!command.partition || *command.partition == one.partition) {
            feed->parts_.push_back({one.partition, Offset{0}, false});
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
  std::string ready;
  std::vector<std::size_t> to_ask;
  bool has_ended = false;
  {
    const std::lock_guard lock(mutex_);
    ready.swap(ready_);
    has_ended = has_ended_;
    quiet_since_ = monotonic_now();
    if (ready.empty() && !has_ended) {
      waiting_ = std::move(then);
      for (std::size_t i = 0; i < parts_.size(); ++i) {
        if (!parts_[i].is_asking) to_ask.push_back(i);
        parts_[i].is_asking = true;
      }
    }
  }
  if (!ready.empty()) return then(std::move(ready));
  if (has_ended) return then(std::nullopt);
  for (const std::size_t index : to_ask) ask(index);
}

void FollowFeed::stop() {
  std::function<void(std::optional<std::string>)> waiting;  // Ends outside the lock.
  const std::lock_guard lock(mutex_);
  is_stopped_ = true;
  waiting.swap(waiting_);
}

void FollowFeed::ask(std::size_t index) {
  FetchCall fetch;
  fetch.topic = topic_;
  {
    const std::lock_guard lock(mutex_);
    fetch.partition = parts_[index].partition;
    fetch.offset = parts_[index].next;
  }
  fetch.bytes_max = static_cast<std::uint32_t>(
      std::clamp(read_ahead_bytes / parts_.size(), fetch_bytes_least, fetch_bytes_most));
  fetch.wait = fetch_waits;
  calls_.fetch(fetch, fetch_waits + answer_within_,
               [self = shared_from_this(), index](Result<FetchAnswer> fetched) {
                 self->on_fetched(index, std::move(fetched));
               });
}

void FollowFeed::on_fetched(std::size_t index, Result<FetchAnswer> fetched) {
  std::function<void(std::optional<std::string>)> waiting;
  std::string ready;
  bool ask_again = false;
  {
    const std::lock_guard lock(mutex_);
    parts_[index].is_asking = false;
    if (is_stopped_) return;
    take_in(index, std::move(fetched));
    if (!waiting_) return;
    if (ready_.empty() && monotonic_now() - quiet_since_ < keep_alive_every) {
      ask_again = parts_[index].is_asking = true;
    } else {
      if (ready_.empty()) ready_ = ": keep-alive\n\n";
      waiting.swap(waiting_);
      ready.swap(ready_);
    }
  }
  if (ask_again) return ask(index);
  waiting(std::move(ready));
}

void FollowFeed::take_in(std::size_t index, Result<FetchAnswer> fetched) {
  if (fetched) {
    for (const ConsumerRecord& record : fetched->records) {
      parts_[index].next = record.offset + 1;
      ready_ += event(event_id(), record_json(record, WithPartition::yes));
    }
    return;
  }
  // What is refused at once would be asked again and again.
  const Errc code = fetched.error().code;
  if (is_retriable(code) && code != Errc::throttled && code != Errc::closed) return;
  ready_ += event({}, failed(fetched.error(), topic_).body, "error");
  has_ended_ = true;
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

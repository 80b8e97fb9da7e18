#include "gateway/cluster/follow_feed.hpp"

#include "gateway/cluster/record_json.hpp"
#include "gateway/core/answers.hpp"

#include <algorithm>
#include <atomic>
#include <utility>

namespace pinion::gateway {
namespace {

/// A comment comes at least this often, so that neither side takes the other for dead.
constexpr Micros keep_alive_every = 15s;
constexpr std::uint32_t fetch_bytes = 256 * 1024;

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

void FollowFeed::open(Calls calls, FollowCommand command, Micros answer_within, Open then) {
  calls.find_topic(
      command.topic, answer_within,
      [calls, command, answer_within, then = std::move(then)](Result<Calls::Topic> topic) {
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
        std::shared_ptr<FollowFeed> feed(new FollowFeed(calls, command.topic, answer_within));
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
    const OffsetSpec spec =
        command.from.kind == ReadFrom::Kind::latest ? OffsetSpec::latest : OffsetSpec::earliest;
    feed->calls_.list_offset({command.topic, part.partition}, spec, feed->answer_within_,
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
  fetch.bytes_max = fetch_bytes;
  fetch.wait = keep_alive_every;
  calls_.fetch(fetch, keep_alive_every + answer_within_,
               [self = shared_from_this(), index](Result<FetchAnswer> fetched) {
                 self->on_fetched(index, std::move(fetched));
               });
}

void FollowFeed::on_fetched(std::size_t index, Result<FetchAnswer> fetched) {
  std::function<void(std::optional<std::string>)> waiting;
  std::string ready;
  {
    const std::lock_guard lock(mutex_);
    parts_[index].is_asking = false;
    if (fetched) {
      for (const ConsumerRecord& record : fetched->records) {
        parts_[index].next = record.offset + 1;
        ready_ += event(event_id(), record_json(record, WithPartition::yes));
      }
    } else if (!is_retriable(fetched.error().code)) {
      ready_ += event({}, failed(fetched.error(), topic_).body, "error");
      has_ended_ = true;
    }
    // Nothing to say for as long as the fetch waited: the comment keeps the connection alive.
    if (ready_.empty()) ready_ = ": keep-alive\n\n";
    if (is_stopped_ || !waiting_) return;
    waiting.swap(waiting_);
    ready.swap(ready_);
  }
  waiting(std::move(ready));
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

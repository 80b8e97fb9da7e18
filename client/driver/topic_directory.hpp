// TopicDirectory: the topics that this client's threads have asked for, as far as they are known.
// The I/O thread writes it, API threads wait for it and read it; a topic's `version` tells a reader
// that holds an older picture, without a lock, that something changed. Thread-safe.
#pragma once

#include "common/base/limits.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"
#include "common/proto/messages.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace pinion::client {

struct TopicEntry {
  explicit TopicEntry(std::string topic_name)
      : name(std::make_shared<const std::string>(std::move(topic_name))) {}
  const std::shared_ptr<const std::string> name;
  std::atomic<std::uint64_t> version{0};       ///< 0: not known yet.
  std::shared_ptr<const TopicMetadata> topic;  ///< Under the directory's mutex.
};

class TopicDirectory {
 public:
  /// The entry, and whether it is new: then the I/O thread is to be asked to watch the topic.
  [[nodiscard]] Result<std::pair<std::shared_ptr<TopicEntry>, bool>> entry(
      const std::string& name) {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(name);
    if (found != entries_.end()) return std::pair{found->second, false};
    if (closed_) return failure(Errc::closed, "the client is closed");
    if (entries_.size() >= limits::client_topics_max) {
      return failure(Errc::limit_reached, "this client uses too many topics");
    }
    auto entry = std::make_shared<TopicEntry>(name);
    entries_.emplace(name, entry);
    return std::pair{std::move(entry), true};
  }

  /// Waits until the topic is known to exist or not. False: the time was over first, or closed.
  [[nodiscard]] bool wait_until_known(const TopicEntry& entry, Micros timeout) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, timeout, [&] { return closed_ || entry.version.load() > 0; });
    return entry.version.load() > 0;
  }

  /// Nothing: it does not exist (or is not known).
  [[nodiscard]] std::shared_ptr<const TopicMetadata> get(const TopicEntry& entry) {
    const std::lock_guard lock(mutex_);
    return entry.topic;
  }

  /// The topic, when it is watched and known to exist; else nothing.
  [[nodiscard]] std::shared_ptr<const TopicMetadata> find(const std::string& name) {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(name);
    return found == entries_.end() ? nullptr : found->second->topic;
  }

  /// I/O thread.
  void set(const std::string& name, std::shared_ptr<const TopicMetadata> topic) {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(name);
    if (found == entries_.end()) return;
    found->second->topic = std::move(topic);
    ++found->second->version;
    changed_.notify_all();
  }
  /// A new entry that nobody will write.
  void forget(const std::string& name) {
    const std::lock_guard lock(mutex_);
    entries_.erase(name);
  }
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, std::shared_ptr<TopicEntry>> entries_;
  bool closed_ = false;
};

}  // namespace pinion::client

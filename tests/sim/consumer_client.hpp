// A program that reads topics with the client library under a name: it polls, commits, now and then
// seeks, and starts again where its name stopped.
#pragma once

#include "tests/sim/session_client.hpp"
#include "tests/sim/topic_book.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace pinion::sim {

class ConsumerClient final : public SessionClient {
 public:
  using KnowReader = std::function<void(const std::string& reader, PartitionKey key)>;
  ConsumerClient(World& world, std::int32_t index, std::string name, std::uint64_t seed,
                 const TopicBook& book, KnowReader know_reader);

  /// No more seeks: read to the end.
  void finish() { finishing_ = true; }
  [[nodiscard]] bool caught_up() const;
  [[nodiscard]] std::string unfinished() const;

 private:
  struct Part {
    client::Reading reading{0};
    bool located = false;
    bool stopped = false;
    Checker::ReadingId checked{0};
    Checker::QuestionId question{0};
    Offset next{0};  ///< The next to be polled.
    Epoch last_epoch{0};
    std::vector<client::Fetched> fetched;  ///< Not polled yet.
  };
  struct Committing {
    Checker::CommitId commit{0};
    Micros deadline{0};
  };
  struct Asking {
    Checker::QuestionId question{0};
    Micros deadline{0};
  };

  void begin() override;
  void end_of_life() override;
  void on_joined(const client::PartitionJoined& joined) override;
  void on_left(const client::PartitionLeft& left) override;
  void on_located(const client::PartitionLocated& located) override;
  void on_fetched(const client::Fetched& fetched) override;
  void on_problem(const client::ConsumerProblem& problem) override;
  void on_call(const client::CallDone& done) override;

  void next_turn();
  void turn();
  void poll(PartitionKey key, Part& part);
  void commit(PartitionKey key, const Part& part);
  void seek(PartitionKey key, Part& part, Place place);
  void ask_high_watermark(PartitionKey key);

  const TopicBook& book_;
  const KnowReader know_reader_;
  const std::string reader_;
  client::ConsumerHandle handle_{0};
  std::uint32_t handles_ = 0;
  std::uint64_t calls_ = 0;
  std::map<PartitionKey, Part> parts_;
  std::map<std::uint64_t, Committing> committing_;
  std::map<std::uint64_t, Asking> asking_;
  bool finishing_ = false;
};

}  // namespace pinion::sim

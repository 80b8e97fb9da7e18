// The client library's cores as a simulated process: one ClientSession between one socket and the
// program that uses it (a subclass). It mirrors client/driver: messages in, effects carried out in
// an order that means nothing, a tick when the session asks for one.
#pragma once

#include "client/core/client_session.hpp"
#include "tests/sim/client_process.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace pinion::sim {

class SessionClient : public ClientProcess {
 public:
  SessionClient(World& world, std::int32_t index, std::string name, std::uint64_t seed)
      : ClientProcess(world, index, std::move(name), seed, library_letter) {}

 protected:
  /// The process is up and its session new.
  virtual void begin() = 0;
  virtual void end_of_life() {}

  // What the session says, in any order but that of one partition.
  virtual void on_batch(const client::BatchDone&) {}
  virtual void on_topic(const client::TopicChanged&) {}
  virtual void on_joined(const client::PartitionJoined&) {}
  virtual void on_left(const client::PartitionLeft&) {}
  virtual void on_located(const client::PartitionLocated&) {}
  virtual void on_fetched(const client::Fetched&) {}
  virtual void on_problem(const client::ConsumerProblem&) {}
  virtual void on_call(const client::CallDone&) {}

  void step(client::Input input);
  void later(Micros delay, std::function<void()> action) { plan(delay, std::move(action)); }
  [[nodiscard]] const client::ClientSession& session() const { return *session_; }
  /// How late a report may be: as long as this process may have been paused, and a little.
  void check_deadline(Micros deadline, const char* what);

 private:
  void on_start() final;
  void on_death(Death death) final;
  void on_frames(Frames frames) final;
  void after_frames() final;
  void carry_out();
  void plan_tick();

  std::optional<client::ClientSession> session_;
  client::Effects effects_;
  bool carrying_out_ = false;
  Micros tick_at_ = never;
};

}  // namespace pinion::sim

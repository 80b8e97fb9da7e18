#include "tests/sim/process.hpp"

#include "common/base/assert.hpp"
#include "common/base/limits.hpp"

namespace pinion::sim {

Process::Process(World& world, std::string name, std::uint64_t seed)
    : world_(world), prng_(seed), name_(std::move(name)) {
  wall_offset_ = world_.wall_start + Micros(prng_.between(-2'000'000, 2'000'000));
  drift_ppm_ = prng_.between(-500, 500);
}

std::string Process::kind() const { return name_.substr(0, name_.find('-')); }

Now Process::now() const {
  const std::int64_t real = world_.scheduler.now().count();
  const std::int64_t own = real + real * drift_ppm_ / 1'000'000;
  return {Micros(own) + monotonic_offset_, Micros(own) + wall_offset_};
}

void Process::start() {
  PINION_ASSERT(!up_);
  up_ = true;
  paused_ = false;
  ++life_;
  forget();
  // The monotonic clock counts from another start in every life: nobody may store it.
  monotonic_offset_ = Micros(prng_.between(1, 1'000'000'000));
  world_.trace.brief(name_.c_str(), "starts");
  on_start();
}

void Process::crash(Death death) {
  if (!up_) return;
  world_.counters.count((death == Death::kill ? "fault: kill of a " : "fault: power cut of a ") +
                        kind());
  world_.trace.brief(name_.c_str(), death == Death::kill ? "is killed" : "loses power");
  up_ = false;
  ++life_;
  forget();
  on_death(death);
}

void Process::end_life() {
  PINION_ASSERT(up_);
  world_.trace.brief(name_.c_str(), "ends");
  up_ = false;
  ++life_;
  forget();
}

void Process::pause() {
  if (!up_ || paused_) return;
  world_.counters.count("fault: pause of a " + kind());
  world_.trace.brief(name_.c_str(), "pauses");
  paused_ = true;
}

void Process::resume() {
  if (!up_ || !paused_) return;
  world_.trace.brief(name_.c_str(), "resumes");
  paused_ = false;
  std::deque<std::function<void()>> waiting;
  waiting.swap(waiting_);
  for (auto& action : waiting) plan(Micros(0), std::move(action));
}

void Process::forget() {
  waiting_.clear();
  inbox_.clear();
  run_planned_ = false;
}

void Process::listen(ActorId end) {
  world_.network.attach(end, [this, end](Network::Peer from, Frames frames) {
    arrive({end, from, std::move(frames)});
  });
}

void Process::arrive(Arrival arrival) {
  inbox_.push_back(std::move(arrival));
  if (run_planned_) return;
  run_planned_ = true;
  plan(Micros(prng_.between(1, 40)), [this] { run(); });
}

void Process::run() {
  run_planned_ = false;
  std::vector<Arrival> arrivals;
  while (!inbox_.empty() && arrivals.size() < limits::inbox_batch_max) {
    arrivals.push_back(std::move(inbox_.front()));
    inbox_.pop_front();
  }
  if (!inbox_.empty()) {
    run_planned_ = true;
    plan(Micros(prng_.between(1, 40)), [this] { run(); });
  }
  if (!arrivals.empty()) on_arrivals(std::move(arrivals));
}

void Process::plan(Micros delay, std::function<void()> action) {
  world_.scheduler.after(
      delay, [this, life = life_, action = std::move(action)] { run_or_wait(life, action); });
}

void Process::plan_outside(Micros delay, std::function<void()> action) {
  world_.scheduler.after(delay, [this, life = life_, action = std::move(action)] {
    if (life == life_) action();
  });
}

void Process::run_or_wait(std::uint64_t life, const std::function<void()>& action) {
  if (life != life_) return;
  if (paused_) {
    waiting_.push_back(action);
    return;
  }
  action();
}

}  // namespace pinion::sim

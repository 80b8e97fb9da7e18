#include "tests/sim/session_client.hpp"

#include "tests/sim/event_names.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace pinion::sim {

void SessionClient::on_start() {
  connect();
  client::SessionOptions options;
  options.broker = "sim";
  options.client_name = name();
  options.incarnation = Incarnation(static_cast<std::int64_t>(prng_.below(1ULL << 60)));
  options.seed = prng_.next();
  session_.emplace(options);
  tick_at_ = never;
  step(client::Tick{});
  begin();
}

void SessionClient::on_death(Death) {
  disconnect();
  session_.reset();
  effects_.clear();
  carrying_out_ = false;
  tick_at_ = never;
  end_of_life();
}

void SessionClient::on_frames(Frames frames) { step(client::FromBroker{std::move(frames)}); }

void SessionClient::after_frames() { step(client::Tick{}); }

void SessionClient::step(client::Input input) {
  session_->step(now(), std::move(input), effects_);
  if (world_.inspector.enabled()) session_->check_invariants();
  // What the program does in answer to an effect is a step of its own.
  if (carrying_out_) return;
  carrying_out_ = true;
  carry_out();
  carrying_out_ = false;
  plan_tick();
}

void SessionClient::carry_out() {
  // Bounded: a program answers few effects with another input.
  for (int round = 0; round < 1'000; ++round) {
    client::Effects effects;
    std::swap(effects, effects_);
    const bool nothing = !effects.reset_link && effects.sends.empty() && effects.batches.empty() &&
                         effects.topics.empty() && effects.joined.empty() && effects.left.empty() &&
                         effects.located.empty() && effects.fetched.empty() &&
                         effects.problems.empty() && effects.calls.empty() &&
                         effects.events.empty();
    if (nothing) return;
    if (effects.reset_link) reset_socket();
    const auto send_all = [&] {
      for (Frames& frames : effects.sends) send_frames(std::move(frames));
    };
    const auto tell_all = [&] {
      for (const auto& effect : effects.topics) on_topic(effect);
      for (const auto& effect : effects.joined) on_joined(effect);
      for (const auto& effect : effects.located) on_located(effect);
      for (const auto& effect : effects.fetched) on_fetched(effect);
      for (const auto& effect : effects.problems) on_problem(effect);
      for (const auto& effect : effects.left) on_left(effect);
      for (const auto& effect : effects.batches) on_batch(effect);
      for (const auto& effect : effects.calls) on_call(effect);
    };
    for (const client::Event& event : effects.events) {
      const char* const event_name = name_of(event.kind);
      world_.counters.count(std::string("client event: ") + event_name);
      world_.trace.full(name().c_str(), "%s %s", event_name, event.detail.c_str());
      if (event.kind == client::EventKind::corrupt_batch) {
        world_.checker.violate("corrupt-batch", name() + ": " + event.detail);
      }
    }
    if (prng_.chance(1, 2)) {
      send_all();
      tell_all();
    } else {
      tell_all();
      send_all();
    }
  }
}

void SessionClient::plan_tick() {
  const Now at = now();
  const Micros wanted = session_->next_deadline();
  if (wanted >= never || wanted >= tick_at_) return;
  tick_at_ = wanted;
  plan(std::max(Micros(0), wanted - at.monotonic) + Micros(prng_.between(0, 300)), [this, wanted] {
    if (tick_at_ != wanted) return;
    tick_at_ = never;
    step(client::Tick{});
    plan_tick();
  });
}

void SessionClient::check_deadline(Micros deadline, const char* what) {
  const Micros late = now().monotonic - deadline;
  if (late > world_.options.faults.outage_max + Micros(100'000)) {
    world_.checker.violate("deadline-missed", name() + ": " + what + " ended " +
                                                  std::to_string(late.count() / 1000) +
                                                  " ms after its deadline");
  }
}

}  // namespace pinion::sim

// The one queue between threads: bounded in items and weight, and never a wait to push.
#include "common/base/bounded_queue.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <memory>
#include <thread>

namespace pinion {
namespace {

TEST_CASE("queue: the first push says so, later ones do not until it was emptied", "[base]") {
  BoundedQueue<int> queue(10, 100);
  CHECK(queue.try_push(1) == Pushed::first);
  CHECK(queue.try_push(2) == Pushed::more);
  std::vector<int> out;
  CHECK(queue.take_all(out) == 2);
  CHECK(out == std::vector<int>{1, 2});
  CHECK(queue.try_push(3) == Pushed::first);
}

TEST_CASE("queue: full by items or by weight, but one heavy value always enters", "[base]") {
  BoundedQueue<int> queue(2, 10);
  CHECK(queue.try_push(1, 50) == Pushed::first);
  CHECK(queue.try_push(2, 0) == Pushed::full);
  std::vector<int> out;
  queue.take_all(out);
  CHECK(queue.weight() == 0);
  CHECK(queue.try_push(1, 6) == Pushed::first);
  CHECK(queue.try_push(2, 5) == Pushed::full);
  CHECK(queue.try_push(2, 4) == Pushed::more);
  CHECK(queue.try_push(3, 0) == Pushed::full);
  CHECK(queue.size() == 2);
  CHECK(queue.weight() == 10);
}

TEST_CASE("queue: a closed queue takes nothing and gives what it has", "[base]") {
  BoundedQueue<std::unique_ptr<int>> queue(2, 10);
  CHECK(queue.try_push(std::make_unique<int>(7)) == Pushed::first);
  queue.close();
  CHECK(queue.closed());
  CHECK(queue.try_push(nullptr) == Pushed::closed);
  std::vector<std::unique_ptr<int>> out;
  CHECK(queue.wait_and_take(out, 10, Micros(1h)) == 1);
  CHECK(*out[0] == 7);
  CHECK(queue.wait_and_take(out, 10, Micros(1h)) == 0);  // At once.
}

TEST_CASE("queue: a waiting taker is woken by a push, and takes no more than it asked for",
          "[base]") {
  BoundedQueue<int> queue(10, 10);
  std::thread pusher([&] {
    for (int i = 0; i < 3; ++i) (void)queue.try_push(i);
  });
  std::vector<int> out;
  while (out.size() < 3) CHECK(queue.wait_and_take(out, 1, Micros(1h)) == 1);
  pusher.join();
  CHECK(out == std::vector<int>{0, 1, 2});
  CHECK(queue.wait_and_take(out, 1, Micros(1ms)) == 0);
}

TEST_CASE("queue: four threads' values all arrive, each thread's in its order", "[base]") {
  constexpr int threads = 4;
  constexpr int each = 5'000;
  BoundedQueue<std::pair<int, int>> queue(16, 1'000);
  std::vector<std::thread> pushers;
  for (int t = 0; t < threads; ++t) {
    pushers.emplace_back([&queue, t] {
      for (int i = 0; i < each; ++i) {
        while (queue.try_push({t, i}) == Pushed::full) std::this_thread::yield();
      }
    });
  }
  std::vector<int> next(threads, 0);
  std::vector<std::pair<int, int>> out;
  int received = 0;
  bool in_order = true;
  while (received < threads * each) {
    out.clear();
    queue.wait_and_take(out, 8, Micros(1h));
    for (const auto& [thread, value] : out) {
      in_order = in_order && next[static_cast<std::size_t>(thread)]++ == value;
    }
    received += static_cast<int>(out.size());
  }
  for (std::thread& pusher : pushers) pusher.join();
  CHECK(in_order);
  CHECK(queue.size() == 0);
}

}  // namespace
}  // namespace pinion

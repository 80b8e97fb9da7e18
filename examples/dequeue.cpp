// Takes one record after the other off a topic, as a worker of a queue does: reading a record and
// moving the position on are one durable step at the partition, so two workers never get the same.
//
//   example_dequeue [tcp://127.0.0.1:5550] [topic]
#include "client/api/client.hpp"

#include <iostream>
#include <string>

int main(int argc, char** argv) {
  const std::string broker = argc > 1 ? argv[1] : "tcp://127.0.0.1:5550";
  const std::string topic = argc > 2 ? argv[2] : "example";

  auto client = pinion::Client::connect({.broker = broker});
  if (!client) {
    std::cerr << client.error().to_string() << '\n';
    return 1;
  }

  using namespace std::chrono_literals;
  for (;;) {
    // Without a token the library makes one, which protects its own retries. A worker that must
    // not lose a record when it is killed right here chooses the token itself, keeps it, and asks
    // again with the same one: it gets the same record.
    auto next = (*client)->dequeue({.topic = topic, .reader = "workers"}, 10s);
    if (!next && next.error().code == pinion::Errc::nothing_unread) break;
    if (!next) {
      std::cerr << next.error().to_string() << '\n';
      return 1;
    }
    std::cout << next->record.value << " (" << next->lag << " left)\n";
  }
  return 0;
}

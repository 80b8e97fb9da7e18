// Reads a topic from where the consumer "example" stopped the last time, until nothing has come for
// five seconds.
//
//   example_consume [tcp://127.0.0.1:5550] [topic]
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
  auto consumer = (*client)->consumer({.topics = {topic}, .name = "example"});
  if (!consumer) {
    std::cerr << consumer.error().to_string() << '\n';
    return 1;
  }

  using namespace std::chrono_literals;
  for (;;) {
    // What an earlier poll() returned counts as processed now, and is committed by and by.
    auto records = (*consumer)->poll(1000, 5s);
    if (!records) {
      std::cerr << records.error().to_string() << '\n';
      return 1;
    }
    if (records->empty()) break;
    for (const pinion::ConsumerRecord& record : *records) {
      // The record refers to the fetched batch, which `records` keeps.
      std::cout << record.partition.raw() << ':' << record.offset.raw() << ' ' << record.value
                << '\n';
    }
  }

  // Commits what was processed.
  auto closed = (*consumer)->close(10s);
  if (!closed) std::cerr << closed.error().to_string() << '\n';
  return closed ? 0 : 1;
}

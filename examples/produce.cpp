// Sends ten records and tells where each of them is in the log.
//
//   example_produce [tcp://127.0.0.1:5550] [topic]
#include "client/api/client.hpp"

#include <iostream>
#include <string>

int main(int argc, char** argv) {
  const std::string broker = argc > 1 ? argv[1] : "tcp://127.0.0.1:5550";
  const std::string topic_name = argc > 2 ? argv[2] : "example";

  auto client = pinion::Client::connect({.broker = broker});
  if (!client) {
    std::cerr << client.error().to_string() << '\n';
    return 1;
  }

  // Make the topic if it is not there yet: on three nodes, or as many as there are.
  using namespace std::chrono_literals;
  auto created =
      (*client)->admin().create_topic(topic_name, {.partitions = 3, .replication = 0}, 10s);
  if (!created && created.error().code != pinion::Errc::topic_exists) {
    std::cerr << created.error().to_string() << '\n';
    return 1;
  }

  auto producer = (*client)->producer({});  // Idempotent, acknowledged when it is durable.
  if (!producer) {
    std::cerr << producer.error().to_string() << '\n';
    return 1;
  }
  for (int i = 0; i < 10; ++i) {
    const std::string key = "customer-" + std::to_string(i % 4);
    const std::string value = "order " + std::to_string(i);
    // The record is copied: key and value need not outlive the call. The report comes later, on
    // the client's I/O thread, in the order of the sends of each partition.
    auto sent = (*producer)->send(
        topic_name, {.key = key, .value = value}, [value](const pinion::DeliveryReport& report) {
          if (report.outcome == pinion::Outcome::acknowledged) {
            std::cout << value << " is at offset " << report.offset.raw() << " of partition "
                      << report.partition.raw() << '\n';
          } else {
            std::cout << value << ": " << report.error.to_string() << '\n';
          }
        });
    if (!sent) std::cerr << sent.error().to_string() << '\n';
  }

  // Waits for the reports, then ends.
  auto closed = (*producer)->close(30s);
  if (!closed) std::cerr << closed.error().to_string() << '\n';
  return closed ? 0 : 1;
}

// The cluster with an HTTP gateway that the tests of the interface share: `pinion up --http` with
// two ports in one process, started with the first test that needs it. Topics are the tests' own.
#pragma once

#include "gateway/core/json.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/test_process.hpp"

#include <memory>
#include <string>

namespace pinion::test {

class HttpCluster {
 public:
  HttpCluster();
  [[nodiscard]] static HttpCluster& shared();

  [[nodiscard]] int port() const noexcept { return http_port_; }
  [[nodiscard]] int other_port() const noexcept { return other_http_port_; }
  [[nodiscard]] const std::string& broker() const noexcept { return broker_; }
  [[nodiscard]] TestProcess& process() { return *process_; }
  /// Ends it with the signal and starts it again on its data.
  void restart(int signal);

  /// A name that no other test has; made with so many partitions, or not made with 0.
  [[nodiscard]] std::string new_topic(int partitions = 1);

 private:
  void start();
  TemporaryFolder folder_;
  int port_;
  int http_port_;
  int other_http_port_;
  std::string broker_;
  std::unique_ptr<TestProcess> process_;
  int topics_ = 0;
};

/// The answer's object; fails the test when it is none.
[[nodiscard]] gateway::Json json_of(const HttpReply& reply);
/// A success, or the test fails with the answer.
[[nodiscard]] gateway::Json good(const HttpReply& reply);
/// A failure with this status; its message.
[[nodiscard]] std::string bad(const HttpReply& reply, int status = 400);

/// {"name":"value",...} with numbers as they are.
[[nodiscard]] std::string object(std::initializer_list<std::pair<std::string, std::string>> fields);

}  // namespace pinion::test

#include "tests/e2e/gateway/http_cluster.hpp"

#include "tests/support/process_cluster.hpp"

#include <catch2/catch.hpp>

#include <csignal>
#include <stdexcept>

namespace pinion::test {

HttpCluster::HttpCluster()
    : port_(free_port()),
      http_port_(free_port()),
      other_http_port_(free_port()),
      broker_("tcp://127.0.0.1:" + std::to_string(port_)) {
  start();
}

HttpCluster& HttpCluster::shared() {
  static HttpCluster cluster;
  return cluster;
}

void HttpCluster::start() {
  ProcessOptions options;
  options.arguments = {programs() + "/pinion",
                       "up",
                       "--data",
                       folder_ / "data",
                       "--port",
                       std::to_string(port_),
                       "--http",
                       std::to_string(http_port_),
                       "--http",
                       std::to_string(other_http_port_)};
  process_ = std::make_unique<TestProcess>(options);
  if (!process_->wait_for_output("ready " + broker_ + "\n", patience(20s))) {
    throw std::runtime_error("pinion up did not get ready: " + process_->errors());
  }
}

void HttpCluster::restart(int signal) {
  process_->signal(signal);
  if (!process_->wait(patience(20s))) throw std::runtime_error("pinion up did not end");
  start();
}

std::string HttpCluster::new_topic(int partitions) {
  const std::string name = "topic-" + std::to_string(++topics_);
  if (partitions == 0) return name;
  HttpClient client(http_port_);
  const HttpReply made = client.ask(
      "POST", "/topics", object({{"topic", name}, {"partitions", std::to_string(partitions)}}));
  if (made.status != 200) throw std::runtime_error("making " + name + ": " + made.body);
  return name;
}

gateway::Json json_of(const HttpReply& reply) {
  INFO("status " << reply.status << ": " << reply.body);
  auto json = gateway::parse_json(reply.body);
  REQUIRE(json);
  REQUIRE(json->is_object());
  CHECK(reply.header("content-type") == "application/json");
  return *json;
}

gateway::Json good(const HttpReply& reply) {
  INFO("status " << reply.status << ": " << reply.body);
  REQUIRE(reply.status == 200);
  gateway::Json json = json_of(reply);
  CHECK(json["status"] == "success");
  return json;
}

std::string bad(const HttpReply& reply, int status) {
  INFO("status " << reply.status << ": " << reply.body);
  REQUIRE(reply.status == status);
  const gateway::Json json = json_of(reply);
  CHECK(json.value("status", "") == "failure");
  REQUIRE(json.contains("message"));
  REQUIRE(json["message"].is_string());
  if (status == 503) CHECK_FALSE(reply.header("retry-after").empty());
  return json["message"].get<std::string>();
}

std::string object(std::initializer_list<std::pair<std::string, std::string>> fields) {
  std::string json = "{";
  for (const auto& [name, value] : fields) {
    const bool is_number =
        !value.empty() && value.find_first_not_of("0123456789-") == std::string::npos;
    json += (json.size() > 1 ? ",\"" : "\"") + name + "\":";
    json += is_number || value == "null" ? value : "\"" + value + "\"";
  }
  return json + "}";
}

}  // namespace pinion::test

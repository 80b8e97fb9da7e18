// Requests for the gateway's core, in a line each.
#pragma once

#include "gateway/core/read_command.hpp"

#include <stdexcept>
#include <string>
#include <string_view>

namespace pinion::gateway::test {

inline HttpRequest request(std::string_view method, std::string_view target,
                           std::string_view body = {}, std::string_view content_type = {}) {
  HttpRequest request;
  request.method = method;
  request.target = target;
  request.body = body;
  request.content_type = content_type;
  return request;
}

/// The command that a request is, or a complaint with the answer it got instead.
template <typename T>
T command(const HttpRequest& request) {
  ReadCommand read = read_command(request);
  if (const auto* answer = std::get_if<HttpAnswer>(&read.what)) {
    throw std::runtime_error("refused: " + answer->body);
  }
  return std::get<T>(std::get<Command>(read.what));
}

/// The answer that a request gets without the cluster.
inline HttpAnswer refusal(const HttpRequest& request) {
  ReadCommand read = read_command(request);
  if (std::holds_alternative<Command>(read.what)) throw std::runtime_error("it is a command");
  return std::get<HttpAnswer>(read.what);
}

}  // namespace pinion::gateway::test

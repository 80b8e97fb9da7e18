// From a request to the command it asks for, or to the answer that says why it asks for none. All
// that can be decided without the cluster is decided here. Pure; safe on any bytes.
#pragma once

#include "gateway/core/commands.hpp"
#include "gateway/core/http_message.hpp"
#include "gateway/core/routes.hpp"

#include <variant>

namespace pinion::gateway {

struct ReadCommand {
  Call call = Call::unknown_path;
  std::variant<HttpAnswer, Command> what;
};

[[nodiscard]] ReadCommand read_command(const HttpRequest& request);

}  // namespace pinion::gateway

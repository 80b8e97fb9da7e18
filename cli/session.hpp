// A command's connection to the cluster, and what its errors are turned into for a person.
#pragma once

#include "client/api/client.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace pinion::cli {

/// How long a command waits for one answer of the cluster before it says that none came.
inline constexpr Micros answer_timeout = 15s;

/// Connects, or complains and returns null.
[[nodiscard]] std::unique_ptr<Client> connect(const std::string& broker, std::string_view command);

/// The error in one line, with what to do about it. `topic` may be empty. Returns 1.
int complain_about(const Error& error, std::string_view topic = {});

}  // namespace pinion::cli

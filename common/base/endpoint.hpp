// Addresses as people write them: tcp://HOST:PORT. Checked here,
// since libzmq takes some that cannot be and goes on trying them in silence. Pure.
#pragma once

#include <string>
#include <string_view>

namespace pinion {

/// Where one listens, the host may be * (every interface) and the port * (any free one).
enum class EndpointUse : unsigned char { listen, connect };

/// Why `endpoint` cannot be used, as what follows "'ENDPOINT' "; empty when it can.
[[nodiscard]] std::string endpoint_problem(std::string_view endpoint, EndpointUse use);

}  // namespace pinion

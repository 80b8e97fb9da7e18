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

/// An address of every interface, 0.0.0.0, [::] or *: nobody can be told to connect to it.
[[nodiscard]] bool names_every_interface(std::string_view endpoint);

/// Whether two endpoints to listen at, each without a problem, cannot be had together.
[[nodiscard]] bool endpoints_clash(std::string_view one, std::string_view other);

}  // namespace pinion

// Whether an address names a host that is to be found. ZeroMQ looks names up by itself, and says
// nothing when there is none; a person who mistyped one would wait for ever.
//
// The system's look-up may take its time, so it has a thread of its own, which ends by itself and
// owns what it refers to. `then` is called there.
#pragma once

#include <functional>
#include <string>

namespace pinion::gui {

/// "host" of "tcp://host:5550"; empty when it is a number, or no such address.
[[nodiscard]] std::string host_name_of(const std::string& address);

/// Calls `then` with what is wrong with the name, in a sentence; with nothing when it was found.
void look_up_host(std::string host, std::function<void(std::string)> then);

}  // namespace pinion::gui

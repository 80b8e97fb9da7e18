// What the cores' events are called in the log and among the counters.
#pragma once

#include "broker/core/effects.hpp"
#include "client/core/session_io.hpp"
#include "partition/core/node_io.hpp"

namespace pinion::sim {

/// "?" for what is no event.
[[nodiscard]] const char* name_of(BrokerEventKind kind);
[[nodiscard]] const char* name_of(partition::EventKind kind);
[[nodiscard]] const char* name_of(client::EventKind kind);

}  // namespace pinion::sim

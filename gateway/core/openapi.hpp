// The interface as programs read it: GET /openapi.json. docs/HTTP.md says the same to people. Pure.
#pragma once

#include <string>

namespace pinion::gateway {

[[nodiscard]] std::string openapi_document();

}  // namespace pinion::gateway

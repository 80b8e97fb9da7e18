#include "common/config/config_fault.hpp"

#include "common/base/limits.hpp"
#include "common/base/text.hpp"

#include <utility>

namespace pinion {

void ConfigCheck::that(bool good, std::string_view key, std::string_view why,
                       std::string_view partner) {
  if (good || fault_) return;
  fault_ = ConfigFault{std::string(key), std::string(why), std::string(partner)};
}

void ConfigCheck::number(std::string_view key, std::uint64_t value, std::uint64_t low,
                         std::uint64_t high) {
  if (value >= low && value <= high) return;
  that(false, key,
       "is " + std::to_string(value) + "; it must be " + std::to_string(low) + " to " +
           std::to_string(high));
}

void ConfigCheck::text(std::string_view key, std::string_view value, std::size_t bytes_max) {
  if (value.size() > bytes_max) {
    that(false, key, "is longer than " + std::to_string(bytes_max) + " bytes");
  }
  that(printable(value, bytes_max) == value, key, "has characters that cannot be printed");
}

void ConfigCheck::not_empty(std::string_view key, std::string_view value) {
  that(!value.empty(), key, "is empty");
}

void ConfigCheck::endpoint(std::string_view key, std::string_view value, EndpointUse use) {
  const std::string problem = endpoint_problem(value, use);
  if (!problem.empty()) {
    that(false, key, "'" + printable(value, limits::address_bytes_max) + "' " + problem);
  }
  text(key, value, limits::address_bytes_max);
}

void ConfigCheck::bind_endpoint(std::string_view key, std::string_view value) {
  endpoint(key, value, EndpointUse::listen);
}
void ConfigCheck::connect_endpoint(std::string_view key, std::string_view value) {
  endpoint(key, value, EndpointUse::connect);
}

void ConfigCheck::log(const LogConfig& log) {
  text("log.file", log.file, 4 * limits::kib);
  number("log.file_mib_max", log.file_mib_max, 1, 10'240);
  number("log.files_kept", log.files_kept, 0, 100);
}

}  // namespace pinion

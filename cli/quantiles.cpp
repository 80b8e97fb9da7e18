#include "cli/bench.hpp"

#include <algorithm>
#include <cmath>

namespace pinion::cli {
namespace {

double quantile_ms(const std::vector<std::int64_t>& sorted_us, double part) {
  if (sorted_us.empty()) return 0;
  const double rank = std::ceil(part * static_cast<double>(sorted_us.size()));
  const std::size_t index =
      std::min(sorted_us.size() - 1, static_cast<std::size_t>(std::max(1.0, rank)) - 1);
  return static_cast<double>(sorted_us[index]) / 1e3;
}

}  // namespace

Quantiles quantiles_of(std::vector<std::int64_t>& samples_us) {
  std::sort(samples_us.begin(), samples_us.end());
  return {quantile_ms(samples_us, 0.5), quantile_ms(samples_us, 0.99),
          quantile_ms(samples_us, 0.999), quantile_ms(samples_us, 1)};
}

}  // namespace pinion::cli

#include <catch2/catch.hpp>

#include "cli/bench.hpp"

using namespace pinion::cli;

TEST_CASE("cli quantiles: the nearest rank of the samples, in milliseconds", "[cli]") {
  std::vector<std::int64_t> samples;
  for (std::int64_t i = 1000; i >= 1; --i) samples.push_back(i * 1000);
  const Quantiles quantiles = quantiles_of(samples);
  CHECK(quantiles.p50_ms == 500);
  CHECK(quantiles.p99_ms == 990);
  CHECK(quantiles.p999_ms == 999);
  CHECK(quantiles.max_ms == 1000);
}

TEST_CASE("cli quantiles: one sample is all of them, and none is 0", "[cli]") {
  std::vector<std::int64_t> one{250};
  CHECK(quantiles_of(one).p50_ms == 0.25);
  CHECK(quantiles_of(one).max_ms == 0.25);
  std::vector<std::int64_t> none;
  CHECK(quantiles_of(none).p99_ms == 0);
}

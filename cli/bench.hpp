// `pinion bench`: what is measured, how it is asked for, and what comes out. Each kind is one
// function in a file of its own; bench.cpp parses and prints.
#pragma once

#include "common/base/result.hpp"
#include "common/base/time.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace pinion::cli {

struct BenchOptions {
  std::string kind;
  std::string broker;
  std::string data = ".";      ///< storage only: where its file goes.
  std::uint64_t messages = 0;  ///< 0: as the kind sees fit.
  std::uint32_t size = 100;    ///< Of a value, in bytes.
  std::uint64_t rate = 0;      ///< Records a second; 0: as fast as it goes.
  double seconds = 0;          ///< Ends after so long; 0: when all messages are through.
  std::int32_t partitions = 1;
  std::int32_t replication = 1;
  std::int32_t producers = 1;
  std::int32_t consumers = 1;
  std::uint64_t batch = 0;  ///< Records a batch; storage: rows a commit. 0: the default.
};

struct Quantiles {
  double p50_ms = 0;
  double p99_ms = 0;
  double p999_ms = 0;
  double max_ms = 0;
};

struct BenchReport {
  std::string kind;
  std::uint64_t records = 0;
  std::uint32_t size = 0;
  double seconds = 0;  ///< Of the measured part alone.
  double records_per_s = 0;
  double rows_per_commit = 0;  ///< That the run really had; 0: does not apply.
  std::uint64_t commits = 0;
  bool timed = false;    ///< latency_ms means something.
  Quantiles latency_ms;  ///< Of a record's way, a round trip or a commit.
  std::string note;      ///< For people: what was measured.
};

/// The quantiles of samples in microseconds. Sorts them.
[[nodiscard]] Quantiles quantiles_of(std::vector<std::int64_t>& samples_us);

[[nodiscard]] Result<BenchReport> bench_storage(const BenchOptions& options);
[[nodiscard]] Result<BenchReport> bench_produce(const BenchOptions& options);
[[nodiscard]] Result<BenchReport> bench_consume(const BenchOptions& options);
[[nodiscard]] Result<BenchReport> bench_e2e(const BenchOptions& options);
[[nodiscard]] Result<BenchReport> bench_latency(const BenchOptions& options);
[[nodiscard]] Result<BenchReport> bench_hop(const BenchOptions& options);

}  // namespace pinion::cli

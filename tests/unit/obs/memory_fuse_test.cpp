#include "common/obs/memory_fuse.hpp"

#include <catch2/catch.hpp>

using namespace pinion;
using Verdict = MemoryFuse::Verdict;

TEST_CASE("memory fuse: trips at its size, once, and settles a little later", "[obs]") {
  MemoryFuse fuse(400);
  CHECK(fuse.check(0ms, 399) == Verdict::fine);
  CHECK(fuse.check(100ms, 400) == Verdict::trip);
  CHECK(fuse.check(200ms, 500) == Verdict::fine);  // libzmq is still letting go.
  CHECK(fuse.check(100ms + MemoryFuse::settle_after, 500) == Verdict::settled);
  fuse.settle(50);
  CHECK(fuse.check(1s, 60) == Verdict::fine);
  CHECK(fuse.check(2s, 400) == Verdict::trip);
  CHECK(fuse.trips() == 2);
}

TEST_CASE("memory fuse: memory that a reset does not give back trips it only when it grows",
          "[obs]") {
  MemoryFuse fuse(400);
  CHECK(fuse.check(0s, 450) == Verdict::trip);
  CHECK(fuse.check(1s, 450) == Verdict::settled);
  fuse.settle(440);
  CHECK(fuse.check(2s, 450) == Verdict::fine);
  CHECK(fuse.check(3s, 539) == Verdict::fine);
  CHECK(fuse.kept());  // So it was not the clients'.
  CHECK(fuse.check(4s, 540) == Verdict::trip);
  CHECK(fuse.check(5s, 200) == Verdict::settled);
  fuse.settle(200);
  CHECK_FALSE(fuse.kept());
  CHECK(fuse.check(6s, 400) == Verdict::trip);
}

TEST_CASE("memory fuse: is as before when memory has gone down again", "[obs]") {
  MemoryFuse fuse(400);
  CHECK(fuse.check(0s, 450) == Verdict::trip);
  CHECK(fuse.check(1s, 450) == Verdict::settled);
  fuse.settle(440);
  CHECK(fuse.check(2s, 299) == Verdict::fine);
  CHECK(fuse.check(3s, 400) == Verdict::trip);
}

TEST_CASE("memory fuse: memory that rose and stands still is given back, once", "[obs]") {
  MemoryFuse fuse(800);
  fuse.trimmed(100);
  CHECK(fuse.check(0s, 199) == Verdict::fine);  // Less than an eighth of the fuse.
  CHECK(fuse.check(60s, 199) == Verdict::fine);
  CHECK(fuse.check(61s, 300) == Verdict::fine);
  CHECK(fuse.check(65s, 305) == Verdict::fine);
  CHECK(fuse.check(61s + MemoryFuse::calm_for, 305) == Verdict::trim);
  fuse.trimmed(290);  // It is in use.
  CHECK(fuse.check(80s, 300) == Verdict::fine);
  CHECK(fuse.check(100s, 389) == Verdict::fine);
  CHECK(fuse.check(110s, 390) == Verdict::fine);
  CHECK(fuse.check(110s + MemoryFuse::calm_for, 390) == Verdict::trim);
  CHECK(fuse.trips() == 0);
}

TEST_CASE("memory fuse: memory that still rises is not given back", "[obs]") {
  MemoryFuse fuse(800);
  fuse.trimmed(100);
  std::uint64_t memory = 200;
  for (Micros now = 0s; memory < 800; now += 1s, memory += 13) {
    CHECK(fuse.check(now, memory) == Verdict::fine);
  }
  CHECK(fuse.check(100s, 800) == Verdict::trip);
}

TEST_CASE("memory fuse: between two trims lies some time, also when memory goes up and down",
          "[obs]") {
  MemoryFuse fuse(800);
  Micros last = Micros(0) - MemoryFuse::calm_for;
  int trims = 0;
  for (Micros now = 0s; now < 60s; now += 100ms) {
    const bool is_up = (now / 1s) % 2 == 0;
    if (fuse.check(now, is_up ? 500 : 410) != Verdict::trim) continue;
    CHECK(now - last >= MemoryFuse::calm_for);
    last = now;
    ++trims;
    fuse.trimmed(300);
  }
  CHECK(trims >= 5);
  CHECK(trims <= 12);
}

TEST_CASE("memory fuse: what went down by itself counts from there", "[obs]") {
  MemoryFuse fuse(800);
  fuse.trimmed(600);
  CHECK(fuse.check(0s, 100) == Verdict::fine);
  CHECK(fuse.check(1s, 250) == Verdict::fine);
  CHECK(fuse.check(1s + MemoryFuse::calm_for, 250) == Verdict::trim);
}

TEST_CASE("memory fuse: what was in use when it tripped is tried again later", "[obs]") {
  MemoryFuse fuse(800);
  CHECK(fuse.check(0s, 900) == Verdict::trip);
  CHECK(fuse.check(1s, 900) == Verdict::settled);
  fuse.settle(700);  // Somebody is at it again already.
  CHECK(fuse.check(2s, 700) == Verdict::fine);
  CHECK(fuse.check(30s, 700) == Verdict::fine);
  const Micros again = 1s + MemoryFuse::tried_again_after;
  CHECK(fuse.check(again, 700) == Verdict::fine);
  CHECK(fuse.check(again + MemoryFuse::calm_for, 700) == Verdict::trim);
  fuse.trimmed(420);
  CHECK(fuse.check(again + MemoryFuse::calm_for + 25s, 420) == Verdict::fine);
  // Below the half it is left alone.
  fuse.trimmed(390);
  CHECK(fuse.check(200s, 390) == Verdict::fine);
  CHECK(fuse.check(300s, 390) == Verdict::fine);
}

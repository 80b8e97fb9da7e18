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

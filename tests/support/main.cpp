// The one main of the test binaries.
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>

#include <sys/resource.h>

/// Some cases have thousands of connections, and the usual limit is 1,024.
static void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);  // Else the case that needs more says so.
}

int main(int argc, char** argv) {
  raise_descriptor_limit();
  return Catch::Session().run(argc, argv);
}

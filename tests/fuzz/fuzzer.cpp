// The driver of one fuzzer: PINION_FUZZ_ENTRY names the function of entries.hpp.
#include "tests/fuzz/entries.hpp"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  pinion::fuzz::PINION_FUZZ_ENTRY({reinterpret_cast<const char*>(data), size});
  return 0;
}

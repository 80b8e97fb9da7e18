// Runs the corpus (and every finding that was kept in it) and random damage of it through the
// fuzzers' entry points, in any build and without libFuzzer. Nothing but a crash or an assertion of
// entries.cpp can fail.
#include <catch2/catch.hpp>

#include "common/base/assert.hpp"
#include "common/base/prng.hpp"
#include "common/proto/codec.hpp"
#include "tests/fuzz/entries.hpp"
#include "tests/support/random_messages.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace pinion::fuzz {
namespace {

struct Input {
  std::string file;
  std::string bytes;
};

std::vector<Input> corpus_of(std::string_view entry) {
  std::vector<Input> inputs;
  const std::string folder = PINION_SOURCE_DIR "/tests/fuzz/corpus/" + std::string(entry);
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    std::ifstream stream(file.path(), std::ios::binary);
    std::stringstream bytes;
    bytes << stream.rdbuf();
    inputs.push_back({file.path().filename().string(), bytes.str()});
  }
  std::sort(inputs.begin(), inputs.end(),
            [](const Input& a, const Input& b) { return a.file < b.file; });
  return inputs;
}

/// So that an abort says which input it was.
void run(const Entry& entry, const std::string& name, std::string_view bytes) {
  set_assert_context("fuzz " + std::string(entry.name) + " " + name);
  entry.run(bytes);
  set_assert_context("");
}

std::string damaged(Prng& prng, std::string bytes, const std::string& other) {
  for (std::uint64_t changes = 1 + prng.below(4); changes > 0; --changes) {
    const std::size_t at = prng.below(bytes.size() + 1);
    switch (prng.below(5)) {
      case 0:
        bytes.insert(at, 1, static_cast<char>(prng.below(256)));
        break;
      case 1:
        bytes.resize(at);
        break;
      case 2:
        bytes.insert(at, other.substr(0, prng.below(other.size() + 1)));
        break;
      case 3:
        bytes.erase(at, prng.below(8));
        break;
      default:
        if (at < bytes.size()) bytes[at] = static_cast<char>(prng.below(256));
        break;
    }
  }
  return bytes;
}

TEST_CASE("fuzz: the corpus passes through every decoder", "[fuzz]") {
  for (const Entry& entry : entries) {
    const std::vector<Input> inputs = corpus_of(entry.name);
    INFO(entry.name);
    CHECK(inputs.size() >= 5);
    for (const Input& input : inputs) run(entry, input.file, input.bytes);
    run(entry, "nothing", "");
  }
}

TEST_CASE("fuzz: so does the corpus with damage", "[fuzz]") {
  Prng prng(20260101);
  for (const Entry& entry : entries) {
    const std::vector<Input> inputs = corpus_of(entry.name);
    REQUIRE_FALSE(inputs.empty());
    const int rounds = entry.name == "config" ? 500 : 5'000;
    for (int round = 0; round < rounds; ++round) {
      const Input& input = inputs[prng.below(inputs.size())];
      const Input& other = inputs[prng.below(inputs.size())];
      run(entry, input.file + " round " + std::to_string(round),
          damaged(prng, input.bytes, other.bytes));
    }
  }
}

TEST_CASE("fuzz: and every kind of message, whole and damaged", "[fuzz]") {
  RandomMessages random(20260102);
  const Entry by_body{"body", &body};
  for (std::size_t index = 0; index < std::variant_size_v<BodyVariant>; ++index) {
    for (int round = 0; round < 100; ++round) {
      const Body made = random.body(index);
      const int kind = index == 0 ? 0 : static_cast<int>(kind_of(made));
      const std::string bytes = static_cast<char>(kind) + std::string(encode_body(made).view());
      Header of;
      of.kind = index == 0 ? Kind::produce_reply : kind_of(made);
      of.error = index == 0 ? Errc::throttled : Errc::ok;
      CHECK(decode_body(of, std::string_view(bytes).substr(1)));
      run(by_body, "random", bytes);
      run(by_body, "random, damaged", damaged(random.prng(), bytes, bytes));
    }
  }
}

}  // namespace
}  // namespace pinion::fuzz

#include <catch2/catch.hpp>

#include "cli/line_reader.hpp"

#include <string>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

using namespace pinion;
using namespace pinion::cli;

namespace {

/// A pipe that holds `text` and then ends.
class Piped {
 public:
  explicit Piped(const std::string& text) {
    int ends[2];
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    REQUIRE(fcntl(ends[1], F_SETPIPE_SZ, 1 << 20) >= static_cast<int>(text.size()));
    REQUIRE(::write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    ::close(ends[1]);
    descriptor_ = ends[0];
  }
  ~Piped() { ::close(descriptor_); }
  [[nodiscard]] int descriptor() const { return descriptor_; }

 private:
  int descriptor_ = -1;
};

std::vector<std::string> lines_of(const std::string& text) {
  const Piped piped(text);
  LineReader reader(piped.descriptor(), 1 << 20);
  std::vector<std::string> lines;
  for (;;) {
    const auto line = reader.next();
    REQUIRE(line);
    if (!*line) break;
    lines.emplace_back(**line);
  }
  CHECK(reader.lines() == lines.size());
  CHECK(reader.bytes() == text.size());
  return lines;
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("cli lines: a record is what stands between two newlines", "[cli]") {
  CHECK(lines_of("") == Lines{});
  CHECK(lines_of("a\nb\n") == Lines{"a", "b"});
  CHECK(lines_of("\n") == Lines{""});
  CHECK(lines_of("\n\na\n\n") == Lines{"", "", "a", ""});
}

TEST_CASE("cli lines: a last line without a newline counts", "[cli]") {
  CHECK(lines_of("a\nb") == Lines{"a", "b"});
  CHECK(lines_of("a") == Lines{"a"});
}

TEST_CASE("cli lines: carriage returns and zero bytes are part of the record", "[cli]") {
  CHECK(lines_of("a\r\nb\r\n") == Lines{"a\r", "b\r"});
  const std::string zero("x\0y\nz\n", 6);
  CHECK(lines_of(zero) == Lines{std::string("x\0y", 3), "z"});
}

TEST_CASE("cli lines: a line may cross any number of reads", "[cli]") {
  const std::string big(700'000, 'x');
  CHECK(lines_of("a\n" + big + "\nb") == Lines{"a", big, "b"});
}

TEST_CASE("cli lines: a line longer than a record may be is refused by its number", "[cli]") {
  for (const std::string& text :
       {"short\n" + std::string(5000, 'y') + "\nmore\n", "short\n" + std::string(600'000, 'y')}) {
    const Piped piped(text);
    LineReader reader(piped.descriptor(), 1000);
    REQUIRE(reader.next());
    const auto refused = reader.next();
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::record_too_large);
    CHECK(refused.error().detail.find("line 2") != std::string::npos);
  }
}

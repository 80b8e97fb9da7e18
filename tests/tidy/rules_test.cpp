// The lint itself: every rule finds the fault that is planted for it, and leaves its twin alone.
#include "tests/tidy/rules.hpp"

#include <catch2/catch.hpp>

namespace pinion::tidy {
namespace {

SourceFile file(std::string path, std::string text) {
  return make_source(std::move(path), std::move(text));
}

TEST_CASE("tidy: comments and literals are not code", "[tidy]") {
  CHECK(blank_comments_and_literals("a // throw\nb") == "a         \nb");
  CHECK(blank_comments_and_literals("a /* x\ny */ b") == "a     \n     b");
  CHECK(blank_comments_and_literals(R"(f("throw \" x", 'c') g)") == R"(f("          ", ' ') g)");
  CHECK(blank_comments_and_literals("n = 1'000'000; f();") == "n = 1'000'000; f();");
  CHECK(blank_comments_and_literals("R\"x(throw)\")x\" + a") == "R\"x(       )x\" + a");
  CHECK(blank_comments_and_literals("#include \"a/b.hpp\"\n") == "#include \"a/b.hpp\"\n");
}

TEST_CASE("tidy: layout", "[tidy]") {
  CHECK(check_layout(file("a.cpp", std::string(100, 'x') + "\n")).empty());
  CHECK(check_layout(file("a.cpp", std::string(101, 'x') + "\n")).size() == 1);
  std::string accents;
  for (int i = 0; i < 100; ++i) accents += "\xc3\xa9";
  CHECK(check_layout(file("a.cpp", accents + "\n")).empty());
  CHECK(check_layout(file("a.md", std::string(101, 'x') + "\n")).empty());
  CHECK(check_layout(file("a.cpp", "a \n")).size() == 1);
  CHECK(check_layout(file("a.cpp", "\ta\n")).size() == 1);
  CHECK(check_layout(file("a.cpp", "a")).size() == 1);
}

TEST_CASE("tidy: length", "[tidy]") {
  const auto lines = [](std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += "x\n";
    return text;
  };
  CHECK(check_length(file("client/a.cpp", lines(600))).empty());
  CHECK(check_length(file("client/a.cpp", lines(601))).size() == 1);
  CHECK(check_length(file("common/proto/messages.hpp", lines(700))).empty());
  CHECK(check_length(file("broker/main.cpp", lines(80))).empty());
  CHECK(check_length(file("broker/main.cpp", lines(81))).size() == 1);
}

TEST_CASE("tidy: headers", "[tidy]") {
  CHECK(check_header(file("a.hpp", "// What.\n#pragma once\n")).empty());
  CHECK(check_header(file("a.hpp", "// What. #pragma once\n")).size() == 1);
  CHECK(check_header(file("a.hpp", "#pragma once\n")).size() == 1);
  CHECK(check_header(file("a.cpp", "int a;\n")).empty());
}

TEST_CASE("tidy: words", "[tidy]") {
  const std::string unfinished = std::string("TO") + "DO";
  CHECK(check_words(file("a.cpp", "// " + unfinished + " later\n")).size() == 1);
  CHECK(check_words(file("docs/a.md", unfinished + "\n")).size() == 1);
  CHECK(check_words(file("a.cpp", "int X" + unfinished + "S;\n")).empty());
  CHECK(check_words(file("cli/a.cpp", "int a = r.value();\n")).size() == 1);
  CHECK(check_words(file("cli/a.cpp", "int a = *r;  // not .value()\n")).empty());
  CHECK(check_words(file("tests/a.cpp", "int a = r.value();\n")).empty());
}

TEST_CASE("tidy: cores", "[tidy]") {
  const auto faults = [](const std::string& code) {
    return check_core(file("broker/core/a.cpp", code + "\n")).size();
  };
  CHECK(faults("auto t = std::chrono::steady_clock::now();") == 1);
  CHECK(faults("std::unordered_map<int, int> m;") == 1);
  CHECK(faults("throw 1;") == 1);
  CHECK(faults("try {} catch (...) {}") == 1);
  CHECK(faults("int x = rand();") == 1);
  CHECK(faults("#include <thread>") == 1);
  CHECK(faults("#include <random>") == 1);
  CHECK(faults("// throw a mutex at it") == 0);
  CHECK(faults("void step(const Now& now); bool operand(); int strand();") == 0);
  CHECK(faults("#include <chrono>") == 0);
  CHECK(check_core(file("broker/driver/a.cpp", "throw 1;\n")).empty());
}

TEST_CASE("tidy: includes", "[tidy]") {
  const auto faults = [](const std::string& path, const std::string& include) {
    return check_includes(file(path, "#include " + include + "\n")).size();
  };
  CHECK(faults("broker/core/a.cpp", "\"common/base/ids.hpp\"") == 0);
  CHECK(faults("broker/core/a.cpp", "\"common/zmq/zmq_transport.hpp\"") == 1);
  CHECK(faults("broker/core/a.cpp", "\"partition/core/replica.hpp\"") == 1);
  CHECK(faults("broker/app/a.cpp", "\"partition/app/partition_server.hpp\"") == 1);
  CHECK(faults("broker/driver/a.cpp", "\"broker/storage/a.hpp\"") == 1);
  CHECK(faults("broker/app/a.cpp", "\"broker/storage/a.hpp\"") == 0);
  CHECK(faults("common/base/a.hpp", "\"common/proto/messages.hpp\"") == 1);
  CHECK(faults("partition/storage/a.cpp", "<sqlite3.h>") == 1);
  CHECK(faults("common/sqlite/a.cpp", "<sqlite3.h>") == 0);
  CHECK(faults("cli/bench_storage.cpp", "<sqlite3.h>") == 0);
  CHECK(faults("cli/bench.cpp", "<sqlite3.h>") == 1);
  CHECK(faults("common/proto/validate.cpp", "<msgpack.hpp>") == 1);
  CHECK(faults("broker/driver/a.cpp", "<spdlog/spdlog.h>") == 1);
  CHECK(faults("tests/unit/a.cpp", "<zmq.h>") == 0);
  CHECK(faults("tests/unit/a.cpp", "<boost/any.hpp>") == 1);
  CHECK(faults("newfolder/a.cpp", "\"common/base/ids.hpp\"") == 1);
  CHECK(faults("client/core/a.cpp", "<vector>") == 0);
}

TEST_CASE("tidy: names", "[tidy]") {
  CHECK(check_names(file("cli/a.hpp", "class TopicManager {};\n")).size() == 1);
  CHECK(check_names(file("cli/a.hpp", "struct [[nodiscard]] ReplyHandler;\n")).size() == 1);
  CHECK(
      check_names(file("cli/a.hpp", "class TopicTable {};  // not class TopicManager\n")).empty());
}

TEST_CASE("tidy: sources that nobody lists", "[tidy]") {
  const auto faults = [](const std::string& list, const std::string& source) {
    return check_listed({file("a/CMakeLists.txt", list), file(source, "")}).size();
  };
  CHECK(faults("x(SOURCES b.cpp c.cpp)", "a/b.cpp") == 0);
  CHECK(faults("x(SOURCES bb.cpp)", "a/b.cpp") == 1);
  CHECK(faults("x(SOURCES sub/b.cpp)", "a/sub/b.cpp") == 0);
  CHECK(faults("x(SOURCES sub/b.cpp)", "a/b.cpp") == 1);
  CHECK(faults("x(SOURCES ../support/b.cpp)", "support/b.cpp") == 0);
  CHECK(faults("x(SOURCES ${PROJECT_SOURCE_DIR}/support/b.cpp)", "support/b.cpp") == 0);
  CHECK(faults("foreach(e b c) x(${e} ${e}.cpp)", "a/b.cpp") == 0);
  CHECK(faults("foreach(e c d) x(${e} ${e}.cpp)", "a/b.cpp") == 1);
  CHECK(faults("", "other/b.cpp") == 1);
}

TEST_CASE("tidy: tests that a document names and nobody wrote", "[tidy]") {
  const auto faults = [](const std::string& shown_by) {
    const std::string table = "| pitfall | avoided | shown by |\n|---|---|---|\n| a | `b` | " +
                              shown_by + " |\n\nand `c`\n";
    return check_shown_by({file("docs/REPLICATION.md", table),
                           file("tests/unit/a.cpp", "TEST_CASE(\"replica: it does\") {}\n"),
                           file("tests/sim/bugs/skips.patch", "")})
        .size();
  };
  CHECK(faults("`replica: it does`; bug `skips`") == 0);
  CHECK(faults("`replica: it`") == 1);
  CHECK(faults("`replica: it does`, `replica: it does not`, bug `skips_more`") == 2);
  CHECK(faults("by construction") == 0);
}

TEST_CASE("tidy: includes that lead nowhere", "[tidy]") {
  const auto faults = [](const std::string& include) {
    return check_references(
               {file("a/b.hpp", "// B.\n"), file("a/c.cpp", "#include \"" + include + "\"\n")})
        .size();
  };
  CHECK(faults("a/b.hpp") == 0);
  CHECK(faults("b.hpp") == 1);
  CHECK(faults("../a/b.hpp") == 1);
}

}  // namespace
}  // namespace pinion::tidy

// The lint over the repository as it is.
#include <catch2/catch.hpp>

#include "tests/tidy/rules.hpp"

namespace pinion::tidy {
namespace {

TEST_CASE("tidy: the repository keeps the rules of docs/STYLE.md", "[tidy]") {
  const std::vector<SourceFile> files = read_tree(PINION_SOURCE_DIR);
  CHECK(files.size() > 50);
  for (const std::string& finding : check_tree(files)) FAIL_CHECK(finding);
}

}  // namespace
}  // namespace pinion::tidy

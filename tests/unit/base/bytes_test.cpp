// Shared memory that travels: copies are references, and the last one lets go.
#include "common/base/bytes.hpp"

#include <catch2/catch.hpp>

namespace pinion {
namespace {

TEST_CASE("bytes: a string is taken over and a view is copied", "[base]") {
  std::string text(1'000, 'x');
  const char* data = text.data();
  const Bytes taken(std::move(text));
  CHECK(taken.data() == data);
  const std::string other(1'000, 'x');
  const Bytes copied = Bytes::copy_of(other);
  CHECK(copied.data() != other.data());
  CHECK(copied == taken);
  CHECK(Bytes::copy_of("").empty());
  CHECK(Bytes::copy_of("") == Bytes());
  CHECK_FALSE(Bytes(std::string("a")) == Bytes(std::string("b")));
}

TEST_CASE("bytes: a slice keeps the whole alive, and the last owner lets go", "[base]") {
  int released = 0;
  std::shared_ptr<const void> owner(new int(0), [&released](const void* p) {
    delete static_cast<const int*>(p);
    ++released;
  });
  const std::string text = "0123456789";
  Bytes slice;
  {
    const Bytes whole(std::move(owner), text.data(), text.size());
    slice = whole.slice(2, 3);
  }
  CHECK(released == 0);
  CHECK(slice.view() == "234");
  CHECK(slice.slice(3, 0).empty());
  slice = Bytes();
  CHECK(released == 1);
}

TEST_CASE("bytes: frames weigh what their bytes do", "[base]") {
  CHECK(size_of({}) == 0);
  CHECK(size_of({Bytes(std::string("ab")), Bytes(), Bytes(std::string("c"))}) == 3);
}

}  // namespace
}  // namespace pinion

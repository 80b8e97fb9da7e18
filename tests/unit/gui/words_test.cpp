#include <catch2/catch.hpp>

#include "gui/model/words.hpp"

using namespace pinion;
using namespace pinion::gui;

TEST_CASE("words: an error is a sentence, without the name that programs know it by", "[gui]") {
  CHECK(words_of(fail(Errc::topic_exists, "topic 'orders' already exists")) ==
        "Topic 'orders' already exists.");
  CHECK(words_of(fail(Errc::timed_out)) == "No answer came before the deadline.");
  CHECK(sentence("is pinion-broker running?") == "Is pinion-broker running?");
  CHECK(sentence("tcp://a:1 is no address") == "tcp://a:1 is no address.");
  CHECK(sentence("no, never") == "No, never.");
  CHECK(sentence("").empty());
}

TEST_CASE("words: one thing is not many", "[gui]") {
  CHECK(counted(1, "client", "clients") == "1 client");
  CHECK(counted(0, "client", "clients") == "0 clients");
  CHECK(counted(1'204, "client", "clients") == "1,204 clients");
}

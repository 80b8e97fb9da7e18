// What the fuzzers call: each takes any bytes whatever, hands them to one decoder, and asserts what
// must hold of the result. libFuzzer drives them (fuzzer.cpp); replay_test.cpp runs the corpus and
// random damage through them in every build. Tests only.
#pragma once

#include <array>
#include <string_view>

namespace pinion::fuzz {

/// A whole multipart message: frames, each behind its size as two bytes, little-endian.
void message(std::string_view bytes);
/// A header frame.
void header(std::string_view bytes);
/// A kind as one byte, then a body frame. 0 stands for an ErrorBody.
void body(std::string_view bytes);
/// A record count as two bytes, one byte whose lowest bit asks for a right checksum, a payload.
void batch(std::string_view bytes);
/// The JSON text of a record's headers.
void record_headers(std::string_view bytes);
/// An HTTP request: method, a space, target, a newline, body.
void http(std::string_view bytes);
/// A configuration file, read as a broker's, a gateway's and a partition broker's.
void config(std::string_view bytes);
/// A name, as a peer might send one.
void names(std::string_view bytes);
/// The frame that a node echoes to the router.
void return_frame(std::string_view bytes);
/// A token behind its size as one byte, then a position's row of remembered dequeues.
void dequeue_tokens(std::string_view bytes);
/// A producer's row of remembered batches.
void remembered(std::string_view bytes);

struct Entry {
  std::string_view name;
  void (*run)(std::string_view bytes);
};
inline constexpr std::array entries = {
    Entry{"message", &message},
    Entry{"header", &header},
    Entry{"body", &body},
    Entry{"batch", &batch},
    Entry{"config", &config},
    Entry{"record_headers", &record_headers},
    Entry{"names", &names},
    Entry{"http", &http},
    Entry{"return_frame", &return_frame},
    Entry{"dequeue_tokens", &dequeue_tokens},
    Entry{"remembered", &remembered},
};

}  // namespace pinion::fuzz

// Messages with random contents, every kind of them, for tests of the codec and seeds of the
// fuzzers. The values are those of the types, not of validate.hpp: what is tested is the codec.
#pragma once

#include "common/base/prng.hpp"
#include "common/proto/codec.hpp"

#include <limits>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace pinion {

class RandomMessages {
 public:
  explicit RandomMessages(std::uint64_t seed) noexcept : prng_(seed) {}

  /// The body of the variant's index; std::variant_size_v<BodyVariant> of them there are.
  [[nodiscard]] Body body(std::size_t index) {
    return make(index, std::make_index_sequence<std::variant_size_v<BodyVariant>>());
  }

  /// A header that belongs to the body: an ErrorBody gets an error, and the kind of some answer.
  [[nodiscard]] Header header(const Body& body) {
    Header header;
    fill(header);
    header.version = protocol_version;
    const bool is_error = std::holds_alternative<ErrorBody>(body);
    header.kind = is_error ? Kind::produce_reply : kind_of(body);
    header.error = is_error ? Errc::throttled : Errc::ok;
    return header;
  }

  [[nodiscard]] Prng& prng() noexcept { return prng_; }

 private:
  template <std::size_t... I>
  Body make(std::size_t index, std::index_sequence<I...>) {
    Body body;
    const auto make_one = [&]<std::size_t Index>() {
      if (Index == index) fill(body.emplace<Index>());
    };
    (make_one.template operator()<I>(), ...);
    return body;
  }

  void fill(bool& value) { value = prng_.chance(1, 2); }
  void fill(double& value) {
    value = static_cast<double>(prng_.between(-1'000'000, 1'000'000)) / 7;
  }
  template <std::integral T>
  void fill(T& value) {
    constexpr T least = std::numeric_limits<T>::min();
    constexpr T most = std::numeric_limits<T>::max();
    const std::uint64_t bits = prng_.next() >> prng_.below(64);  // Of every size.
    const T edges[] = {least, most, T(0), T(1), static_cast<T>(most - 1), static_cast<T>(bits)};
    value = edges[prng_.below(prng_.chance(1, 4) ? 5 : 6)];
    if (prng_.chance(1, 2)) value = static_cast<T>(bits);
  }
  void fill(PartitionState& value) { value = static_cast<PartitionState>(prng_.below(5)); }
  void fill(ClientKind& value) { value = static_cast<ClientKind>(prng_.below(2)); }
  void fill(NodeHealth& value) { value = static_cast<NodeHealth>(prng_.below(3)); }
  void fill(Acks& value) { value = static_cast<Acks>(prng_.below(3)); }
  void fill(OffsetSpec& value) { value = static_cast<OffsetSpec>(prng_.below(3)); }
  void fill(ReplicaRole& value) { value = static_cast<ReplicaRole>(prng_.below(4)); }
  void fill(NodeCommand& value) { value = static_cast<NodeCommand>(prng_.below(4)); }
  void fill(FileState& value) { value = static_cast<FileState>(prng_.below(3)); }
  void fill(Kind& value) { value = Kind::hello; }
  void fill(Errc& value) { value = Errc::ok; }
  template <typename Rep, typename Tag>
  void fill(Tagged<Rep, Tag>& value) {
    Rep raw = 0;
    fill(raw);
    value = Tagged<Rep, Tag>(raw);
  }
  void fill(Micros& value) {
    std::int64_t count = 0;
    fill(count);
    value = Micros(count);
  }
  void fill(std::string& value) {
    const std::size_t sizes[] = {0, 1, 31, 32, 255, 256, prng_.below(40), prng_.below(40)};
    value.resize(sizes[prng_.below(8)]);
    for (char& c : value) c = static_cast<char>(prng_.below(256));
  }
  void fill(SqlValue& value) {
    switch (prng_.below(5)) {
      case 0:
        value = std::monostate();
        break;
      case 1:
        fill(value.emplace<std::int64_t>());
        break;
      case 2:
        fill(value.emplace<double>());
        break;
      case 3:
        fill(value.emplace<std::string>());
        break;
      default:
        fill(value.emplace<SqlBlob>().bytes);
        break;
    }
  }
  template <typename T>
  void fill(std::vector<T>& values) {
    values.resize(prng_.chance(1, 50) ? 20
                                      : prng_.below(4));  // Over and under the short form's 15.
    for (T& value : values) fill(value);
  }
  template <typename T>
  requires requires(T value) { value.fields(); }
  void fill(T& value) {
    std::apply([this](auto&... field) { (this->fill(field), ...); }, value.fields());
  }

  Prng prng_;
};

}  // namespace pinion

// msgpack to the wire's structs, field by field, driven by PINION_FIELDS. Inside common/proto only.
//
// Memory follows the input and never a claim: an array's count is believed up to what the bytes
// that are left could hold, and the elements of one body are bounded altogether. Every enum value,
// error code and number that its type does not have is refused; elements behind the known ones are
// passed over; missing ones are refused.
#pragma once

#include "common/base/limits.hpp"
#include "common/base/result.hpp"
#include "common/proto/messages.hpp"
#include "common/proto/msgpack_reader.hpp"

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace pinion {

template <typename T>
concept HasFields = requires(T value) {
  value.fields();
};
template <typename T>
concept IsTagged = requires(T value) {
  typename T::Rep;
  value.raw();
};

template <HasFields T>
constexpr std::size_t field_count = std::tuple_size_v<decltype(std::declval<const T&>().fields())>;

/// The fewest bytes that a T can take on the wire: what an array's count is believed for.
template <typename T>
constexpr std::size_t wire_bytes_min() noexcept {
  if constexpr (HasFields<T>) {
    return []<typename... Field>(const std::tuple<Field...>*) {
      return 1 + (wire_bytes_min<std::remove_cvref_t<Field>>() + ... + 0);
    }(static_cast<const decltype(std::declval<const T&>().fields())*>(nullptr));
  } else {
    return 1;
  }
}

class Unpacker {
 public:
  explicit Unpacker(std::string_view bytes) noexcept : reader_(bytes) {}

  bool unpack(bool& value) { return reader_.read_bool(value); }
  template <std::integral T>
  bool unpack(T& value) {
    return reader_.read_integer(value);
  }
  bool unpack(PartitionState& value) { return unpack_enum(value, PartitionState::halted); }
  bool unpack(ClientKind& value) { return unpack_enum(value, ClientKind::consumer); }
  bool unpack(NodeHealth& value) { return unpack_enum(value, NodeHealth::stopping); }
  bool unpack(Acks& value) { return unpack_enum(value, Acks::all); }
  bool unpack(OffsetSpec& value) { return unpack_enum(value, OffsetSpec::timestamp); }
  bool unpack(ReplicaRole& value) { return unpack_enum(value, ReplicaRole::following); }
  bool unpack(NodeCommand& value) { return unpack_enum(value, NodeCommand::rebalance); }
  bool unpack(FileState& value) { return unpack_enum(value, FileState::failing); }
  bool unpack(Kind& value) {
    std::uint16_t number = 0;
    if (!reader_.read_integer(number)) return false;
    value = static_cast<Kind>(number);
    return true;
  }
  bool unpack(Errc& value) {
    std::uint16_t number = 0;
    if (!reader_.read_integer(number)) return false;
    const std::optional<Errc> code = errc_from_number(number);
    if (!code) return reader_.refuse("an error code that does not exist");
    value = *code;
    return true;
  }
  template <IsTagged T>
  bool unpack(T& value) {
    typename T::Rep raw = 0;
    if (!reader_.read_integer(raw)) return false;
    value = T(raw);
    return true;
  }
  bool unpack(Micros& value) {
    std::int64_t count = 0;
    if (!reader_.read_integer(count)) return false;
    value = Micros(count);
    return true;
  }
  bool unpack(std::string& text) {
    std::string_view view;
    if (!reader_.read_string(view)) return false;
    text.assign(view);
    return true;
  }
  bool unpack(SqlValue& value) {
    switch (reader_.next()) {
      case MsgpackReader::Next::nil:
        value = std::monostate();
        return reader_.skip_nil();
      case MsgpackReader::Next::integer:
        return reader_.read_integer(value.emplace<std::int64_t>());
      case MsgpackReader::Next::real:
        return reader_.read_double(value.emplace<double>());
      case MsgpackReader::Next::text:
        return unpack(value.emplace<std::string>());
      case MsgpackReader::Next::bytes: {
        std::string_view bytes;
        if (!reader_.read_binary(bytes)) return false;
        value.emplace<SqlBlob>().bytes.assign(bytes);
        return true;
      }
      case MsgpackReader::Next::nothing:
      case MsgpackReader::Next::other:
        break;
    }
    return reader_.refuse("a value of a result row was expected");
  }
  template <typename T>
  bool unpack(std::vector<T>& items) {
    std::uint32_t count = 0;
    if (!reader_.read_array(count)) return false;
    if (count > limits::list_items_max || count > limits::body_items_max - items_) {
      return reader_.refuse("a list has too many elements");
    }
    if (count > reader_.rest() / wire_bytes_min<T>()) {
      return reader_.refuse("a list claims more elements than there are bytes");
    }
    items_ += count;
    items.clear();
    items.reserve(count);
    for (std::uint32_t i = 0; i < count; ++i) {
      if (!unpack(items.emplace_back())) return false;
    }
    return true;
  }
  template <HasFields T>
  bool unpack(T& value) {
    std::uint32_t count = 0;
    return reader_.read_array(count) && unpack_fields<0>(value, count);
  }
  /// The fields from the one of that index on, of an array of `count` elements.
  template <std::size_t First, HasFields T>
  bool unpack_fields(T& value, std::uint32_t count) {
    if (count < field_count<T>) return reader_.refuse("fields are missing");
    auto fields = value.fields();
    const bool all = [&]<std::size_t... I>(std::index_sequence<I...>) {
      return (this->unpack(std::get<First + I>(fields)) && ...);
    }
    (std::make_index_sequence<field_count<T> - First>());
    for (std::size_t i = field_count<T>; all && i < count; ++i) {
      if (!reader_.skip(2)) return false;
    }
    return all;
  }

  /// True when nothing is left behind the value that was read.
  bool at_end() {
    if (reader_.ok() && reader_.rest() != 0) reader_.refuse("bytes are left over");
    return reader_.ok();
  }
  MsgpackReader& reader() noexcept { return reader_; }
  [[nodiscard]] tl::unexpected<Error> problem(std::string_view what) const {
    std::string detail(what);
    detail += ": ";
    detail += reader_.problem() != nullptr ? reader_.problem() : "not understood";
    detail += ", at byte " + std::to_string(reader_.at());
    return failure(Errc::malformed, std::move(detail));
  }

 private:
  template <typename T>
  bool unpack_enum(T& value, T last) {
    std::underlying_type_t<T> number = 0;
    if (!reader_.read_integer(number)) return false;
    if (number > static_cast<std::underlying_type_t<T>>(last)) {
      return reader_.refuse("a value that its list does not have");
    }
    value = static_cast<T>(number);
    return true;
  }

  MsgpackReader reader_;
  std::size_t items_ = 0;
};

}  // namespace pinion

#include "common/base/error.hpp"

#include <array>

namespace pinion {
namespace {

struct Row {
  Errc code;
  std::string_view name;
  bool retriable;
  Fate fate;
  std::string_view text;
};

constexpr bool retriable = true;
constexpr bool final_ = false;

constexpr std::array rows = {
#define PINION_ERROR(name, number, retry, fate, text) \
  Row{Errc::name, #name, retry, Fate::fate, text},
#include "common/base/error_codes.def"
#undef PINION_ERROR
};

const Row* find(Errc code) noexcept {
  for (const Row& row : rows) {
    if (row.code == code) return &row;
  }
  return nullptr;
}

}  // namespace

std::string_view name_of(Errc code) noexcept {
  const Row* row = find(code);
  return row != nullptr ? row->name : "unlisted";
}

std::string_view text_of(Errc code) noexcept {
  const Row* row = find(code);
  return row != nullptr ? row->text : "an error that this version does not know";
}

bool is_retriable(Errc code) noexcept {
  const Row* row = find(code);
  return row != nullptr && row->retriable;
}

Fate fate_of(Errc code) noexcept {
  const Row* row = find(code);
  return row != nullptr ? row->fate : Fate::unknown;
}

std::optional<Errc> errc_from_number(std::int64_t number) noexcept {
  for (const Row& row : rows) {
    if (static_cast<std::int64_t>(row.code) == number) return row.code;
  }
  return std::nullopt;
}

std::string Error::to_string() const {
  std::string out(name_of(code));
  out += ": ";
  out += detail.empty() ? std::string(text_of(code)) : detail;
  return out;
}

}  // namespace pinion

#include "gui/model/producing.hpp"

#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "gui/model/format.hpp"
#include "gui/model/narrow_text.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace pinion::gui {
namespace {

std::optional<std::int64_t> take_integer(std::string_view& text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

char hex_digit(std::uint64_t value) { return "0123456789abcdef"[value & 0xf]; }

std::string make_uuid(Prng& prng) {
  std::string out;
  for (int i = 0; i < 32; ++i) {
    if (i == 8 || i == 12 || i == 16 || i == 20) out.push_back('-');
    std::uint64_t digit = prng.below(16);
    if (i == 12) digit = 4;
    if (i == 16) digit = 8 | (digit & 3);
    out.push_back(hex_digit(digit));
  }
  return out;
}

}  // namespace

std::string TemplateFiller::fill(std::string_view text, const Values& values) {
  std::string out;
  out.reserve(text.size() + 32);
  while (!text.empty()) {
    const std::size_t begin = text.find("{{");
    const std::size_t end = begin == std::string_view::npos ? begin : text.find("}}", begin);
    if (end == std::string_view::npos) break;
    out += text.substr(0, begin);
    if (!fill_one(text.substr(begin + 2, end - begin - 2), values, out)) {
      out += text.substr(begin, end + 2 - begin);
    }
    text.remove_prefix(end + 2);
  }
  out += text;
  return out;
}

bool TemplateFiller::fill_one(std::string_view name, const Values& values, std::string& out) {
  if (name == "n") {
    out += std::to_string(values.n);
  } else if (name == "line") {
    out += values.line;
  } else if (name == "time") {
    out += format_utc_time(values.wall);
  } else if (name == "ms") {
    out += std::to_string(values.wall.count() / 1'000);
  } else if (name == "uuid") {
    out += make_uuid(prng_);
  } else if (name.starts_with("random ")) {
    std::string_view rest = name.substr(7);
    const auto low = take_integer(rest);
    const auto high = take_integer(rest);
    if (!low || !high || *high < *low || !rest.empty()) return false;
    const auto span = static_cast<std::uint64_t>(*high) - static_cast<std::uint64_t>(*low) + 1;
    out += std::to_string(*low + static_cast<std::int64_t>(span == 0 ? 0 : prng_.below(span)));
  } else if (name.starts_with("pick ")) {
    std::vector<std::string_view> choices;
    std::string_view rest = name.substr(5);
    for (;;) {
      const std::size_t bar = rest.find('|');
      choices.push_back(rest.substr(0, bar));
      if (bar == std::string_view::npos) break;
      rest.remove_prefix(bar + 1);
    }
    out += choices[static_cast<std::size_t>(prng_.below(choices.size()))];
  } else {
    return false;
  }
  return true;
}

bool may_be_template(std::string_view text) {
  return text.size() <= template_bytes_max && is_editable(text);
}

std::optional<std::int32_t> partition_from(std::string_view text) {
  std::int32_t partition = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, partition);
  if (parsed.ec != std::errc() || parsed.ptr != end || partition < 0) return std::nullopt;
  return partition;
}

std::string draft_problem(const Draft& draft, std::size_t record_bytes_max) {
  if (draft.topic.empty()) return "Choose a topic first.";
  for (const RecordHeader& header : draft.headers) {
    if (header.name.empty()) return "A header needs a name.";
    if (!is_utf8(header.name)) return "A header's name must be text.";
  }
  const auto headers = build_record_headers(draft.headers);
  if (!headers) return "The headers are too large: " + headers.error().detail;
  const std::size_t bytes = limits::record_overhead_bytes + draft.value.size() +
                            (draft.key ? draft.key->size() : 0) + headers->size();
  if (record_bytes_max > 0 && bytes > record_bytes_max) {
    return "The record has " + format_bytes(bytes) + "; this cluster allows " +
           format_bytes(record_bytes_max) + ".";
  }
  return {};
}

// Bucket 0 is up to 1 us; each is 10 % wider than the one before: 200 of them reach 3 min.
void LatencyHistogram::add(Micros latency) {
  const double us = std::max<double>(1.0, static_cast<double>(latency.count()));
  const auto bucket = static_cast<std::size_t>(std::log(us) / std::log(1.1));
  ++counts_[std::min(bucket, buckets - 1)];
  ++count_;
}

std::optional<Micros> LatencyHistogram::quantile(unsigned per_mille) const {
  if (count_ == 0) return std::nullopt;
  const std::uint64_t wanted = std::max<std::uint64_t>(1, (count_ * per_mille + 999) / 1'000);
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < buckets; ++i) {
    seen += counts_[i];
    if (seen < wanted) continue;
    return Micros(static_cast<std::int64_t>(std::pow(1.1, static_cast<double>(i) + 0.5)));
  }
  return std::nullopt;
}

std::uint64_t due_by(double per_second, Micros elapsed) {
  if (per_second <= 0) return ~std::uint64_t{0};
  const double seconds = static_cast<double>(elapsed.count()) / 1e6;
  return 1 + static_cast<std::uint64_t>(std::max(0.0, seconds * per_second));
}

}  // namespace pinion::gui

#include "gui/model/record_filter.hpp"

#include "common/proto/record_headers.hpp"
#include "gui/model/text_search.hpp"

#include <algorithm>
#include <charconv>
#include <functional>
#include <utility>

namespace pinion::gui {
namespace {

template <typename Number>
std::optional<Number> number_of(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return {};
  return number;
}

bool is_sign(char c) { return std::string_view("=!<>~").find(c) != std::string_view::npos; }

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

/// What stands between blanks, or with what else belongs to it.
struct Word {
  std::string text{};
  std::vector<bool> in_quotes{};  ///< Of each byte: what stood in quotes is no sign, and no prefix.
  std::optional<std::size_t> last_quotes{};  ///< Where the last ones began, perhaps around nothing.
  /// Where the sign of a comparison is, or would be; nothing when it is no side of one.
  std::optional<std::size_t> sign{};

  void put(std::string_view piece, bool quoted) {
    text += piece;
    in_quotes.resize(text.size(), quoted);
  }
  void put(const Word& other) {
    if (other.last_quotes) last_quotes = text.size() + *other.last_quotes;
    text += other.text;
    in_quotes.insert(in_quotes.end(), other.in_quotes.begin(), other.in_quotes.end());
  }
  [[nodiscard]] bool has_bare(std::size_t at, char c) const {
    return at < text.size() && text[at] == c && !in_quotes[at];
  }
  [[nodiscard]] bool has_sign(std::size_t at) const {
    return at < text.size() && is_sign(text[at]) && !in_quotes[at];
  }
  /// Something is behind that place, be it nothing in quotes.
  [[nodiscard]] bool has_more(std::size_t at) const {
    return at < text.size() || (last_quotes && *last_quotes >= at);
  }
};

/// ".a", "$.a", "$[...]", and each with the '-' that turns a part around. Names may be in quotes.
bool is_path(const Word& word) {
  const std::size_t at = word.text.size() > 1 && word.has_bare(0, '-') ? 1 : 0;
  if (word.text.size() < at + 2) return false;
  const bool dollar =
      word.has_bare(at, '$') && (word.has_bare(at + 1, '.') || word.has_bare(at + 1, '['));
  return word.has_bare(at, '.') || dollar;
}

/// Whether a name of a path in quotes begins there, which is one with them.
bool begins_brackets(Word word, std::string_view text) {
  if (!text.starts_with("[\"")) return false;
  word.put("[", false);
  return is_path(word);
}

/// Blanks divide, and quotes keep together.
Result<std::vector<Word>> split(std::string_view text) {
  std::vector<Word> words;
  Word word;
  bool quoted = false;
  bool any = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (!quoted && begins_brackets(word, text.substr(i))) {
      const std::size_t size = std::max<std::size_t>(1, json_brackets_end(text.substr(i)));
      word.put(text.substr(i, size), false);
      any = true;
      i += size - 1;
    } else if (c == '"') {
      quoted = !quoted;
      if (quoted) word.last_quotes = word.text.size();
      any = true;
    } else if (c == ' ' && !quoted) {
      if (any) words.push_back(std::exchange(word, {}));
      any = false;
    } else {
      word.put({&c, 1}, quoted);
      any = true;
    }
  }
  if (quoted) return failure(Errc::invalid_argument, "a quotation mark has no second one");
  if (any) words.push_back(std::move(word));
  return words;
}

/// Where the comparison begins; the text's end when there is none. Names in quotes may hold signs.
std::size_t end_of_path(const Word& word) {
  const std::string_view text = word.text;
  std::size_t at = 0;
  while (at < text.size() && !word.has_sign(at)) {
    const std::size_t brackets = word.has_bare(at, '[') ? json_brackets_end(text.substr(at)) : 0;
    at += std::max<std::size_t>(1, brackets);
  }
  return std::min(at, text.size());
}

std::optional<std::size_t> sign_at(const Word& word) {
  if (is_path(word)) return end_of_path(word);
  constexpr std::string_view prefix = "header:";
  std::size_t at = word.has_bare(0, '-') ? 1 : 0;
  for (const char c : prefix) {
    if (!word.has_bare(at++, c)) return std::nullopt;
  }
  while (at < word.text.size() && !word.has_bare(at, '=')) ++at;
  return at;
}

std::size_t sign_end(const Word& word, std::size_t at) {
  while (word.has_sign(at)) ++at;
  return at;
}

/// A comparison has its sides, whether blanks stand around its sign or not.
std::vector<Word> join(std::vector<Word> words) {
  std::vector<Word> parts;
  for (std::size_t i = 0; i < words.size(); ++i) {
    Word& part = parts.emplace_back(std::move(words[i]));
    part.sign = sign_at(part);
    if (!part.sign) continue;
    const bool lacks = *part.sign == part.text.size() && i + 1 < words.size();
    if (lacks && words[i + 1].has_sign(0)) part.put(words[++i]);
    const std::size_t end = sign_end(part, *part.sign);
    if (i + 1 < words.size() && end > *part.sign && !part.has_more(end)) {
      part.last_quotes = end;
      part.put(words[++i].text, true);  // What the value begins with is no sign.
    }
  }
  return parts;
}

Error no_comparison(std::string_view sign) {
  return fail(Errc::invalid_argument,
              "'" + std::string(sign) +
                  "' compares nothing: there are = != < <= > >= and ~, as in .price >= 10. A value "
                  "that begins with such a sign stands in quotes");
}

}  // namespace

/// A part of the filter as it was written: both sides of a comparison, and what is between.
struct RecordFilter::Written {
  std::string_view name;   ///< What is compared, or all of it.
  std::string_view sign;   ///< Empty: nothing is compared.
  std::string_view value;  ///< Of the comparison.
  bool has_value = false;  ///< It may be empty, too: "".
  bool is_path = false;
};

Result<RecordFilter> RecordFilter::parse(std::string_view text) {
  RecordFilter filter;
  PINION_TRY(words, split(text));
  for (const Word& word : join(std::move(words))) {
    const std::string_view whole = word.text;
    Written written{whole, {}, {}, false, is_path(word)};
    if (word.sign) {
      const std::size_t end = sign_end(word, *word.sign);
      written.name = whole.substr(0, *word.sign);
      written.sign = whole.substr(*word.sign, end - *word.sign);
      written.value = whole.substr(end);
      written.has_value = word.has_more(end);
    }
    PINION_TRY(part, parse_part(written));
    filter.parts_.push_back(std::move(part));
  }
  return filter;
}

Result<RecordFilter::Part> RecordFilter::parse_part(const Written& written) {
  Part part;
  std::string_view text = written.name;
  if (text.size() > 1 && text.front() == '-') {
    part.negated = true;
    text.remove_prefix(1);
  }
  if (take_prefix(text, "key:")) {
    part.where = Where::key;
  } else if (take_prefix(text, "value:")) {
    part.where = Where::value;
  } else if (take_prefix(text, "partition:")) {
    const auto number = number_of<std::int32_t>(text);
    if (!number || *number < 0) {
      return failure(Errc::invalid_argument, "partition: wants a number, as in partition:3");
    }
    part.where = Where::partition;
    part.partition = *number;
    return part;
  } else if (take_prefix(text, "header:")) {
    part.where = Where::header;
    part.name = small_letters(text);
    part.compare = written.sign.empty() ? Compare::exists : Compare::contains;
    if (!written.sign.empty() && written.sign != "=" && written.sign != "==") {
      return failure(Errc::invalid_argument,
                     "of a header only = can be asked, as in header:trace-id=4bf9. A value that "
                     "begins with such a sign stands in quotes");
    }
    part.text = small_letters(written.value);
    return part;
  } else if (written.is_path) {
    PINION_TRY(path, parse_json_path(text));
    part.where = Where::json;
    part.path = std::move(path);
    part.compare = Compare::exists;
    if (written.sign.empty()) return part;
    return parse_comparison(written, std::move(part));
  }
  part.text = small_letters(text);
  return part;
}

Result<RecordFilter::Part> RecordFilter::parse_comparison(const Written& written, Part part) {
  static constexpr std::pair<std::string_view, Compare> signs[]{
      {"==", Compare::equal},   {"=", Compare::equal},     {"!=", Compare::unequal},
      {"<=", Compare::at_most}, {">=", Compare::at_least}, {"<", Compare::less},
      {">", Compare::greater},  {"~", Compare::contains}};
  const auto sign = std::find_if(std::begin(signs), std::end(signs),
                                 [&](const auto& one) { return written.sign == one.first; });
  if (sign == std::end(signs)) return failure(no_comparison(written.sign));
  part.compare = sign->second;
  if (!written.has_value) {
    const std::string text(written.sign);
    return failure(Errc::invalid_argument,
                   text + " wants a value behind it, as in .price " + text + " 10");
  }
  part.text = std::string(written.value);
  part.number = number_of<double>(written.value);
  const bool orders = part.compare == Compare::less || part.compare == Compare::at_most ||
                      part.compare == Compare::greater || part.compare == Compare::at_least;
  if (orders && !part.number) {
    return failure(Errc::invalid_argument, "'<' and '>' compare numbers, as in .price > 10");
  }
  if (part.compare == Compare::contains) part.text = small_letters(written.value);
  return part;
}

bool RecordFilter::matches(const RecordRow& row) const {
  return std::all_of(parts_.begin(), parts_.end(),
                     [&](const Part& part) { return holds(part, row) != part.negated; });
}

bool RecordFilter::holds(const Part& part, const RecordRow& row) {
  switch (part.where) {
    case Where::anywhere:
      return contains_letters({row.body, row.body_bytes()}, part.text);
    case Where::key:
      return contains_letters(row.key().value_or(std::string_view()), part.text);
    case Where::value:
      return contains_letters(row.value_bytes(), part.text);
    case Where::partition:
      return row.partition == part.partition;
    case Where::header:
      return holds_header(part, row);
    case Where::json:
      return holds_json(part, row.value_bytes());
  }
  return false;
}

bool RecordFilter::holds_header(const Part& part, const RecordRow& row) {
  const auto text = row.headers();
  if (!text || !contains_letters(*text, part.name)) return false;
  const auto headers = parse_record_headers(*text);
  if (!headers) return false;
  return std::any_of(headers->begin(), headers->end(), [&](const RecordHeader& header) {
    return small_letters(header.name) == part.name &&
           (part.compare == Compare::exists || contains_letters(header.value, part.text));
  });
}

bool RecordFilter::holds_json(const Part& part, std::string_view value) {
  // The last name of the path must be there as text, unless it is written with escapes: that
  // spares most of the parsing.
  const std::string& last = part.path.back().name;
  const bool there = value.find(last) != std::string_view::npos;
  if (!there && value.find('\\') == std::string_view::npos) return false;
  const auto nodes = parse_json(value);
  if (!nodes) return false;
  const JsonNode* node = find_json(*nodes, part.path);
  if (node == nullptr) return false;
  switch (part.compare) {
    case Compare::exists:
      return true;
    case Compare::contains:
      return contains_letters(json_plain(*node), part.text);
    case Compare::less:
    case Compare::at_most:
    case Compare::greater:
    case Compare::at_least: {
      const auto number = number_of<double>(json_plain(*node));
      if (!number) return false;
      if (part.compare == Compare::less) return *number < *part.number;
      if (part.compare == Compare::at_most) return *number <= *part.number;
      return part.compare == Compare::greater ? *number > *part.number : *number >= *part.number;
    }
    case Compare::equal:
    case Compare::unequal: {
      const std::string plain = json_plain(*node);
      const auto number = part.number ? number_of<double>(plain) : std::nullopt;
      const bool same =
          number ? !(*number < *part.number) && !(*number > *part.number) : plain == part.text;
      return same == (part.compare == Compare::equal);
    }
  }
  return false;
}

void FilteredRecords::set(RecordFilter filter, LatestOfKey latest) {
  filter_ = std::move(filter);
  latest_ = latest;
  last_.clear();
  outdated_.clear();
  found_.clear();
  dropped_ = 0;
  next_ = 0;
}

void FilteredRecords::add(const LogView& records, const RecordRow& row, std::uint64_t number) {
  if (latest_ == LatestOfKey::yes) {
    const auto key = row.key();
    if (!key) return;
    const std::hash<std::string_view> hash;
    const std::size_t seed = hash(*row.topic);
    const auto [at, fresh] = last_.try_emplace(hash(*key) ^ (seed * 31 + 7), number);
    const RecordRow* before = fresh ? nullptr : records.find(at->second);
    const bool same = before != nullptr && before->key() == key && *before->topic == *row.topic;
    if (same) outdated_.push_back(at->second);
    at->second = number;
  }
  found_.push_back(number);
}

/// One pass for all of a step.
void FilteredRecords::drop_outdated() {
  if (outdated_.empty()) return;
  std::sort(outdated_.begin(), outdated_.end());
  const auto begin = found_.begin() + static_cast<std::ptrdiff_t>(dropped_);
  const auto from = std::lower_bound(begin, found_.end(), outdated_.front());
  auto old = outdated_.begin();
  const auto end = std::remove_if(from, found_.end(), [&](std::uint64_t number) {
    while (old != outdated_.end() && *old < number) ++old;
    return old != outdated_.end() && *old == number;
  });
  found_.erase(end, found_.end());
  outdated_.clear();
}

bool FilteredRecords::advance(const LogView& records, std::size_t rows_max) {
  if (!filters()) return false;
  while (dropped_ < found_.size() && found_[dropped_] < records.first()) ++dropped_;
  if (dropped_ > 4'096 && dropped_ > found_.size() / 2) {
    found_.erase(found_.begin(), found_.begin() + static_cast<std::ptrdiff_t>(dropped_));
    dropped_ = 0;
  }
  next_ = std::max(next_, records.first());
  std::size_t bytes = 0;
  while (rows_max > 0 && bytes < step_bytes_max && next_ < records.end()) {
    const LogView::Run run = records.run_at(next_);
    if (run.count == 0) {
      next_ = records.next_begin(next_);
      continue;
    }
    const std::size_t count = std::min(run.count, rows_max);
    std::size_t i = 0;
    for (; i < count && bytes < step_bytes_max; ++i) {
      bytes += run.rows[i].body_bytes();
      if (filter_.matches(run.rows[i])) add(records, run.rows[i], next_ + i);
    }
    next_ += i;
    rows_max -= i;
  }
  drop_outdated();
  if (last_.size() > 2 * records.size() + 4'096) {
    std::erase_if(last_, [&](const auto& one) { return one.second < records.first(); });
  }
  return next_ < records.end();
}

std::size_t FilteredRecords::size(const LogView& records) const {
  return filters() ? found_.size() - dropped_ : records.size();
}

std::uint64_t FilteredRecords::number_at(const LogView& records, std::size_t index) const {
  return filters() ? found_[dropped_ + index] : records.first() + index;
}

std::size_t FilteredRecords::index_of(const LogView& records, std::uint64_t number) const {
  if (!filters()) {
    return static_cast<std::size_t>(std::clamp(number, records.first(), records.end()) -
                                    records.first());
  }
  const auto begin = found_.begin() + static_cast<std::ptrdiff_t>(dropped_);
  return static_cast<std::size_t>(std::lower_bound(begin, found_.end(), number) - begin);
}

std::uint64_t FilteredRecords::looked_at(const LogView& records) const {
  if (!filters()) return records.size();
  return std::clamp(next_, records.first(), records.end()) - records.first();
}

}  // namespace pinion::gui

#include "gui/views/producer_view.hpp"

#include "gui/model/json.hpp"
#include "gui/views/panel.hpp"
#include "gui/views/producer_parts.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <string_view>
#include <utility>

namespace pinion::gui {
namespace {

/// `draft`: of the state.
std::string problem_of(const Snapshot& snapshot, const ProducerState& state, const Draft& draft) {
  std::string problem =
      draft_problem(draft, static_cast<std::size_t>(snapshot.connection.record_bytes_max));
  if (problem.empty() && state.how == 3 && state.file.empty()) problem = "Name a file to send.";
  if (problem.empty() && !state.partition.empty() && !draft.partition) {
    problem = "A partition is a number, or nothing.";
  }
  const bool lines = state.how == 3 && state.file_kind == 0;
  if (problem.empty() && lines && draft.exact && !draft.value.empty()) {
    problem = "The value is sent exactly as it is, so no line of the file would be in it.";
  }
  const bool looks_json = !draft.value.empty() && (draft.value[0] == '{' || draft.value[0] == '[');
  const bool unused = state.how == 3 && state.file_kind == 1;
  // What is too large to be edited was not written here, and would take long to look through.
  const bool small = draft.value.size() <= template_bytes_max;
  if (problem.empty() && state.check_json && looks_json && small && !unused) {
    // What is filled in may be anything; a plain number stands for it in the check.
    const std::string text =
        draft.exact ? draft.value : TemplateFiller(1).fill(draft.value, TemplateFiller::Values{});
    const auto parsed = parse_json(text);
    if (!parsed) problem = json_problem(parsed.error());
  }
  return problem;
}

/// Tells one writing of the form from another without a copy of it. What is too large for an editor
/// is replaced and never edited, so its size and its beginning are enough.
std::size_t mark_of(const ProducerState& state) {
  constexpr std::size_t begin_bytes = 4'096;
  std::size_t mark = static_cast<std::size_t>(state.how);
  const auto add = [&](std::string_view text) {
    const std::size_t size = text.size();
    if (size > template_bytes_max) text = text.substr(0, begin_bytes);
    mark = (mark * 31 + std::hash<std::string_view>()(text)) * 31 + size;
  };
  for (const std::string* text :
       {&state.topic, &state.key, &state.partition, &state.value, &state.file}) {
    add(*text);
  }
  for (const RecordHeader& header : state.headers) {
    add(header.name);
    add(header.value);
  }
  return mark * 4 + (state.has_key ? 2 : 0) + (state.exact ? 1 : 0);
}

}  // namespace

std::string json_problem(const Error& error) {
  return "The value is no JSON: " + error.detail + ".";
}

Draft draft_of(const ProducerState& state) {
  Draft draft;
  draft.topic = state.topic;
  if (state.has_key) draft.key = state.key;
  for (const RecordHeader& header : state.headers) {
    if (!header.name.empty() || !header.value.empty()) draft.headers.push_back(header);
  }
  draft.value = state.value;
  draft.partition = partition_from(state.partition);
  draft.exact = state.exact;
  return draft;
}

void forget_problem(ProducerState& state) {
  if (!state.problem.empty() && state.problem_of != mark_of(state)) state.problem.clear();
}

void say_problem(ProducerState& state, std::string problem) {
  state.problem = std::move(problem);
  if (!state.problem.empty()) state.problem_of = mark_of(state);
}

void send(Ui& ui, const Snapshot& snapshot, ProducerState& state, Settings& settings) {
  SendRecords command;
  command.plan.draft = draft_of(state);
  say_problem(state, problem_of(snapshot, state, command.plan.draft));
  if (!state.problem.empty()) return;
  if (state.how == 1) command.plan.count = static_cast<std::uint64_t>(std::max(1, state.count));
  if (state.how == 2) {
    command.plan.count = static_cast<std::uint64_t>(std::max(1, state.count));
    command.plan.per_second = static_cast<double>(std::max(0.1F, state.per_second));
  }
  if (state.how == 3) {
    command.plan.file = state.file;
    command.plan.exported = state.file_kind == 1;
    command.plan.count = 0;
  }
  settings.topic = state.topic;
  ui.commands.emplace_back(std::move(command));
}

void set_draft(ProducerState& state, const Draft& draft) {
  state.topic = draft.topic;
  state.has_key = draft.key.has_value();
  state.key = draft.key.value_or("");
  state.headers = draft.headers;
  state.value = draft.value;
  state.exact = draft.exact;
  state.partition = draft.partition ? std::to_string(*draft.partition) : "";
  state.problem.clear();
}

void draw_producer(Ui& ui, const Snapshot& snapshot, ProducerState& state, Settings& settings) {
  draw_panel_title(ui, "Produce", "Write records into a topic.");
  forget_problem(state);
  const ImVec2 room = ImGui::GetContentRegionAvail();
  const float gap = ui.px(12);
  if (room.x < ui.px(700)) {
    // Too narrow for both: the history is below, and the panel scrolls.
    const float form = std::max(ui.px(400), std::floor(room.y * 0.62F));
    draw_form(ui, snapshot, state, settings, {room.x, form});
    ui.begin_fade(is_stale(ui, snapshot));
    draw_send_history(ui, snapshot, state, {room.x, std::max(ui.px(260), room.y - form - gap)});
    return ui.end_fade();
  }
  // The form is not squeezed below what it needs; the splitter moves what is beyond.
  float& share = settings.produce_share;
  const float left =
      std::floor(std::max(std::min(ui.px(430), room.x * 0.6F), room.x * share - gap));
  const float right = room.x - left - gap;
  draw_form(ui, snapshot, state, settings, {left, room.y});
  float right_share = 1 - share;
  ui.splitter_vertical("produce.splitter", right_share, room.x, room.y);
  share = 1 - right_share;
  ui.begin_fade(is_stale(ui, snapshot));
  draw_send_history(ui, snapshot, state, {right, room.y});
  ui.end_fade();
}

}  // namespace pinion::gui

#include "gui/views/producer_view.hpp"

#include "gui/model/json.hpp"
#include "gui/views/panel.hpp"
#include "gui/views/producer_parts.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace pinion::gui {
namespace {

std::string problem_of(const Snapshot& snapshot, const ProducerState& state) {
  const Draft draft = draft_of(state);
  std::string problem =
      draft_problem(draft, static_cast<std::size_t>(snapshot.connection.record_bytes_max));
  if (problem.empty() && state.how == 3 && state.file.empty()) problem = "Name a file to send.";
  if (problem.empty() && !state.partition.empty() && !draft.partition) {
    problem = "A partition is a number, or nothing.";
  }
  const bool looks_json = !state.value.empty() && (state.value[0] == '{' || state.value[0] == '[');
  const bool unused = state.how == 3 && state.file_kind == 1;
  if (problem.empty() && state.check_json && looks_json && !unused) {
    // What is filled in may be anything; a plain number stands for it in the check.
    TemplateFiller filler(1);
    const auto parsed = parse_json(filler.fill(state.value, {}));
    if (!parsed) problem = json_problem(parsed.error());
  }
  return problem;
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
  return draft;
}

void forget_problem(ProducerState& state) {
  if (state.problem.empty()) return;
  const bool same = state.problem_of == draft_of(state) && state.problem_file == state.file &&
                    state.problem_how == state.how;
  if (!same) state.problem.clear();
}

void say_problem(ProducerState& state, std::string problem) {
  state.problem = std::move(problem);
  if (state.problem.empty()) return;
  state.problem_of = draft_of(state);
  state.problem_file = state.file;
  state.problem_how = state.how;
}

void send(Ui& ui, const Snapshot& snapshot, ProducerState& state, Settings& settings) {
  say_problem(state, problem_of(snapshot, state));
  if (!state.problem.empty()) return;
  SendRecords command;
  command.plan.draft = draft_of(state);
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

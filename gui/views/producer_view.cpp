#include "gui/views/producer_view.hpp"

#include "gui/model/json.hpp"
#include "gui/model/payload.hpp"
#include "gui/views/imgui_versions.hpp"
#include "gui/views/panel.hpp"
#include "gui/views/record_detail.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

namespace pinion::gui {
namespace {

constexpr std::size_t kind_bytes_max = 64UL * 1024;

const std::vector<std::string>& placeholders() {
  static const std::vector<std::string> names{
      "{{n}}", "{{time}}", "{{ms}}", "{{uuid}}", "{{random 1 100}}", "{{pick a|b|c}}", "{{line}}"};
  return names;
}

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
  std::int32_t partition = 0;
  const char* end = state.partition.data() + state.partition.size();
  if (std::from_chars(state.partition.data(), end, partition).ec == std::errc() &&
      !state.partition.empty()) {
    draft.partition = partition;
  }
  return draft;
}

/// What was wrong may be right once something else is written.
void forget_problem(ProducerState& state) {
  if (state.problem.empty()) return;
  const bool same = state.problem_of == draft_of(state) && state.problem_file == state.file &&
                    state.problem_how == state.how;
  if (!same) state.problem.clear();
}

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

constexpr const char* new_topic_id = "new topic";

/// Each frame, whether the form is there or not. True: the topic that the form waits for is made.
bool settle_new_topic(const ActionResult& action, ProducerState& state) {
  const bool begun = action.number >= state.made;
  const bool goes_on = action.number == state.made && action.running;
  if (!state.creating || !begun || goes_on) return false;
  state.creating = false;
  if (action.number != state.made) return false;  // How it ended was said, and is past.
  if (action.ok) {
    state.topic = std::exchange(state.new_topic, {});
    return true;
  }
  // Said where the form is; without it, beside the button that sends.
  if (ImGui::IsPopupOpen(new_topic_id)) {
    state.new_problem = action.text;
    state.created = 0;
  }
  return false;
}

/// Open until the topic is there, so that a name that is refused can be mended.
void draw_new_topic(Ui& ui, const Snapshot& snapshot, ProducerState& state) {
  const ActionResult& action = snapshot.topic_action;
  const bool made = settle_new_topic(action, state);
  ImGui::SetNextWindowSize({ui.px(360), 0});
  if (!ImGui::BeginPopup(new_topic_id)) return;
  if (made) ImGui::CloseCurrentPopup();
  ui.strong("New topic");
  if (ImGui::IsWindowAppearing()) ImGui::SetKeyboardFocusHere();
  const bool entered = ui.input("produce.new_name", state.new_topic, "Name", -1,
                                ImGuiInputTextFlags_EnterReturnsTrue);
  ImGui::SetNextItemWidth(ui.px(120));
  ImGui::InputInt("partitions", &state.new_partitions);
  ui.describe("produce.new_partitions", std::to_string(state.new_partitions));
  state.new_partitions = std::clamp(state.new_partitions, 1, 10'000);
  const bool goes_on = state.creating && action.number == state.made;
  ui.notice("produce.new_problem", goes_on ? action.text : state.new_problem,
            goes_on ? Tone::muted : Tone::bad);
  ImGui::BeginDisabled(state.creating);
  const bool pressed = ui.button("produce.create", "Create", ButtonKind::primary);
  ImGui::EndDisabled();
  if ((entered || pressed) && !state.new_topic.empty() && !state.creating) {
    MakeTopic command;
    command.name = state.new_topic;
    command.config.partitions = state.new_partitions;
    command.config.replication = 0;  // As the cluster does by itself.
    state.created = state.made = action.number + 1;
    state.creating = true;
    state.new_problem.clear();
    ui.commands.emplace_back(std::move(command));
  }
  ImGui::EndPopup();
}

void draw_topic(Ui& ui, const Snapshot& snapshot, ProducerState& state, Settings& settings) {
  const float new_width = ui.button_width("New topic\u2026");
  ui.label("Topic");
  ImGui::SameLine(ui.px(84));
  pick_topic(ui, "produce.topic", state.topic, snapshot, settings, state.picker,
             ImGui::GetContentRegionAvail().x - new_width - ui.px(8));
  ImGui::SameLine();
  if (ui.button("produce.new_topic", "New topic\u2026")) {
    state.creating = false;  // What was asked for before is said below when it ends.
    state.new_problem.clear();
    ImGui::OpenPopup(new_topic_id);
  }
  draw_new_topic(ui, snapshot, state);
}

/// What no field can hold without harm is sent as it is, or replaced. True: replaced.
bool draw_bytes(Ui& ui, const char* name, const std::string& bytes) {
  ui.label(format_bytes(bytes.size()) + " that are no text, sent as they are");
  ui.describe(name, "bytes");
  ImGui::SameLine();
  const std::string replace = std::string(name) + ".replace";
  return ui.button(replace.c_str(), "Write text instead", ButtonKind::quiet);
}

void draw_value(Ui& ui, ProducerState& state, float height) {
  if (is_editable(state.value)) {
    ui.editor("produce.value", state.value, {-1, height});
    return;
  }
  ui.begin_card("produce.bytes", {0, height});
  if (draw_bytes(ui, "produce.value", state.value)) {
    state.value.clear();
  } else {
    draw_hex(ui, state.value);
  }
  ui.end_card();
}

void draw_headers(Ui& ui, ProducerState& state) {
  const float label = ui.px(84);
  const float width = right_edge() - label;
  int removed = -1;
  for (int i = 0; i < static_cast<int>(state.headers.size()); ++i) {
    RecordHeader& header = state.headers[static_cast<std::size_t>(i)];
    ImGui::PushID(i);
    const std::string name = "produce.header." + std::to_string(i);
    ui.label(i == 0 ? "Headers" : "");
    ImGui::SameLine(label);
    ui.input((name + ".name").c_str(), header.name, "Name", std::floor(width * 0.32F));
    ImGui::SameLine();
    if (is_editable(header.value)) {
      ui.input((name + ".value").c_str(), header.value, "Value",
               ImGui::GetContentRegionAvail().x - ImGui::GetFrameHeight() - ui.px(8));
    } else if (draw_bytes(ui, (name + ".value").c_str(), header.value)) {
      header.value.clear();
    }
    ImGui::SameLine();
    if (ui.icon_button((name + ".remove").c_str(), Icon::close, "Remove this header")) removed = i;
    ImGui::PopID();
  }
  if (removed >= 0) state.headers.erase(state.headers.begin() + removed);
}

void draw_drafts(Ui& ui, ProducerState& state, Settings& settings) {
  if (ui.button("produce.drafts", "Saved\u2026")) ImGui::OpenPopup("drafts");
  ImGui::SetNextWindowSize({ui.px(340), 0});
  if (!ImGui::BeginPopup("drafts")) return;
  int removed = -1;
  for (int i = 0; i < static_cast<int>(settings.drafts.size()); ++i) {
    const NamedDraft& draft = settings.drafts[static_cast<std::size_t>(i)];
    ImGui::PushID(i);
    ui.glyphs.note(draft.name);
    if (ImGui::Selectable(draft.name.c_str(), false, 0,
                          {ImGui::GetContentRegionAvail().x - ui.px(40), 0})) {
      set_draft(state, draft.draft);
      ImGui::CloseCurrentPopup();
    }
    ImGui::SameLine();
    if (ui.icon_button("remove", Icon::close, "Forget it")) removed = i;
    ImGui::PopID();
  }
  if (removed >= 0) settings.drafts.erase(settings.drafts.begin() + removed);
  if (settings.drafts.empty()) ui.paragraph("Nothing is saved yet. Name what is in the form:");
  const bool entered = ui.input("produce.draft_name", state.draft_name, "Name of this record",
                                -ui.px(80), ImGuiInputTextFlags_EnterReturnsTrue);
  ImGui::SameLine();
  if ((ui.button("produce.save_draft", "Save") || entered) && !state.draft_name.empty() &&
      settings.drafts.size() < drafts_max) {
    settings.drafts.push_back({state.draft_name, draft_of(state)});
    state.draft_name.clear();
  }
  ImGui::EndPopup();
}

void draw_value_tools(Ui& ui, ProducerState& state) {
  ui.beside(ui.button_width("+ Header"));
  if (ui.button("produce.add_header", "+ Header")) state.headers.emplace_back();
  ui.beside(ui.button_width("Format"));
  if (ui.button("produce.format", "Format")) {
    if (auto pretty = pretty_json(state.value)) {
      state.value = std::move(*pretty);
    } else if (const auto parsed = parse_json(state.value); !parsed) {
      say_problem(state, json_problem(parsed.error()));
    }
  }
  ui.beside(ui.button_width("Insert\u2026"));
  if (ui.button("produce.insert", "Insert\u2026")) ImGui::OpenPopup("insert");
  if (ImGui::BeginPopup("insert")) {
    ui.text("Filled in anew for each record", Tone::muted);
    for (const std::string& name : placeholders()) {
      if (ImGui::Selectable(name.c_str())) state.value += name;
    }
    ImGui::EndPopup();
  }
  ui.beside(ui.button_width("Saved\u2026"));
}

/// How many, and how fast.
void draw_amount(Ui& ui, ProducerState& state) {
  ImGui::SetNextItemWidth(ui.px(80));
  ImGui::InputInt("##count", &state.count, 0);
  ui.describe("produce.count", std::to_string(state.count));
  state.count = std::max(1, state.count);
  ImGui::SameLine();
  ui.label("records");
  if (state.how != 2) return;
  ui.beside(ui.px(64) + ui.px(12) + ImGui::CalcTextSize("a second").x);
  ImGui::SetNextItemWidth(ui.px(64));
  ImGui::InputFloat("##rate", &state.per_second, 0, 0, "%.1f");
  ui.describe("produce.rate");
  ImGui::SameLine();
  ui.label("a second");
}

void draw_send(Ui& ui, const Snapshot& snapshot, ProducerState& state, Settings& settings) {
  ui.choice("produce.how", {"Once", "N times", "At a rate", "File"}, state.how);
  if (state.how == 3) {
    ui.choice("produce.file_kind", {"A record a line", "An export"}, state.file_kind);
    const char* hint =
        state.file_kind == 0 ? "/path/to/a/file, a record a line" : "/path/to/an/export.jsonl";
    const bool entered =
        ui.input("produce.file", state.file, hint, -1, ImGuiInputTextFlags_EnterReturnsTrue);
    state.enter = state.enter || entered;
    if (ImGui::IsItemHovered() && !ImGui::IsItemActive()) {
      ui.tooltip(state.file_kind == 0
                     ? "With a value above, {{line}} in it is the line; else the line is the value."
                     : "JSON Lines as this program and 'pinion consume --json' write them: keys, "
                       "headers and values are the file's. Offsets and times are new.");
    }
  }
  const bool ready = snapshot.connection.state == Connection::connected;
  ImGui::BeginDisabled(!ready);
  const char* text = state.how == 3 ? "Send the file" : "Send";
  const bool pressed = ui.button("produce.send", text, ButtonKind::primary, ui.px(110));
  ImGui::EndDisabled();
  if (pressed) send(ui, snapshot, state, settings);
  if (ImGui::IsItemHovered()) ui.tooltip("Ctrl+Enter");
  ui.beside(ui.px(150));
  if (!ready) {
    ui.label("Not connected");
  } else if (state.how == 1 || state.how == 2) {
    draw_amount(ui, state);
  } else {
    ui.label("Ctrl+Enter sends");
  }
  if (ready && (state.enter || ui.ctrl_enter_pressed())) send(ui, snapshot, state, settings);
  if (ui.passing_notice("produce.problem", state.problem, Tone::bad)) state.problem.clear();
  draw_outcome(ui, "produce.topic_action", snapshot.topic_action, state.created);
}

void draw_form(Ui& ui, const Snapshot& snapshot, ProducerState& state, Settings& settings,
               ImVec2 size) {
  ui.begin_card("produce.form", size);
  draw_topic(ui, snapshot, state, settings);
  if (ui.checkbox("produce.has_key", "Key", state.has_key) && state.has_key) {
    ImGui::SetKeyboardFocusHere();
  }
  ImGui::SameLine(ui.px(84));
  const float partition_width = ui.px(112);
  state.enter = false;
  if (!is_editable(state.key)) {
    if (draw_bytes(ui, "produce.key", state.key)) state.key.clear();
  } else {
    ImGui::BeginDisabled(!state.has_key);
    state.enter = ui.input("produce.key", state.key, state.has_key ? "Empty key" : "No key",
                           ImGui::GetContentRegionAvail().x - partition_width - ui.px(8),
                           ImGuiInputTextFlags_EnterReturnsTrue);
    ImGui::EndDisabled();
  }
  ImGui::SameLine(right_edge() - partition_width);
  state.enter = ui.input("produce.partition", state.partition, "Any partition", partition_width,
                         ImGuiInputTextFlags_CharsDecimal | ImGuiInputTextFlags_EnterReturnsTrue) ||
                state.enter;
  if (ImGui::IsItemHovered()) {
    ui.tooltip("Empty: the key decides, or partitions take turns without a key.");
  }
  draw_headers(ui, state);
  ui.label("Value");
  draw_value_tools(ui, state);
  draw_drafts(ui, state, settings);
  // The value has what the rest leaves; how much that is was seen in the last frame.
  const float frame = ImGui::GetFrameHeightWithSpacing();
  const float below = ui.kept_height("produce.below", 3 * frame);
  const float height = std::max(ui.px(90), ImGui::GetContentRegionAvail().y - below);
  draw_value(ui, state, height);
  const float begin = ImGui::GetCursorPosY();
  // What kind a large value is would be looked up in every frame.
  std::string about = state.value.size() > kind_bytes_max
                          ? std::string()
                          : std::string(name_of(kind_of(state.value)));
  if (!state.value.empty()) {
    about += (about.empty() ? "" : ", ") + format_bytes(state.value.size());
  }
  ui.label(about);
  const float check = ui.px(30) + ImGui::CalcTextSize("Check JSON").x;
  ImGui::SameLine(std::max(ui.px(90), right_edge() - check));
  ui.checkbox("produce.check_json", "Check JSON", state.check_json);
  draw_send(ui, snapshot, state, settings);
  ui.keep_height("produce.below", ImGui::GetCursorPosY() - begin);
  ui.end_card();
}

Tone tone_of(const SendJob& job) {
  if (job.state == JobState::failed || job.failed > 0) return Tone::bad;
  if (job.unknown > 0 || job.state == JobState::cancelled) return Tone::warning;
  return job.state == JobState::done ? Tone::good : Tone::accent;
}

std::string result_text(const SendJob& job) {
  if (job.state == JobState::done && job.sent == 1 && job.acknowledged == 1 &&
      !job.reports->empty()) {
    const SendReport& report = job.reports->front();
    return "partition " + std::to_string(report.partition) + ", offset " +
           format_count(std::optional(report.offset));
  }
  std::string text = format_count(job.acknowledged) + " acknowledged";
  if (job.failed > 0) text += ", " + format_count(job.failed) + " failed";
  if (job.unknown > 0) text += ", " + format_count(job.unknown) + " unknown";
  switch (job.state) {
    case JobState::waiting:
      return "waiting for the topic";
    case JobState::sending:
    case JobState::flushing:
      if (job.total > 0 && job.state == JobState::sending) {
        text += ", " + std::to_string(100 * job.done_of_total / job.total) + " %";
      }
      return text;
    case JobState::cancelled:
      return text + ", cancelled";
    case JobState::failed:
      return job.sent == 0 ? job.problem : text + ": " + job.problem;
    case JobState::done:
      return text;
  }
  return text;
}

std::string latency_text(const SendJob& job) {
  const auto p50 = job.latencies.quantile(500);
  if (!p50) return {};
  if (job.acknowledged == 1 && !job.reports->empty()) {
    return format_duration(job.reports->front().latency);
  }
  return format_duration(*p50) + " / " + format_duration(*job.latencies.quantile(990));
}

std::string what_text(const SendJob& job) {
  if (!job.plan->file.empty()) return job.plan->file;
  std::string text;
  append_preview(text, job.plan->draft.value, 120);
  return text.empty() ? "(empty)" : text;
}

void draw_job(Ui& ui, const Snapshot& snapshot, const SendJob& job, ProducerState& state) {
  ui.strong_fitted(what_text(job));
  if (!job.is_over()) {
    if (ui.button("produce.cancel", "Cancel", ButtonKind::danger)) {
      ui.commands.emplace_back(CancelJob{job.id});
    }
    if (job.total > 1) {
      ImGui::SameLine();
      const float share = static_cast<float>(job.done_of_total) / static_cast<float>(job.total);
      ImGui::PushStyleColor(ImGuiCol_PlotHistogram, ui.theme.accent);
      ImGui::ProgressBar(share, {-1, ImGui::GetFrameHeight()}, "");
      ImGui::PopStyleColor();
    }
  } else {
    ImGui::BeginDisabled(snapshot.connection.state != Connection::connected);
    if (ui.button("produce.again", "Send again")) {
      ui.commands.emplace_back(SendRecords{*job.plan});
    }
    ImGui::EndDisabled();
    ImGui::SameLine();
    if (ui.button("produce.edit", "Edit")) set_draft(state, job.plan->draft);
  }
  if (!job.problem.empty()) ui.notice("produce.job_problem", job.problem, tone_of(job));
  if (job.reported() > job.reports->size() && !job.reports->empty()) {
    ui.text("The first " + format_count(job.reports->size()) + " of " +
                format_count(job.reported()) + " reports",
            Tone::muted);
  }
  static const std::vector<GridColumn> columns{
      {.title = "Partition", .right = true},
      {.title = "Offset", .right = true, .sample = "12,345,678"},
      {.title = "Latency", .right = true, .sample = "123 ms"},
      {.title = "Outcome", .width = 200}};
  draw_grid(ui, "produce.reports", {0, 0}, columns, state.reports,
            {job.reports->size(), 0, [&](std::size_t row, std::size_t column, GridCell& cell) {
               const SendReport& report = (*job.reports)[row];
               const bool good = report.outcome == SendOutcome::acknowledged;
               if (column == 0) cell.text = std::to_string(report.partition);
               if (column == 1) {
                 cell.text = report.offset < 0 ? std::string(unknown_text)
                                               : format_count(std::optional(report.offset));
               }
               if (column == 2) cell.text = format_duration(report.latency);
               if (column != 3) return;
               cell.tone = good ? Tone::good : Tone::bad;
               cell.text = good ? "acknowledged" : report.error;
             }});
}

void draw_history(Ui& ui, const Snapshot& snapshot, ProducerState& state, ImVec2 size) {
  ui.begin_pane("produce.history_pane", size);
  const std::vector<SendJob>& jobs = snapshot.producing->jobs;
  ImGui::AlignTextToFramePadding();
  ui.strong("History");
  if (!jobs.empty()) {
    ImGui::SameLine(size.x - ui.button_width("Clear"));
    if (ui.button("produce.forget", "Clear", ButtonKind::quiet)) {
      ui.commands.emplace_back(ForgetJobs{});
    }
  }
  if (jobs.empty()) {
    ui.begin_card("produce.no_history", {0, 0});
    ui.empty_state("Nothing was sent yet",
                   "Choose a topic, write a value and press Send. What became of each record "
                   "stands here: its partition, its offset and how long it took.");
    ui.end_card();
    ui.end_pane();
    return;
  }
  const auto chosen = std::find_if(jobs.begin(), jobs.end(),
                                   [&](const SendJob& job) { return job.id == state.chosen_job; });
  state.jobs.selected = chosen == jobs.end() ? -1 : chosen - jobs.begin();
  static const std::vector<GridColumn> columns{
      {.title = "Time", .sample = "00:00:00"},
      {.title = "Topic", .width = 70, .sample = "payments"},
      {.title = "Result", .sample = "partition 12, offset 123,456"},
      {.title = "Latency", .right = true, .sample = "123 \u00b5s / 1.23 ms"},
      {"What", 150, false, true}};
  const float detail = chosen == jobs.end() ? 0 : std::min(ui.px(260), size.y * 0.45F);
  const GridResult result = draw_grid(
      ui, "produce.history",
      {0, ImGui::GetContentRegionAvail().y - (detail > 0 ? detail + ui.px(8) : 0)}, columns,
      state.jobs, {jobs.size(), 0, [&](std::size_t row, std::size_t column, GridCell& cell) {
                     const SendJob& job = jobs[row];
                     if (column == 0)
                       cell.text = format_local_time(job.started_at, WithDate::no).substr(0, 8);
                     if (column == 1) cell.text = job.plan->draft.topic;
                     if (column == 3) cell.text = latency_text(job);
                     if (column == 4) cell.text = what_text(job);
                     if (column != 2) return;
                     cell.text = result_text(job);
                     cell.tone = tone_of(job);
                   }});
  if (result.hovered >= 0 && result.hovered_column == 3) {
    ui.tooltip(
        "From the send to the report: of one record, or the median and the 99th percentile.");
  }
  if (result.selection_changed && state.jobs.selected >= 0) {
    state.chosen_job = jobs[static_cast<std::size_t>(state.jobs.selected)].id;
  }
  if (detail > 0) {
    ui.begin_card("produce.job", {0, 0});
    draw_job(ui, snapshot, *chosen, state);
    ui.end_card();
  }
  ui.end_pane();
}

}  // namespace

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
    draw_history(ui, snapshot, state, {room.x, std::max(ui.px(260), room.y - form - gap)});
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
  draw_history(ui, snapshot, state, {right, room.y});
  ui.end_fade();
}

}  // namespace pinion::gui

// What became of what was sent.
#include "gui/views/producer_parts.hpp"

#include "gui/model/payload.hpp"

#include <algorithm>

namespace pinion::gui {
namespace {

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

/// What was just sent is what a person wants to know about: its reports, and why it failed.
void choose_new_job(const std::vector<SendJob>& jobs, ProducerState& state) {
  const std::uint64_t newest = jobs.front().id;
  if (newest > state.newest_job.value_or(newest)) state.chosen_job = newest;
  state.newest_job = newest;
}

}  // namespace

void draw_send_history(Ui& ui, const Snapshot& snapshot, ProducerState& state, ImVec2 size) {
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
    state.newest_job = state.newest_job.value_or(0);
    ui.begin_card("produce.no_history", {0, 0});
    ui.empty_state("Nothing was sent yet",
                   "Choose a topic, write a value and press Send. What became of each record "
                   "stands here: its partition, its offset and how long it took.");
    ui.end_card();
    ui.end_pane();
    return;
  }
  choose_new_job(jobs, state);
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
  if (result.hovered >= 0 && result.hovered_column == 2) {
    ui.tooltip(result_text(jobs[static_cast<std::size_t>(result.hovered)]));
  }
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

}  // namespace pinion::gui

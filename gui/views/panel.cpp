#include "gui/views/panel.hpp"

#include "gui/model/words.hpp"

#include <algorithm>

namespace pinion::gui {

std::optional<Micros> age_of(const Ui& ui, const Snapshot& snapshot) {
  if (!snapshot.cluster) return std::nullopt;
  return std::max(Micros{0}, ui.now.monotonic - snapshot.cluster->answered_at);
}

bool is_stale(const Ui& ui, const Snapshot& snapshot) {
  const auto age = age_of(ui, snapshot);
  return snapshot.connection.state != Connection::connected || !age || *age > stale_after;
}

void draw_connection_notice(Ui& ui, const Snapshot& snapshot) {
  const ConnectionView& connection = snapshot.connection;
  const auto age = age_of(ui, snapshot);
  const std::string old = age ? " What is shown is from " + format_ago(*age) + "." : std::string();
  switch (connection.state) {
    case Connection::connected:
      if (age && *age > stale_after) {
        ui.notice("connection.notice", "The broker has not told its status lately." + old,
                  Tone::warning);
      }
      return;
    case Connection::connecting:
      ui.notice("connection.notice",
                "Connecting to " + connection.address + "\u2026 " + sentence(connection.problem),
                connection.problem.empty() ? Tone::muted : Tone::bad);
      return;
    case Connection::lost:
      ui.notice("connection.notice",
                "The connection is lost. " + sentence(connection.problem) +
                    " Trying again by itself." + old,
                Tone::bad);
      return;
    case Connection::refused:
      ui.notice("connection.notice", sentence(connection.problem), Tone::bad);
      return;
    case Connection::invalid:
      ui.notice("connection.notice",
                "'" + connection.address + "' is no address. " + sentence(connection.problem) +
                    " It looks like tcp://host:5550.",
                Tone::bad);
      return;
  }
}

void draw_panel_title(Ui& ui, std::string_view title, std::string_view text) {
  ui.title(title);
  ImGui::SameLine(0, ui.px(12));
  if (ImGui::CalcTextSize(text.data(), text.data() + text.size()).x >
      ImGui::GetContentRegionAvail().x) {
    return ImGui::NewLine();  // It is said elsewhere, too.
  }
  // On the title's own baseline, without making its line higher.
  const ImVec2 at = ImGui::GetCursorScreenPos();
  ImGui::GetWindowDrawList()->AddText({at.x, at.y + ui.px(6)}, ui.ink(ui.theme.muted), text.data(),
                                      text.data() + text.size());
  ImGui::NewLine();
}

void draw_outcome(Ui& ui, const char* name, const ActionResult& action, std::uint64_t& began) {
  if (began == 0 || action.number != began) return;
  const Tone tone = action.running           ? Tone::muted
                    : !action.ok             ? Tone::bad
                    : action.wants_attention ? Tone::warning
                                             : Tone::good;
  if (action.running) {
    ui.notice(name, action.text, tone);
  } else if (ui.passing_notice(name, action.text, tone)) {
    began = 0;
  }
}

void draw_plan(Ui& ui, const char* name, const std::vector<PlannedLine>& lines,
               const std::string& problem) {
  std::string all;
  const ImVec2 begin = ImGui::GetCursorScreenPos();
  for (const PlannedLine& line : lines) {
    if (line.tone == Tone::normal) {
      ui.paragraph(line.text, Tone::normal);
    } else {
      ui.notice(name, line.text, line.tone);
    }
    all += (all.empty() ? "" : " ") + line.text;
  }
  ui.notice(name, problem, Tone::bad);
  all += problem;
  ui.describe_at(std::string(name) + ".text", begin, ImGui::GetCursorScreenPos(), all);
  ImGui::Dummy({0, ui.px(4)});
}

}  // namespace pinion::gui

#include "gui/views/cluster_view.hpp"

#include <algorithm>
#include <charconv>

namespace pinion::gui {
namespace {

/// Empty is 0: without a limit.
std::optional<std::int64_t> whole_number(const std::string& text, std::int64_t most) {
  if (text.empty()) return 0;
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  if (parsed.ec != std::errc() || parsed.ptr != end || number < 0 || number > most) return {};
  return number;
}

void make_topic(Ui& ui, const Snapshot& snapshot, TopicActionState& state) {
  const auto hours = whole_number(state.retention_hours, 1'000'000);
  const auto mib = whole_number(state.retention_mib, 1'000'000'000);
  state.problem.clear();
  if (state.name.empty()) state.problem = "It needs a name.";
  if (!hours) state.problem = "The hours to keep records for are a whole number, or nothing.";
  if (!mib) state.problem = "The MiB to keep are a whole number, or nothing.";
  if (!state.problem.empty()) return;
  MakeTopic command;
  command.name = state.name;
  command.config.partitions = state.partitions;
  command.config.replication = state.replication;
  command.config.retention_ms = *hours * 3'600'000;
  command.config.retention_bytes = *mib * 1'024 * 1'024;
  state.began = snapshot.topic_action.number + 1;
  state.name.clear();
  ui.commands.emplace_back(std::move(command));
  ImGui::CloseCurrentPopup();
}

std::string loss_text(const TopicRow& topic) {
  std::string text = "This deletes ";
  text +=
      topic.records ? format_count(*topic.records) + " records" : "an unknown number of records";
  text += " in " + std::to_string(topic.partitions) +
          (topic.partitions == 1 ? " partition" : " partitions") + ", " +
          format_bytes(topic.file_bytes) + " on disk";
  if (topic.readers > 0) {
    text += ", and the positions of " + std::to_string(topic.readers) +
            (topic.readers == 1 ? " reader" : " readers");
  }
  return text + ". It cannot be undone.";
}

}  // namespace

void draw_new_topic(Ui& ui, const Snapshot& snapshot, TopicActionState& state) {
  ImGui::SetNextWindowSize({ui.px(420), 0});
  if (!ImGui::BeginPopup("cluster new topic")) return;
  ui.strong("New topic");
  if (ImGui::IsWindowAppearing()) ImGui::SetKeyboardFocusHere();
  const bool entered =
      ui.input("topic.name", state.name, "Name", -1, ImGuiInputTextFlags_EnterReturnsTrue);
  const float field = ui.px(130);
  ImGui::SetNextItemWidth(field);
  ImGui::InputInt("Partitions", &state.partitions);
  ui.describe("topic.partitions", std::to_string(state.partitions));
  state.partitions = std::clamp(state.partitions, 1, 10'000);
  ImGui::SetNextItemWidth(field);
  ImGui::InputInt("Replicas of each", &state.replication);
  ui.describe("topic.replication", std::to_string(state.replication));
  state.replication = std::clamp(state.replication, 1, 9);
  ui.input("topic.hours", state.retention_hours, "for ever", field,
           ImGuiInputTextFlags_CharsDecimal);
  ImGui::SameLine();
  ui.text("hours are kept");
  ui.input("topic.mib", state.retention_mib, "all", field, ImGuiInputTextFlags_CharsDecimal);
  ImGui::SameLine();
  ui.text("MiB a partition are kept");
  ui.notice("topic.problem", state.problem, Tone::bad);
  const bool pressed = ui.button("topic.create", "Create topic", ButtonKind::primary);
  if (entered || pressed) make_topic(ui, snapshot, state);
  ImGui::SameLine();
  if (ui.button("topic.cancel", "Cancel")) ImGui::CloseCurrentPopup();
  ImGui::EndPopup();
}

void draw_delete_topic(Ui& ui, const Snapshot& snapshot, TopicActionState& state) {
  if (state.open_delete) ImGui::OpenPopup("Delete topic");
  state.open_delete = false;
  ImGui::SetNextWindowSize({ui.px(460), 0});
  const ImVec2 centre = ImGui::GetMainViewport()->GetCenter();
  ImGui::SetNextWindowPos(centre, ImGuiCond_Appearing, {0.5F, 0.5F});
  if (!ImGui::BeginPopupModal("Delete topic", nullptr,
                              ImGuiWindowFlags_NoTitleBar | ImGuiWindowFlags_NoResize)) {
    return;
  }
  const TopicRow* topic = snapshot.cluster ? snapshot.cluster->find_topic(state.doomed) : nullptr;
  ui.title("Delete " + state.doomed + "?");
  ui.paragraph(topic == nullptr ? "It is not there any more." : loss_text(*topic), Tone::normal);
  ui.paragraph("Type the topic's name to confirm:");
  if (ImGui::IsWindowAppearing()) ImGui::SetKeyboardFocusHere();
  const bool entered = ui.input("delete.confirm", state.confirm, state.doomed.c_str(), -1,
                                ImGuiInputTextFlags_EnterReturnsTrue);
  ImGui::BeginDisabled(topic == nullptr || state.confirm != state.doomed);
  const bool pressed = ui.button("delete.go", "Delete topic", ButtonKind::danger);
  ImGui::EndDisabled();
  if ((pressed || entered) && topic != nullptr && state.confirm == state.doomed) {
    state.began = snapshot.topic_action.number + 1;
    ui.commands.emplace_back(RemoveTopic{state.doomed});
    ImGui::CloseCurrentPopup();
  }
  ImGui::SameLine();
  if (ui.button("delete.cancel", "Keep it") || Ui::escape_pressed()) ImGui::CloseCurrentPopup();
  ImGui::EndPopup();
}

}  // namespace pinion::gui

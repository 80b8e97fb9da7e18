#include "gui/views/cluster_view.hpp"

#include "common/base/limits.hpp"
#include "gui/views/panel.hpp"

#include <algorithm>
#include <utility>

namespace pinion::gui {
namespace {

void draw_number(Ui& ui, const char* name, const char* text, int& value, int low, int high) {
  ui.label(text);
  ImGui::SameLine(ui.px(170));
  ImGui::SetNextItemWidth(ui.px(130));
  const std::string id = std::string("##") + name;
  ImGui::InputInt(id.c_str(), &value);
  ui.describe(name, std::to_string(value));
  value = std::clamp(value, low, high);
}

void draw_text(Ui& ui, const char* name, const char* text, std::string& value, const char* hint,
               const char* help) {
  ui.label(text);
  ImGui::SameLine(ui.px(170));
  ui.input(name, value, hint, ui.px(130));
  ui.beside(ImGui::CalcTextSize(help).x);
  ui.label(help);
}

/// All of a topic but its name.
void draw_fields(Ui& ui, const std::string& name, TopicForm& form) {
  constexpr int replicas_max = 9;
  const int partitions_max = static_cast<int>(limits::partitions_per_topic_max);
  draw_number(ui, (name + ".partitions").c_str(), "Partitions", form.partitions, 1, partitions_max);
  draw_number(ui, (name + ".replication").c_str(), "Replicas of each", form.replication, 1,
              replicas_max);
  draw_number(ui, (name + ".min_insync").c_str(), "In sync at least", form.min_insync, 0,
              replicas_max);
  ui.beside(ui.px(170));
  ui.label(form.min_insync == 0 ? "the majority" : "or it takes no records");
  draw_text(ui, (name + ".kept_for").c_str(), "Records are kept", form.kept_for, "for ever",
            "as 7 d, 12 h, 30 min");
  draw_text(ui, (name + ".kept_size").c_str(), "and of each partition", form.kept_size, "all",
            "as 500 MiB, 10 GiB");
  ui.checkbox((name + ".unclean").c_str(), "A replica that has less may lead, if no other is left",
              form.unclean);
}

void make_topic(Ui& ui, const Snapshot& snapshot, TopicActionState& state) {
  state.problem.clear();
  const auto config = config_of(state.fresh);
  if (state.fresh.name.empty()) state.problem = "It needs a name.";
  if (!config) state.problem = config.error().detail;
  if (!state.problem.empty()) return;
  state.began = state.made = snapshot.topic_action.number + 1;
  state.making = true;
  ui.commands.emplace_back(MakeTopic{state.fresh.name, *config});
}

constexpr const char* new_topic_id = "cluster new topic";

/// Each frame, whether the form is there or not. True: the topic that the form waits for is made.
bool settle_new_topic(const ActionResult& action, TopicActionState& state) {
  const bool begun = action.number >= state.made;
  const bool goes_on = action.number == state.made && action.running;
  if (!state.making || !begun || goes_on) return false;
  state.making = false;
  if (action.number != state.made) return false;  // How it ended was said, and is past.
  if (action.ok) {
    state.fresh.name.clear();
    return true;
  }
  // Said where the form is, so that what is refused can be mended; without it, beside its button.
  if (ImGui::IsPopupOpen(new_topic_id)) {
    state.problem = action.text;
    if (state.began == state.made) state.began = 0;
  }
  return false;
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

void open_new_topic(const Snapshot& snapshot, TopicActionState& state) {
  // What was typed before it was closed is still there.
  if (state.fresh.name.empty() && snapshot.cluster) {
    state.fresh = {};
    state.fresh.replication = usual_replication(*snapshot.cluster);
  }
  state.problem.clear();
  state.making = false;  // What was asked for before is said beside the button when it ends.
  ImGui::OpenPopup(new_topic_id);
}

void draw_new_topic(Ui& ui, const Snapshot& snapshot, TopicActionState& state) {
  const bool made = settle_new_topic(snapshot.topic_action, state);
  ImGui::SetNextWindowSize({std::min(ui.px(480), ImGui::GetMainViewport()->Size.x), 0});
  if (!ImGui::BeginPopup(new_topic_id)) return;
  if (made) ImGui::CloseCurrentPopup();
  ui.strong("New topic");
  if (ImGui::IsWindowAppearing()) ImGui::SetKeyboardFocusHere();
  const bool entered =
      ui.input("topic.name", state.fresh.name, "Name", -1, ImGuiInputTextFlags_EnterReturnsTrue);
  draw_fields(ui, "topic", state.fresh);
  ui.notice("topic.problem", state.problem, Tone::bad);
  ImGui::Dummy({0, ui.px(2)});
  ImGui::BeginDisabled(state.making);
  const bool pressed = ui.button("topic.create", "Create topic", ButtonKind::primary);
  ImGui::EndDisabled();
  if ((entered || pressed || ui.enter_confirms()) && !state.making) {
    make_topic(ui, snapshot, state);
  }
  ImGui::SameLine();
  if (ui.button("topic.cancel", "Cancel")) ImGui::CloseCurrentPopup();
  ImGui::EndPopup();
}

void draw_alter_topic(Ui& ui, const Snapshot& snapshot, TopicActionState& state) {
  if (state.open_alter) ImGui::OpenPopup("alter topic");
  state.open_alter = false;
  if (!ui.begin_dialog("alter topic", 540)) return;
  const TopicRow* topic = snapshot.cluster ? snapshot.cluster->find_topic(state.altered) : nullptr;
  ui.title("Alter " + cut_text(state.altered, 60));
  TopicPlan plan;
  if (topic == nullptr) {
    plan.problem = "It is not there any more.";
  } else {
    draw_fields(ui, "alter", state.alteration);
    plan = plan_topic(*snapshot.cluster, *topic, state.alteration);
    ImGui::Dummy({0, ui.px(2)});
    if (plan.lines.empty() && plan.problem.empty()) {
      ui.paragraph("Nothing is different yet. It stays in use while it is altered.");
    }
  }
  draw_plan(ui, "alter.plan", plan.lines, plan.problem);
  const bool ready = plan.problem.empty() && !plan.lines.empty() &&
                     snapshot.connection.state == Connection::connected;
  ImGui::BeginDisabled(!ready);
  const bool pressed = ui.button("alter.go", "Alter topic", ButtonKind::primary);
  ImGui::EndDisabled();
  ImGui::SameLine();
  const bool cancelled = ui.button("alter.cancel", "Cancel") || Ui::escape_pressed();
  // Enter alters, unless something is lost by it: that wants the button.
  const bool warned = std::any_of(plan.lines.begin(), plan.lines.end(),
                                  [](const auto& line) { return line.tone == Tone::warning; });
  if (ready && (pressed || (!warned && ui.enter_confirms()))) {
    state.began = snapshot.topic_action.number + 1;
    ui.commands.emplace_back(ChangeTopic{std::move(plan.change)});
    ImGui::CloseCurrentPopup();
  }
  if (cancelled) ImGui::CloseCurrentPopup();
  ui.end_dialog();
}

void draw_delete_topic(Ui& ui, const Snapshot& snapshot, TopicActionState& state) {
  if (state.open_delete) ImGui::OpenPopup("Delete topic");
  state.open_delete = false;
  if (!ui.begin_dialog("Delete topic", 480)) return;
  const TopicRow* topic = snapshot.cluster ? snapshot.cluster->find_topic(state.doomed) : nullptr;
  ui.title("Delete " + cut_text(state.doomed, 60) + "?");
  ui.paragraph(topic == nullptr ? "It is not there any more." : loss_text(*topic), Tone::normal);
  ui.paragraph("Type the topic's name to confirm:");
  if (ImGui::IsWindowAppearing() || std::exchange(state.confirm_again, false)) {
    ImGui::SetKeyboardFocusHere();
  }
  const std::string before = state.confirm;
  const bool entered = ui.input("delete.confirm", state.confirm, state.doomed.c_str(), -1,
                                ImGuiInputTextFlags_EnterReturnsTrue);
  const bool named = state.confirm == state.doomed;
  if (state.confirm != before) state.confirm_problem = false;
  if (entered && !named) state.confirm_problem = state.confirm_again = true;
  if (state.confirm_problem) {
    ui.notice("delete.problem", "That is not its name. Nothing was deleted.", Tone::bad);
  }
  const bool ready =
      topic != nullptr && named && snapshot.connection.state == Connection::connected;
  ImGui::BeginDisabled(!ready);
  const bool pressed = ui.button("delete.go", "Delete topic", ButtonKind::danger);
  ImGui::EndDisabled();
  ImGui::SameLine();
  const bool cancelled = ui.button("delete.cancel", "Keep it") || Ui::escape_pressed();
  if ((pressed || entered) && ready) {
    state.began = snapshot.topic_action.number + 1;
    ui.commands.emplace_back(RemoveTopic{state.doomed});
    ImGui::CloseCurrentPopup();
  }
  if (cancelled) ImGui::CloseCurrentPopup();
  ui.end_dialog();
}

}  // namespace pinion::gui

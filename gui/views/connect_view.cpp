#include "gui/views/connect_view.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

namespace pinion::gui {

std::string full_address(const std::string& text) {
  std::string address = text;
  while (!address.empty() && (address.back() == ' ' || address.back() == '/')) address.pop_back();
  while (!address.empty() && address.front() == ' ') address.erase(0, 1);
  if (address.empty() || address.find("://") != std::string::npos) return address;
  if (address.find(':') == std::string::npos) address += ":5550";
  return "tcp://" + address;
}

std::string address_problem(const std::string& address) {
  constexpr std::string_view scheme = "tcp://";
  if (address.empty()) return "Write the address of a leader broker.";
  if (address.compare(0, scheme.size(), scheme) != 0) {
    return "An address begins with tcp://, as tcp://host:5550.";
  }
  const std::string place = address.substr(scheme.size());
  if (place.find_first_of(" \t/") != std::string::npos) {
    return "An address has no blanks and no path, as tcp://host:5550.";
  }
  const std::size_t colon = place.rfind(':');
  if (colon == std::string::npos || colon == 0) return "An address names a host and a port.";
  int port = 0;
  const char* end = place.data() + place.size();
  const auto parsed = std::from_chars(place.data() + colon + 1, end, port);
  if (parsed.ec != std::errc() || parsed.ptr != end || port < 1 || port > 65'535) {
    return "A port is a number from 1 to 65535.";
  }
  return {};
}

ConnectResult draw_connect(Ui& ui, ConnectState& state, Settings& settings, bool cancels) {
  ConnectResult result;
  const ImVec2 room = ImGui::GetContentRegionAvail();
  const float width = std::min(room.x, ui.px(520));
  const float recent =
      ImGui::GetFrameHeightWithSpacing() * static_cast<float>(settings.recent.size());
  const float height =
      std::min(room.y, ui.px(cancels ? 248 : 208) + (recent > 0 ? recent + ui.px(34) : 0) +
                           (state.problem.empty() ? 0 : ui.px(42)));
  ImGui::SetCursorPos({ImGui::GetCursorPosX() + (room.x - width) / 2,
                       ImGui::GetCursorPosY() + std::max(0.0F, (room.y - height) * 0.35F)});
  ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, {ui.px(28), ui.px(24)});
  ImGui::PushStyleColor(ImGuiCol_ChildBg, ui.theme.surface);
  ImGui::BeginChild("connect", {width, height}, true);
  ImGui::PopStyleColor();
  ImGui::PopStyleVar();
  ui.title("Connect to a cluster");
  ui.paragraph("The address of its leader broker:");
  const float button = ui.px(110);
  if (ImGui::IsWindowAppearing() || std::exchange(state.again, false)) {
    ImGui::SetKeyboardFocusHere();
  }
  const std::string before = state.address;
  const bool entered = ui.input("connect.address", state.address, "tcp://host:5550",
                                ImGui::GetContentRegionAvail().x - button - ui.px(8),
                                ImGuiInputTextFlags_EnterReturnsTrue);
  ImGui::SameLine();
  const bool pressed = ui.button("connect.go", "Connect", ButtonKind::primary, button);
  if (state.address != before) state.problem.clear();
  if (entered || pressed) {
    const std::string address = full_address(state.address);
    state.problem = address_problem(address);
    state.again = !state.problem.empty();
    if (state.problem.empty()) result.address = address;
  }
  ui.notice("connect.problem", state.problem, Tone::bad);
  if (!settings.recent.empty()) {
    ImGui::Dummy({0, ui.px(4)});
    ui.text("Recent", Tone::muted);
    int removed = -1;
    for (int i = 0; i < static_cast<int>(settings.recent.size()); ++i) {
      const std::string& address = settings.recent[static_cast<std::size_t>(i)];
      const std::string name = "connect.recent." + std::to_string(i);
      if (ui.button(name.c_str(), address, ButtonKind::quiet)) result.address = address;
      ImGui::SameLine(ImGui::GetContentRegionAvail().x + ImGui::GetCursorPosX() -
                      ImGui::GetFrameHeight() - ui.button_width(address));
      ImGui::SameLine(ImGui::GetWindowWidth() - ui.px(28) - ImGui::GetFrameHeight());
      if (ui.icon_button((name + ".forget").c_str(), Icon::close, "Forget it")) removed = i;
    }
    if (removed >= 0) settings.recent.erase(settings.recent.begin() + removed);
  }
  ImGui::Dummy({0, ui.px(6)});
  ui.paragraph("No cluster yet? ./run in the source folder starts one, or anywhere:");
  ui.mono("pinion up --data ./data");
  if (cancels) {
    ImGui::Dummy({0, ui.px(2)});
    if (ui.button("connect.cancel", "Back")) result.cancelled = true;
  }
  ImGui::EndChild();
  return result;
}

}  // namespace pinion::gui

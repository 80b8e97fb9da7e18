#include "tests/gui/headless.hpp"

#include "gui/views/imgui_versions.hpp"

#include <algorithm>

namespace pinion::test {

Now scene_time() { return {100'000s, 1'764'079'200s}; }

Headless::Headless(std::shared_ptr<const gui::Snapshot> snapshot, float width, float height,
                   float scale, bool dark)
    : scale_(scale) {
  stage_->snapshot = std::move(snapshot);
  ImGui::CreateContext();
  ImGuiIO& io = ImGui::GetIO();
  io.IniFilename = nullptr;
  io.DisplaySize = {width, height};
  io.DeltaTime = 1.0F / 60;
  io.ConfigFlags |= ImGuiConfigFlags_NavEnableKeyboard;
  io.BackendFlags |= ImGuiBackendFlags_RendererHasVtxOffset;  // As OpenGL 3.2 has.
#if IMGUI_VERSION_NUM < 18700
  for (int key = 0; key < ImGuiKey_COUNT; ++key) io.KeyMap[key] = 300 + key;
  // As GLFW numbers the letters.
  io.KeyMap[ImGuiKey_A] = 'A';
  io.KeyMap[ImGuiKey_C] = 'C';
#endif
  gui::Settings settings;
  settings.dark = dark;
  settings.reader = "test";
  shell_ = std::make_unique<gui::Shell>(std::move(settings), [this](const std::string&) {
    return std::make_unique<PlayedSource>(stage_);
  });
  shell_->connect("tcp://10.0.0.5:5550");
  ui_.theme = dark ? gui::dark_theme() : gui::light_theme();
  ui_.scale = scale;
  ui_.describes = true;
  gui::apply_theme(ui_.theme, scale);
  ui_.fonts = fonts_.build(scale, ui_.glyphs);
}

Headless::~Headless() {
  shell_.reset();
  ImGui::DestroyContext();
}

void Headless::set_size(float width, float height) { ImGui::GetIO().DisplaySize = {width, height}; }

void Headless::frame() {
  if (ui_.glyphs.take_news()) ui_.fonts = fonts_.build(scale_, ui_.glyphs);
  unsigned char* pixels = nullptr;
  int width = 0;
  int height = 0;
  ImGui::GetIO().Fonts->GetTexDataAsAlpha8(&pixels, &width, &height);
  ui_.now = scene_time();
  ui_.now.monotonic += ahead_;
  ui_.now.wall += ahead_;
  ui_.begin_frame();
  ImGui::NewFrame();
  gui::push_font(ui_.fonts.body);
  shell_->draw(ui_);
  ImGui::PopFont();
  ImGui::Render();
}

void Headless::move(float x, float y) {
#if IMGUI_VERSION_NUM >= 18700
  ImGui::GetIO().AddMousePosEvent(x, y);
#else
  ImGui::GetIO().MousePos = {x, y};
#endif
}

void Headless::press(bool down, int button) {
#if IMGUI_VERSION_NUM >= 18700
  ImGui::GetIO().AddMouseButtonEvent(button, down);
#else
  ImGui::GetIO().MouseDown[button] = down;
#endif
}

void Headless::chord(With with, char letter) {
  ImGuiIO& io = ImGui::GetIO();
#if IMGUI_VERSION_NUM >= 18700
  const ImGuiKey modifier = with == With::ctrl ? ImGuiMod_Ctrl : ImGuiMod_Alt;
  const bool digit = letter >= '0' && letter <= '9';
  const auto key =
      static_cast<ImGuiKey>(digit ? ImGuiKey_0 + (letter - '0') : ImGuiKey_A + (letter - 'A'));
  io.AddKeyEvent(modifier, true);
  io.AddKeyEvent(key, true);
  frame();
  io.AddKeyEvent(key, false);
  io.AddKeyEvent(modifier, false);
#else
  bool& modifier = with == With::ctrl ? io.KeyCtrl : io.KeyAlt;
  modifier = true;
  io.KeysDown[static_cast<int>(letter)] = true;
  frame();
  io.KeysDown[static_cast<int>(letter)] = false;
  modifier = false;
#endif
  frames(3);
}

std::optional<unsigned> Headless::boldest(const std::string& window) {
  std::optional<unsigned> most;
  const ImDrawData* data = ImGui::GetDrawData();
  for (int i = 0; i < data->CmdListsCount; ++i) {
    const ImDrawList* list = data->CmdLists[i];
    if (std::string(list->_OwnerName).find(window) == std::string::npos) continue;
    for (const ImDrawVert& vertex : list->VtxBuffer) {
      most = std::max(most.value_or(0), (vertex.col & IM_COL32_A_MASK) >> IM_COL32_A_SHIFT);
    }
  }
  return most;
}

void Headless::wheel(float lines) {
#if IMGUI_VERSION_NUM >= 18700
  ImGui::GetIO().AddMouseWheelEvent(0, lines);
#else
  ImGui::GetIO().MouseWheel = lines;
#endif
  frame();
}

void Headless::type(const std::string& text) {
  ImGui::GetIO().AddInputCharactersUTF8(text.c_str());
  frames(2);
}

void Headless::key(ImGuiKey key, bool ctrl) {
  ImGuiIO& io = ImGui::GetIO();
#if IMGUI_VERSION_NUM >= 18700
  io.AddKeyEvent(ImGuiMod_Ctrl, ctrl);
  io.AddKeyEvent(key, true);
  frame();
  io.AddKeyEvent(key, false);
  io.AddKeyEvent(ImGuiMod_Ctrl, false);
#else
  io.KeyCtrl = ctrl;
  io.KeysDown[io.KeyMap[key]] = true;
  frame();
  io.KeysDown[io.KeyMap[key]] = false;
  io.KeyCtrl = false;
#endif
  frame();
}

void Headless::hold(ImGuiKey key, bool down) {
#if IMGUI_VERSION_NUM >= 18700
  ImGui::GetIO().AddKeyEvent(key, down);
#else
  ImGui::GetIO().KeysDown[ImGui::GetIO().KeyMap[key]] = down;
#endif
  frame();
}

const gui::DescribedItem* Headless::find(const std::string& name) const {
  for (const gui::DescribedItem& item : ui_.described) {
    if (item.name == name && item.in_sight) return &item;
  }
  return nullptr;
}

std::string Headless::text_of(const std::string& name) const {
  const gui::DescribedItem* item = find(name);
  return item == nullptr ? "(not there)" : item->text;
}

std::string Headless::focused() const {
  for (const gui::DescribedItem& item : ui_.described) {
    if (item.focused) return item.name;
  }
  return "(nothing)";
}

bool Headless::click(const std::string& name) {
  const gui::DescribedItem* item = find(name);
  if (item == nullptr) return false;
  move((item->min.x + item->max.x) / 2, (item->min.y + item->max.y) / 2);
  frames(2);
  press(true);
  frames(2);
  press(false);
  frames(3);
  return true;
}

}  // namespace pinion::test

#include "gui/app/clipboard.hpp"

#include <imgui.h>

#include <string>

namespace pinion::gui {
namespace {

#if IMGUI_VERSION_NUM >= 19110
using Whose = ImGuiContext*;
#else
using Whose = void*;
#endif

struct Wrapped {
  NarrowText* narrow = nullptr;
  const char* (*get)(Whose) = nullptr;
  void (*set)(Whose, const char*) = nullptr;
  std::string held;  ///< What was handed out last.
};

Wrapped& wrapped() {
  static Wrapped one;
  return one;
}

const char* get_text(Whose whose) {
  Wrapped& it = wrapped();
  const char* text = it.get(whose);
  if (text == nullptr || !NarrowText::is_wide(text) || !is_editable(text)) return text;
  it.held = it.narrow->narrow(std::string_view(text));
  return it.held.c_str();
}

void set_text(Whose whose, const char* text) {
  Wrapped& it = wrapped();
  const bool narrowed = NarrowText::is_wide(text) && is_editable(text);
  it.set(whose, narrowed ? it.narrow->widen(text).c_str() : text);
}

}  // namespace

void wrap_clipboard(NarrowText& narrow) {
#if IMGUI_VERSION_NUM >= 19110
  ImGuiPlatformIO& io = ImGui::GetPlatformIO();
  wrapped() = {&narrow, io.Platform_GetClipboardTextFn, io.Platform_SetClipboardTextFn, {}};
  io.Platform_GetClipboardTextFn = get_text;
  io.Platform_SetClipboardTextFn = set_text;
#else
  ImGuiIO& io = ImGui::GetIO();
  wrapped() = {&narrow, io.GetClipboardTextFn, io.SetClipboardTextFn, {}};
  io.GetClipboardTextFn = get_text;
  io.SetClipboardTextFn = set_text;
#endif
}

}  // namespace pinion::gui

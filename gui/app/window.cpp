#include "gui/app/window.hpp"

#define GLFW_INCLUDE_NONE
#include <GLFW/glfw3.h>
#include <backends/imgui_impl_glfw.h>
#include <backends/imgui_impl_opengl3.h>
#include <imgui.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <deque>
#include <optional>
#include <utility>

namespace pinion::gui {
namespace {

// The four calls of OpenGL that are ours; the rest are in ImGui's renderer. Numbers as in its
// headers.
constexpr unsigned gl_color_buffer_bit = 0x4000;
constexpr unsigned gl_rgb = 0x1907;
constexpr unsigned gl_unsigned_byte = 0x1401;
constexpr unsigned gl_pack_alignment = 0x0d05;
using Viewport = void (*)(int, int, int, int);
using ClearColor = void (*)(float, float, float, float);
using Clear = void (*)(unsigned);
using ReadPixels = void (*)(int, int, int, int, unsigned, unsigned, void*);
using PixelStore = void (*)(unsigned, int);

template <typename Function>
Function gl_function(const char* name) {
  return reinterpret_cast<Function>(glfwGetProcAddress(name));
}

std::string& last_error() {
  static std::string text;
  return text;
}

}  // namespace

namespace {

/// A key that does something, in contrast to one that only makes a character. Space does both.
bool is_command(int key, int mods) {
  if (key == GLFW_KEY_SPACE) return true;
  const bool types = key >= GLFW_KEY_SPACE && key <= GLFW_KEY_GRAVE_ACCENT;
  return !types || (mods & (GLFW_MOD_CONTROL | GLFW_MOD_ALT | GLFW_MOD_SUPER)) != 0;
}

}  // namespace

struct Window::Inside {
  GLFWwindow* window = nullptr;
  bool input = false;
  bool scale_changed = false;
  Viewport viewport = nullptr;
  ClearColor clear_color = nullptr;
  Clear clear = nullptr;
  ReadPixels read_pixels = nullptr;
  PixelStore pixel_store = nullptr;

  std::function<std::uint32_t(std::uint32_t)> on_character;
  std::deque<InputEvent> events;                       ///< In the order in which they came.
  std::array<bool, ImGuiMouseButton_COUNT> held{};     ///< As of the events handed over.
  std::array<bool, ImGuiMouseButton_COUNT> clicked{};  ///< In this frame.
  std::optional<ImVec2> clicked_at;
  FrameInput given;  ///< To the last frame.
  InputCounts counts;
  int keys_down = 0;  ///< As of the events handed over.

  static Inside& of(GLFWwindow* window) {
    return *static_cast<Inside*>(glfwGetWindowUserPointer(window));
  }
  static void on_key(GLFWwindow* window, int key, int scancode, int action, int mods) {
    InputEvent event{InputEvent::Kind::key, key, scancode, action, mods};
    event.release = action == GLFW_RELEASE;
    event.command = is_command(key, mods);
    of(window).events.push_back(event);
  }
  static void on_char(GLFWwindow* window, unsigned code) {
    Inside& inside = of(window);
    if (inside.on_character) code = inside.on_character(code);
    inside.events.push_back({InputEvent::Kind::character, static_cast<int>(code), 0, 0, 0});
  }
  static void on_button(GLFWwindow* window, int button, int action, int mods) {
    InputEvent event{InputEvent::Kind::button, button, 0, action, mods};
    event.release = action == GLFW_RELEASE;
    glfwGetCursorPos(window, &event.x, &event.y);
    of(window).events.push_back(event);
  }
  static void on_scroll(GLFWwindow* window, double x, double y) {
    of(window).input = true;
    ImGui_ImplGlfw_ScrollCallback(window, x, y);
  }
  static void on_focus(GLFWwindow* window, int focused) {
    of(window).input = true;
    ImGui_ImplGlfw_WindowFocusCallback(window, focused);
  }
  static void on_enter(GLFWwindow* window, int entered) {
    of(window).input = true;
    ImGui_ImplGlfw_CursorEnterCallback(window, entered);
  }
  static void on_move(GLFWwindow* window, double x, double y) {
    of(window).input = true;
#if IMGUI_VERSION_NUM >= 18700
    ImGui_ImplGlfw_CursorPosCallback(window, x, y);
#else
    static_cast<void>(x);
    static_cast<void>(y);
#endif
  }
  static void on_size(GLFWwindow* window, int, int) { of(window).input = true; }
  static void on_scale(GLFWwindow* window, float, float) {
    of(window).input = true;
    of(window).scale_changed = true;
  }
  static void on_refresh(GLFWwindow* window) { of(window).input = true; }

  /// Hands over what one frame can tell apart; the rest waits for the next.
  void feed() {
    given = given.next();
    if (!given.buttons) clicked_at.reset();  // Else the button goes up now, where it went down.
    clicked = {};
    while (!events.empty() && !given.conflicts_with(events.front())) {
      given.note(events.front());
      hand_over(events.front());
      events.pop_front();
    }
  }

  void hand_over(const InputEvent& event) {
    count(event);
    switch (event.kind) {
      case InputEvent::Kind::key:
        ImGui_ImplGlfw_KeyCallback(window, event.code, event.scancode, event.action, event.mods);
        break;
      case InputEvent::Kind::character:
        ImGui_ImplGlfw_CharCallback(window, static_cast<unsigned>(event.code));
        break;
      case InputEvent::Kind::button:
        ImGui_ImplGlfw_MouseButtonCallback(window, event.code, event.action, event.mods);
        note_button(event);
        break;
    }
  }

  void count(const InputEvent& event) {
    switch (event.kind) {
      case InputEvent::Kind::key:
        if (event.action == GLFW_PRESS) ++keys_down;
        if (event.release) {
          ++counts.keys;
          keys_down = std::max(0, keys_down - 1);  // That it went down may have been dropped.
        }
        break;
      case InputEvent::Kind::character:
        ++counts.characters;
        break;
      case InputEvent::Kind::button:
        if (event.release) ++counts.clicks;
        break;
    }
  }

  void note_button(const InputEvent& event) {
    if (event.code < 0 || event.code >= ImGuiMouseButton_COUNT) return;
    const auto button = static_cast<std::size_t>(event.code);
    held.at(button) = !event.release;
    clicked.at(button) = clicked.at(button) || !event.release;
    if (event.release && clicked_at) return;  // Where it went down is where the click is.
    clicked_at = ImVec2(static_cast<float>(event.x), static_cast<float>(event.y));
  }

  /// Before 1.87 Dear ImGui asks GLFW which buttons are down now. A click would then overtake what
  /// was typed before it and still waits for its frame, and be seen once more when its turn comes.
  void keep_buttons_in_turn() const {
#if IMGUI_VERSION_NUM < 18700
    ImGuiIO& io = ImGui::GetIO();
    for (std::size_t i = 0; i < held.size(); ++i) io.MouseDown[i] = held.at(i) || clicked.at(i);
    if (clicked_at) io.MousePos = *clicked_at;
#endif
  }

  void install() {
    glfwSetWindowUserPointer(window, this);
    glfwSetKeyCallback(window, on_key);
    glfwSetCharCallback(window, on_char);
    glfwSetMouseButtonCallback(window, on_button);
    glfwSetScrollCallback(window, on_scroll);
    glfwSetWindowFocusCallback(window, on_focus);
    glfwSetCursorEnterCallback(window, on_enter);
    glfwSetCursorPosCallback(window, on_move);
    glfwSetFramebufferSizeCallback(window, on_size);
    glfwSetWindowContentScaleCallback(window, on_scale);
    glfwSetWindowRefreshCallback(window, on_refresh);
  }
};

Window::Window(std::unique_ptr<Inside> inside) : inside_(std::move(inside)) {}

Result<std::unique_ptr<Window>> Window::open(const WindowOptions& options) {
  glfwSetErrorCallback([](int, const char* text) { last_error() = text; });
  if (glfwInit() != GLFW_TRUE) {
    return failure(Errc::io_failed, "there is no display to open a window on: " + last_error());
  }
  glfwWindowHint(GLFW_CONTEXT_VERSION_MAJOR, 3);
  glfwWindowHint(GLFW_CONTEXT_VERSION_MINOR, 2);
  glfwWindowHint(GLFW_OPENGL_PROFILE, GLFW_OPENGL_CORE_PROFILE);
  glfwWindowHint(GLFW_OPENGL_FORWARD_COMPAT, GLFW_TRUE);
  glfwWindowHint(GLFW_VISIBLE, options.visible ? GLFW_TRUE : GLFW_FALSE);
  auto inside = std::make_unique<Inside>();
  inside->window = glfwCreateWindow(options.width, options.height, "Pinion", nullptr, nullptr);
  if (inside->window == nullptr) {
    glfwTerminate();
    return failure(Errc::io_failed, "a window with OpenGL 3.2 cannot be opened: " + last_error());
  }
  glfwMakeContextCurrent(inside->window);
  glfwSwapInterval(1);
  inside->viewport = gl_function<Viewport>("glViewport");
  inside->clear_color = gl_function<ClearColor>("glClearColor");
  inside->clear = gl_function<Clear>("glClear");
  inside->read_pixels = gl_function<ReadPixels>("glReadPixels");
  inside->pixel_store = gl_function<PixelStore>("glPixelStorei");
  inside->on_character = options.on_character;
  inside->install();
  ImGui_ImplGlfw_InitForOpenGL(inside->window, false);
  ImGui_ImplOpenGL3_Init("#version 150");
  return std::unique_ptr<Window>(new Window(std::move(inside)));
}

Window::~Window() {
  ImGui_ImplOpenGL3_Shutdown();
  ImGui_ImplGlfw_Shutdown();
  glfwDestroyWindow(inside_->window);
  glfwTerminate();
}

bool Window::should_close() const { return glfwWindowShouldClose(inside_->window) == GLFW_TRUE; }

bool Window::minimised() const {
  return glfwGetWindowAttrib(inside_->window, GLFW_ICONIFIED) == GLFW_TRUE;
}

float Window::content_scale() const {
  float x = 1;
  float y = 1;
  glfwGetWindowContentScale(inside_->window, &x, &y);
  return std::clamp(std::max(x, y), 1.0F, 4.0F);
}

bool Window::take_scale_change() { return std::exchange(inside_->scale_changed, false); }

void Window::set_smallest(int width, int height) {
  int x = 0;
  int y = 0;
  int most_width = 0;
  int most_height = 0;
  GLFWmonitor* monitor = glfwGetPrimaryMonitor();
  if (monitor != nullptr) glfwGetMonitorWorkarea(monitor, &x, &y, &most_width, &most_height);
  // A window that must be larger than its display has edges that nobody can reach.
  if (most_width > 0) width = std::min(width, most_width);
  if (most_height > 0) height = std::min(height, most_height);
  glfwSetWindowSizeLimits(inside_->window, width, height, GLFW_DONT_CARE, GLFW_DONT_CARE);
}

void Window::size(int& width, int& height) const {
  glfwGetWindowSize(inside_->window, &width, &height);
}

void Window::resize(int width, int height) { glfwSetWindowSize(inside_->window, width, height); }

void Window::hide() { glfwHideWindow(inside_->window); }

bool Window::wait(Micros timeout) {
  inside_->input = false;
  if (!inside_->events.empty()) timeout = Micros{0};
  if (timeout <= Micros{0}) {
    glfwPollEvents();
  } else if (timeout >= 3'600s) {
    glfwWaitEvents();
  } else {
    glfwWaitEventsTimeout(static_cast<double>(timeout.count()) / 1e6);
  }
  return inside_->input || !inside_->events.empty();
}

void Window::drop_input() {
  for (const InputEvent& event : inside_->events) {
    if (event.release) inside_->hand_over(event);
  }
  inside_->events.clear();
}

InputCounts Window::input_counts() const { return inside_->counts; }

bool Window::holds_keys() const { return inside_->keys_down > 0; }

void Window::wake() { glfwPostEmptyEvent(); }

void Window::begin_frame() {
  inside_->feed();
  ImGui_ImplOpenGL3_NewFrame();
  ImGui_ImplGlfw_NewFrame();
  inside_->keep_buttons_in_turn();
}

void Window::end_frame(std::uint32_t rgb) {
  int width = 0;
  int height = 0;
  glfwGetFramebufferSize(inside_->window, &width, &height);
  inside_->viewport(0, 0, width, height);
  const auto part = [rgb](int shift) { return static_cast<float>((rgb >> shift) & 0xffU) / 255; };
  inside_->clear_color(part(16), part(8), part(0), 1);
  inside_->clear(gl_color_buffer_bit);
  ImGui_ImplOpenGL3_RenderDrawData(ImGui::GetDrawData());
  glfwSwapBuffers(inside_->window);
}

void Window::remake_font_texture() {
#if IMGUI_VERSION_NUM < 19200
  ImGui_ImplOpenGL3_DestroyFontsTexture();
  ImGui_ImplOpenGL3_CreateFontsTexture();
#endif
}

std::vector<unsigned char> Window::pixels(int& width, int& height) const {
  glfwGetFramebufferSize(inside_->window, &width, &height);
  const auto row = static_cast<std::size_t>(width) * 3;
  std::vector<unsigned char> upside_down(row * static_cast<std::size_t>(height));
  inside_->pixel_store(gl_pack_alignment, 1);
  inside_->read_pixels(0, 0, width, height, gl_rgb, gl_unsigned_byte, upside_down.data());
  std::vector<unsigned char> out(upside_down.size());
  for (std::size_t y = 0; y < static_cast<std::size_t>(height); ++y) {
    const auto from = upside_down.begin() + static_cast<std::ptrdiff_t>(y * row);
    std::copy_n(from, row,
                out.begin() +
                    static_cast<std::ptrdiff_t>((static_cast<std::size_t>(height) - 1 - y) * row));
  }
  return out;
}

}  // namespace pinion::gui

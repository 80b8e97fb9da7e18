// The clipboard, as Dear ImGui's fields see it: what is beyond their 16 bits a character goes
// through the same NarrowText as the fields themselves. UI thread.
#pragma once

#include "gui/model/narrow_text.hpp"

namespace pinion::gui {

/// After the window's backend has set its own; `narrow` outlives the context.
void wrap_clipboard(NarrowText& narrow);

}  // namespace pinion::gui

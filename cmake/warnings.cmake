# The warnings that every target of ours is built with; third-party headers are SYSTEM and not held to them.
add_library(pinion_warnings INTERFACE)
target_compile_options(pinion_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wcast-qual -Wformat=2 -Wundef
  # A designated initialiser leaves the other members at their defaults on purpose.
  -Wno-missing-field-initializers
  -Wnon-virtual-dtor -Woverloaded-virtual -Werror=unused-result
  $<$<BOOL:${PINION_DEVELOPER}>:-Werror>)

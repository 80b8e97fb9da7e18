# The warnings that every target of ours is built with; third-party headers are SYSTEM and not held to them.
add_library(pinion_warnings INTERFACE)
target_compile_options(pinion_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wcast-qual -Wformat=2 -Wundef
  # A designated initialiser leaves the other members at their defaults on purpose.
  -Wno-missing-field-initializers
  # When it optimises, g++ 12 sees overlapping and out-of-bounds copies in plain string concatenation
  # (its bug 105651) and the members of a variant's other alternatives as uninitialised.
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-restrict>
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-maybe-uninitialized>
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-array-bounds>
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-stringop-overflow>
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-stringop-overread>
  -Wnon-virtual-dtor -Woverloaded-virtual -Werror=unused-result
  $<$<BOOL:${PINION_DEVELOPER}>:-Werror>)

# How a part of Pinion is declared, and how the layers are kept apart.
#
#   pinion_library(NAME SOURCES a.cpp ... DEPENDS other ... [PRIVATE_DEPENDS third_party ...])
#
# makes a static library from sources in this folder, with the warnings, and a link test: an empty main
# linked with the *whole* of the library and only what it declares. A core that calls into a socket or a
# database does not link there, even when every ordinary target does.
#
#   pinion_test(KIND MODULE SOURCES a_test.cpp ... DEPENDS pinion_x ...)
#
# adds sources to the one test binary of their kind (tests/CMakeLists.txt makes it).
#
# Whatever depends on the messages is compiled with them precompiled: they are the dearest header, and the
# most used. That each header names what it needs is proved without it (tests/tidy).

# What ccache asks for, to keep what was compiled with a precompiled header.
add_compile_options($<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>
  "$<$<CXX_COMPILER_ID:Clang>:SHELL:-Xclang -fno-pch-timestamp>")

# Compiles `name` with the precompiled messages when one of what it depends on is compiled with them.
function(pinion_precompile name)
  set(sees_messages FALSE)
  foreach(other ${ARGN})
    if(TARGET ${other})
      get_target_property(seen ${other} PINION_SEES_MESSAGES)
      if(seen)
        set(sees_messages TRUE)
      endif()
    endif()
  endforeach()
  if(sees_messages)
    set_target_properties(${name} PROPERTIES PINION_SEES_MESSAGES TRUE)
    target_precompile_headers(${name} REUSE_FROM pinion_precompiled)
  endif()
endfunction()

function(pinion_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;PRIVATE_DEPENDS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PUBLIC ${ARG_DEPENDS} PRIVATE ${ARG_PRIVATE_DEPENDS} pinion_warnings)
  pinion_precompile(${name} ${ARG_DEPENDS})

  if(PINION_TESTS)
    add_executable(${name}_links ${PROJECT_SOURCE_DIR}/cmake/link_test.cpp)
    target_link_libraries(${name}_links PRIVATE "$<LINK_LIBRARY:WHOLE_ARCHIVE,${name}>")
    set_target_properties(${name}_links PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/link)
  endif()
endfunction()

function(pinion_test kind module)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
  set(name tests_${kind}_${module})
  add_library(${name} OBJECT ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC ${ARG_DEPENDS} tests_support PRIVATE pinion_warnings)
  target_compile_options(${name} PRIVATE ${PINION_TEST_OPTIONS})
  target_precompile_headers(${name} REUSE_FROM tests_main)
  set_property(GLOBAL APPEND PROPERTY PINION_TESTS_${kind} ${name})

  # This module's tests alone, for work on it: ninja unit_proto && bin/unit_proto
  add_executable(${kind}_${module} EXCLUDE_FROM_ALL $<TARGET_OBJECTS:tests_main>)
  target_link_libraries(${kind}_${module} PRIVATE ${name})
endfunction()

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

function(pinion_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;PRIVATE_DEPENDS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PUBLIC ${ARG_DEPENDS} PRIVATE ${ARG_PRIVATE_DEPENDS} pinion_warnings)

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
  target_precompile_headers(${name} REUSE_FROM tests_main)
  set_property(GLOBAL APPEND PROPERTY PINION_TESTS_${kind} ${name})

  # This module's tests alone, for work on it: ninja unit_proto && bin/unit_proto
  add_executable(${kind}_${module} EXCLUDE_FROM_ALL $<TARGET_OBJECTS:tests_main>)
  target_link_libraries(${kind}_${module} PRIVATE ${name})
endfunction()

# tests_process: processes, temporary folders and raw peers, for test modules that need them.
if(NOT TARGET tests_process)
  add_library(tests_process STATIC
    ${PROJECT_SOURCE_DIR}/tests/support/raw_peer.cpp
    ${PROJECT_SOURCE_DIR}/tests/support/test_process.cpp)
  target_link_libraries(tests_process PUBLIC tests_support PRIVATE pinion_warnings)
endif()

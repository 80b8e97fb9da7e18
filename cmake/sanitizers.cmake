# PINION_SANITIZE=address,undefined or thread: for the whole build, so that no object is left out.
if(PINION_SANITIZE)
  add_compile_options(-fsanitize=${PINION_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer -g)
  add_link_options(-fsanitize=${PINION_SANITIZE})
  # Boost.Asio orders with fences, which g++ says that TSan does not see.
  if(PINION_SANITIZE MATCHES thread AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    add_compile_options(-Wno-tsan)
  endif()
  # As g++ says to the sources; clang 14 does not.
  if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
    if(PINION_SANITIZE MATCHES address)
      add_compile_definitions(__SANITIZE_ADDRESS__=1)
    endif()
    if(PINION_SANITIZE MATCHES thread)
      add_compile_definitions(__SANITIZE_THREAD__=1)
    endif()
  endif()
endif()
if(PINION_FUZZ)
  # The code under test is instrumented; the fuzzers themselves add the driver.
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

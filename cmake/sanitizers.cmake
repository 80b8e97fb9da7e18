# PINION_SANITIZE=address,undefined or thread: for the whole build, so that no object is left out.
if(PINION_SANITIZE)
  add_compile_options(-fsanitize=${PINION_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer -g)
  add_link_options(-fsanitize=${PINION_SANITIZE})
endif()
if(PINION_FUZZ)
  # The code under test is instrumented; the fuzzers themselves add the driver.
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

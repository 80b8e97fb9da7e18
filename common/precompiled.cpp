// Carries the precompiled messages; see cmake/module.cmake.

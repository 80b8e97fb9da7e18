// What tests of files share: a disk that is full, permissions, what a folder holds.
#pragma once

#include <catch2/catch.hpp>

#include "tests/support/test_process.hpp"

#include <csignal>
#include <cstddef>
#include <filesystem>
#include <iterator>
#include <string>

#include <sys/resource.h>
#include <sys/stat.h>

namespace pinion::test {

inline std::size_t files_in(const TemporaryFolder& folder) {
  const std::filesystem::directory_iterator files(folder.path());
  return static_cast<std::size_t>(std::distance(begin(files), end(files)));
}

inline mode_t mode_of(const std::string& path) {
  struct stat there {};
  REQUIRE(::stat(path.c_str(), &there) == 0);
  return there.st_mode & 0777;
}

/// As a disk that is full after so many bytes of a file.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) {
    before_ = std::signal(SIGXFSZ, SIG_IGN);
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &limit_) == 0);
    const rlimit small{bytes, limit_.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  }
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &limit_);
    std::signal(SIGXFSZ, before_);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  rlimit limit_{};
  void (*before_)(int) = SIG_DFL;
};

}  // namespace pinion::test

#include "common/obs/standard_files.hpp"

#include <fcntl.h>

namespace pinion {

void hold_standard_files() noexcept {
  for (int descriptor = 0; descriptor <= 2; ++descriptor) {
    // The lowest free number is the one that is asked about: those below it are open by now.
    if (::fcntl(descriptor, F_GETFD) < 0) static_cast<void>(::open("/dev/null", O_RDONLY));
  }
}

}  // namespace pinion

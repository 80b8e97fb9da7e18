// A program that was started with a closed standard descriptor gets its number for the next file it
// opens, and what is printed goes into that file: a database, a socket.
#pragma once

namespace pinion {

/// Puts something harmless in the place of each of the descriptors 0 to 2 that is closed: an empty
/// input, and outputs that refuse what is written. First thing in every main().
void hold_standard_files() noexcept;

}  // namespace pinion

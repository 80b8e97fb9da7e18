// Ctrl-C and SIGTERM as a flag and a descriptor that becomes readable, instead of a signal handler
// that runs in the middle of something.
//
// install() blocks the signals in the calling thread, and so in every thread started after it, and
// starts one thread that waits for them: no system call of ours is ever interrupted. The first
// signal is a request to end well; one more than a second later ends the process at once. SIGPIPE
// is ignored: a closed pipe is an error of write(), see output.hpp.
#pragma once

#include "common/base/time.hpp"

namespace pinion::cli {

/// Call once, first thing in main, before any thread is started.
void install_interrupt();

[[nodiscard]] bool interrupted() noexcept;

/// For a command that waits in one call, and whose end harms nobody: from here on the first signal
/// ends the process, with a line on stderr and the status of an interrupted one.
void end_when_interrupted() noexcept;

/// Readable from the first signal on; for poll().
[[nodiscard]] int interrupt_descriptor() noexcept;

/// Sleeps, or returns early when a signal comes. True when it came.
bool sleep_unless_interrupted(Micros duration) noexcept;

/// Exit statuses of a shell's convention: 128 + the signal.
inline constexpr int exit_interrupted = 130;
inline constexpr int exit_closed_pipe = 141;

}  // namespace pinion::cli

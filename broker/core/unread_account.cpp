#include "broker/core/unread_account.hpp"

namespace pinion {

bool UnreadAccount::put(const UnreadLimits& most, std::uint64_t bytes) noexcept {
  if (bytes_ > most.bytes) return false;
  bytes_ += bytes + limits::message_cost_bytes;
  return true;
}

std::uint64_t UnreadAccount::mark(Prng& prng) noexcept {
  // One that is out is given again as it is: it may have been lost.
  while (mark_ == 0) {
    mark_ = prng.next();
    marked_ = bytes_;
  }
  return mark_;
}

void UnreadAccount::on_mark(std::uint64_t mark) noexcept {
  if (mark == 0 || mark != mark_) return;
  bytes_ -= marked_;
  marked_ = 0;
  mark_ = 0;
}

void UnreadAccount::settle() noexcept {
  bytes_ = 0;
  marked_ = 0;
}

}  // namespace pinion

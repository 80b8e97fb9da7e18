#include "broker/core/unread_ledger.hpp"

#include <algorithm>

#include "common/base/assert.hpp"

namespace pinion {

UnreadLedger::Account UnreadLedger::open(const Now& now, std::string_view id) {
  Account account;
  account.fresh_at = now.monotonic;
  const auto left = departed_.find(id);
  if (left == departed_.end()) return account;
  account.bytes = left->second;
  departed_.erase(left);
  return account;
}

void UnreadLedger::close(const Account& account, const std::string& id) {
  if (account.bytes == 0) return;
  if (departed_.size() >= limits_.departed) {
    total_ -= account.bytes;
    return;
  }
  const bool is_new = departed_.emplace(id, account.bytes).second;
  PINION_ASSERT(is_new);
}

std::uint64_t UnreadLedger::room(Micros now, const Account& account) const noexcept {
  const bool reads = account.has_read && is_fresh(now, account);
  const std::uint64_t pool = reads ? limits_.bytes_reading : limits_.bytes;
  return pool - std::min(pool, total_);
}

/// At half of what it may hold: the rest is for answers to what has been asked before.
bool UnreadLedger::may_ask(Micros now, const Account& account) const noexcept {
  return account.bytes <= room(now, account) / 2;
}

bool UnreadLedger::put(Micros now, Account& account, std::uint64_t bytes) noexcept {
  const std::uint64_t cost = bytes + limits::message_cost_bytes;
  if (account.bytes + cost > room(now, account)) return false;
  account.bytes += cost;
  total_ += cost;
  return true;
}

std::uint64_t UnreadLedger::mark(Account& account) noexcept {
  // One that is out is given again as it is: it may have been lost.
  while (account.mark == 0) {
    account.mark = prng_.next();
    account.marked = account.bytes;
  }
  return account.mark;
}

void UnreadLedger::on_mark(Micros now, Account& account, std::uint64_t mark) noexcept {
  if (mark == 0 || mark != account.mark) return;
  account.bytes -= account.marked;
  total_ -= account.marked;
  account.marked = 0;
  account.mark = 0;
  account.has_read = true;
  account.fresh_at = now;
}

void UnreadLedger::settle(Account& account) noexcept {
  total_ -= account.bytes;
  account.bytes = 0;
  account.marked = 0;
}

bool UnreadLedger::connection_lost(std::string_view id) {
  const auto left = departed_.find(id);
  if (left == departed_.end()) return false;
  total_ -= left->second;
  departed_.erase(left);
  return true;
}

void UnreadLedger::connections_lost() {
  departed_.clear();
  total_ = 0;
}

void UnreadLedger::for_each_departed(
    const std::function<void(const std::string& id)>& visit) const {
  for (const auto& [id, bytes] : departed_) visit(id);
}

void UnreadLedger::check_invariants(std::uint64_t open_bytes) const {
  PINION_ASSERT(departed_.size() <= limits_.departed);
  std::uint64_t sum = open_bytes;
  for (const auto& [id, bytes] : departed_) {
    PINION_ASSERT(bytes > 0);
    sum += bytes;
  }
  PINION_ASSERT(sum == total_);
}

}  // namespace pinion

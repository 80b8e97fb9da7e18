// One node's disk, as the world may misuse it. The memory disk is what nearly every run uses; the
// store mode puts the real SQLite store over a crash-simulating VFS behind the same interface.
#pragma once

#include "common/base/prng.hpp"
#include "common/ports/record_store.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pinion::sim {

enum class SyncFault : std::uint8_t {
  none,
  failing,
  lying,  ///< It says that it was done.
};

/// What may have become of a disk, or of some of its files, while no process used it.
enum class Spoil : std::uint8_t {
  flip,           ///< Bits, where opening the file notices it.
  truncate,       ///< Files end earlier: shorter ones, or damaged ones.
  empty,          ///< Files of no bytes.
  lose,           ///< Files are gone.
  swap,           ///< Two files stand under each other's name.
  replace,        ///< Another disk, with nothing on it.
  put_back_file,  ///< Files as the last backup has them, and the node's own as it is.
  put_back,       ///< Everything as the last backup has it.
  forget,         ///< The power went, and the disk had lied: what it had not written is gone.
};
inline constexpr std::size_t spoil_kinds = 9;

class Disk {
 public:
  virtual ~Disk() = default;

  /// A process starts over what the disk holds.
  [[nodiscard]] virtual Result<std::unique_ptr<RecordStore>> open_store() = 0;

  /// Both require that the process's store and logs are destroyed.
  virtual void kill() = 0;
  virtual void power_cut(Prng& prng) = 0;

  /// The power goes in the middle of what is done next; power_cut() follows.
  virtual void lose_power_soon(Prng&) {}

  /// A partition's file is opened: how a disk of real files knows whose is which.
  virtual void note_file(const LogIdentity&) {}

  /// Whether SyncFault::lying can be told apart from an honest disk.
  [[nodiscard]] virtual bool can_lie() const { return false; }
  [[nodiscard]] virtual bool lies() const { return false; }

  /// Keeps a copy of everything, for Spoil::put_back and put_back_file.
  virtual void back_up() {}

  /// While no process runs over it: what the last backup has is the disk, and what was the disk is
  /// the backup. False: there is no backup, or this disk cannot do that.
  [[nodiscard]] virtual bool swap_with_backup() { return false; }

  /// While no process runs over it. Which files were struck; none: nothing was done, for there are
  /// none, nothing would be missing, or this disk cannot do that.
  [[nodiscard]] virtual std::vector<PartitionKey> spoil(Prng&, Spoil,
                                                        const std::string& /*new_store_id*/) {
    return {};
  }

  /// Whether every file that was struck is given up and made anew; else one may turn out to be
  /// good, or an older copy of itself, which nobody has to give up.
  [[nodiscard]] virtual bool gives_up(Spoil how) const {
    return how == Spoil::flip || how == Spoil::empty || how == Spoil::lose || how == Spoil::swap ||
           how == Spoil::replace;
  }

  /// While it is in use: a bit flips in what each file holds, and the next read finds it.
  virtual void rot() {}

  /// Since it was spoiled, until everybody has noticed and all was copied to it again.
  [[nodiscard]] bool is_spoiled() const { return is_spoiled_; }
  void set_spoiled(bool is_spoiled) { is_spoiled_ = is_spoiled; }

  virtual void set_sync(SyncFault fault) = 0;
  /// Room for so many bytes of payload more; a negative number: as much as one likes.
  virtual void set_room(std::int64_t bytes) = 0;

  /// What would survive a power cut now. Nothing: no such file, or not known.
  [[nodiscard]] virtual std::optional<Offset> fsynced_end(const PartitionKey& key) const = 0;
  /// A row of that reader is there, be it a deleted one.
  [[nodiscard]] virtual bool knows_reader(const PartitionKey& key,
                                          const std::string& reader) const = 0;
  /// Headers of the batches that would survive, in order. Empty: none, or not known.
  [[nodiscard]] virtual std::vector<BatchHeader> fsynced_batches(const PartitionKey& key) const = 0;
  [[nodiscard]] virtual std::optional<Offset> fsynced_position(const PartitionKey& key,
                                                               const std::string& reader) const = 0;
  /// Of the newest change of a position. Nothing: not known.
  [[nodiscard]] virtual std::optional<PositionVersion> fsynced_position_version(
      const PartitionKey& key) const = 0;
  /// Headers of the batches that begin in [from, end), for whoever reads the file now.
  [[nodiscard]] virtual std::vector<BatchHeader> written_headers(const PartitionKey& key,
                                                                 Offset from, Offset end) const = 0;

 private:
  bool is_spoiled_ = false;
};

[[nodiscard]] std::unique_ptr<Disk> make_memory_disk(const std::string& store_id);

}  // namespace pinion::sim

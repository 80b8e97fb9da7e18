// FreshFile: a file that comes into being whole or not at all. It is written beside its place under
// a name that nobody has, and put there when all of it is on the disk; until then what is in its
// place stays. What is not put there is removed. One thread.
#pragma once

#include "common/base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pinion::gui {

class FreshFile {
 public:
  enum class Replaces : bool { no, yes };
  enum class Durable : bool { no, yes };
  /// Of a file that was not there before.
  enum class Readers : bool { usual, owner };

  /// Where the path is a link, the file that it leads to is meant; one that leads nowhere is
  /// refused, and so is what is no file: a device would be one after that. The permissions of what
  /// is replaced are kept; a new file has those of any other that this process makes, or none for
  /// others.
  [[nodiscard]] static Result<FreshFile> open(const std::string& path, Replaces replaces,
                                              Readers readers = Readers::usual);
  FreshFile(FreshFile&& other) noexcept;
  FreshFile& operator=(FreshFile&& other) = delete;
  ~FreshFile();

  /// What could not be written is told at the latest by put(), and then nothing more is written.
  [[nodiscard]] Result<void> write(std::string_view bytes);
  /// Into its place, once. With Replaces::no: true, or false when something is there by now, which
  /// stays as it is.
  [[nodiscard]] Result<bool> put(Durable durable);

 private:
  FreshFile() = default;
  [[nodiscard]] Result<void> write_out();
  [[nodiscard]] Result<void> write_buffer();
  [[nodiscard]] Result<bool> move_in();

  int file_ = -1;
  std::string target_;
  std::string fresh_;  ///< Empty: it was put in its place.
  std::string buffer_;
  std::uint64_t written_ = 0;
  std::optional<Error> failed_;
  unsigned mode_ = 0;
  bool replaces_ = false;
};

/// The file that a path leads to; itself where it leads to nothing that is there. Two paths of one
/// file are then alike, and what is put beside it is beside the file and not beside a link.
[[nodiscard]] std::string followed(const std::string& path);

/// Fails when something is there that is no file, or a link that leads nowhere.
[[nodiscard]] Result<void> check_can_be_file(const std::string& path);

/// The whole of a file at once. True, or false as FreshFile::put.
[[nodiscard]] Result<bool> write_whole(const std::string& path, std::string_view text,
                                       FreshFile::Replaces replaces, FreshFile::Durable durable,
                                       FreshFile::Readers readers = FreshFile::Readers::usual);

/// What programs left beside a file that were killed while they wrote it. Requires: nobody writes
/// it.
void remove_remains(const std::string& path);

}  // namespace pinion::gui

#include "gui/feed/fresh_file.hpp"

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pinion::gui {
namespace {

constexpr std::size_t buffer_bytes = 1UL * 1024 * 1024;
constexpr unsigned mode_bits = 0777;

/// Asking umask() for it would change it for a moment, for every thread.
unsigned present_umask() {
  std::ifstream status("/proc/self/status");
  constexpr std::string_view name = "Umask:\t";
  unsigned mask = 022;
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with(name)) continue;
    std::from_chars(line.data() + name.size(), line.data() + line.size(), mask, 8);
    break;
  }
  return mask;
}

tl::unexpected<Error> io_failure(const std::string& path) {
  return failure(Errc::io_failed, "'" + path + "' cannot be written: " + std::strerror(errno));
}

/// So that a name that was given is there after the power failed, too. It is good without.
void sync_folder(const std::string& path) {
  const int folder = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;
  static_cast<void>(::fsync(folder));
  ::close(folder);
}

std::string folder_of(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  return folder.empty() ? std::string(".") : folder;
}

constexpr std::string_view any = "XXXXXX";

/// Should the program be killed, it says whose remains these are. It has room for what is added.
std::string fresh_name_of(const std::string& target) {
  constexpr std::size_t name_max = 200;
  std::string name = std::filesystem::path(target).filename().string();
  if (name.size() > name_max) {
    std::size_t end = name_max;
    while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xc0U) == 0x80U) --end;
    name.resize(end);
  }
  return folder_of(target) + "/." + name + ".pinion-" + std::string(any);
}

}  // namespace

std::string followed(const std::string& path) {
  std::error_code error;
  const auto target = std::filesystem::weakly_canonical(path, error);
  return error ? path : target.string();
}

Result<void> check_can_be_file(const std::string& path) {
  struct stat there {};
  if (::stat(path.c_str(), &there) == 0) {
    if (S_ISREG(there.st_mode)) return {};
    return failure(Errc::io_failed, "'" + path + "' is no file that could be written");
  }
  if (::lstat(path.c_str(), &there) == 0 && S_ISLNK(there.st_mode)) {
    return failure(Errc::io_failed, "'" + path + "' is a link that leads nowhere");
  }
  return {};
}

Result<FreshFile> FreshFile::open(const std::string& path, Replaces replaces, Readers readers) {
  FreshFile file;
  file.target_ = followed(path);
  PINION_CHECK(check_can_be_file(file.target_));
  file.replaces_ = replaces == Replaces::yes;
  struct stat there {};
  const unsigned usual = readers == Readers::owner ? 0600 : 0666;
  file.mode_ = ::stat(file.target_.c_str(), &there) == 0 ? there.st_mode & mode_bits
                                                         : usual & ~present_umask();
  // Until it is put in its place nobody else reads it: it may replace what only its owner may read.
  std::string name = fresh_name_of(file.target_);
  file.file_ = ::mkostemp(name.data(), O_CLOEXEC);
  if (file.file_ < 0) return io_failure(path);
  file.fresh_ = std::move(name);
  return file;
}

FreshFile::FreshFile(FreshFile&& other) noexcept
    : file_(std::exchange(other.file_, -1)),
      target_(std::move(other.target_)),
      fresh_(std::exchange(other.fresh_, {})),
      buffer_(std::move(other.buffer_)),
      written_(other.written_),
      failed_(std::move(other.failed_)),
      mode_(other.mode_),
      replaces_(other.replaces_) {}

FreshFile::~FreshFile() {
  if (file_ >= 0) ::close(file_);
  if (!fresh_.empty()) ::unlink(fresh_.c_str());
}

Result<void> FreshFile::write(std::string_view bytes) {
  if (failed_) return failure(*failed_);
  buffer_ += bytes;
  if (buffer_.size() < buffer_bytes) return {};
  return write_out();
}

/// A part of what the buffer holds may be in the file then: a second try would put it there twice.
Result<void> FreshFile::write_out() {
  if (failed_) return failure(*failed_);
  auto written = write_buffer();
  buffer_.clear();
  if (!written) failed_ = written.error();
  return written;
}

Result<void> FreshFile::write_buffer() {
  std::string_view left = buffer_;
  const std::uint64_t from = written_;
  while (!left.empty()) {
    const ssize_t size = ::write(file_, left.data(), left.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return io_failure(target_);
    left.remove_prefix(static_cast<std::size_t>(size));
    written_ += static_cast<std::uint64_t>(size);
  }
  // The disk begins with it, so that not all of it is waited for at the end.
  static_cast<void>(::sync_file_range(file_, static_cast<off64_t>(from),
                                      static_cast<off64_t>(written_ - from),
                                      SYNC_FILE_RANGE_WRITE));
  return {};
}

Result<bool> FreshFile::put(Durable durable) {
  PINION_CHECK(write_out());
  // Some file systems know no permissions, or no others than their own.
  if (::fchmod(file_, mode_) != 0 && errno != EPERM && errno != ENOTSUP) {
    return io_failure(target_);
  }
  if (durable == Durable::yes && ::fsync(file_) != 0) return io_failure(target_);
  if (::close(std::exchange(file_, -1)) != 0) return io_failure(target_);
  PINION_TRY(moved, move_in());
  if (moved && durable == Durable::yes) sync_folder(folder_of(target_));
  return moved;
}

Result<bool> FreshFile::move_in() {
  if (replaces_) {
    if (::rename(fresh_.c_str(), target_.c_str()) != 0) return io_failure(target_);
    fresh_.clear();
    return true;
  }
  if (::renameat2(AT_FDCWD, fresh_.c_str(), AT_FDCWD, target_.c_str(), RENAME_NOREPLACE) == 0) {
    fresh_.clear();
    return true;
  }
  if (errno == EEXIST) return false;
  // A file system that does not know that one: a second name is never one that is taken. The first
  // goes with this object.
  if (::link(fresh_.c_str(), target_.c_str()) == 0) return true;
  if (errno == EEXIST) return false;
  // Nor that one: the name is taken first, and what then has it is this one's own to replace.
  const int made = ::open(target_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (made < 0) {
    if (errno == EEXIST) return false;
    return io_failure(target_);
  }
  ::close(made);
  if (::rename(fresh_.c_str(), target_.c_str()) != 0) {
    const auto problem = io_failure(target_);
    ::unlink(target_.c_str());
    return problem;
  }
  fresh_.clear();
  return true;
}

Result<bool> write_whole(const std::string& path, std::string_view text,
                         FreshFile::Replaces replaces, FreshFile::Durable durable,
                         FreshFile::Readers readers) {
  PINION_TRY(file, FreshFile::open(path, replaces, readers));
  PINION_CHECK(file.write(text));
  return file.put(durable);
}

void remove_remains(const std::string& path) {
  const std::string target = followed(path);
  std::string begin = fresh_name_of(target);
  begin.resize(begin.size() - any.size());
  std::error_code error;
  for (std::filesystem::directory_iterator file(folder_of(target), error), end;
       !error && file != end; file.increment(error)) {
    const std::string name = file->path().string();
    if (!name.starts_with(begin) || name.size() != begin.size() + any.size()) continue;
    std::error_code unknown;
    if (std::filesystem::is_regular_file(file->symlink_status(unknown))) ::unlink(name.c_str());
  }
}

}  // namespace pinion::gui

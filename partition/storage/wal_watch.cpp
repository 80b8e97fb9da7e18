#include "partition/storage/wal_watch.hpp"

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <set>
#include <sstream>
#include <string_view>
#include <vector>

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace pinion::storage {

// ---- Who holds it

namespace {

/// Bytes of the -shm file that are locked, from the first to the last.
struct LockBytes {
  std::string_view access;
  std::uint64_t first = 0;
  std::uint64_t last = 0;
};
/// One a read mark (SQLite's WAL_READ_LOCK).
constexpr LockBytes read_locks{"READ", 123, 127};
constexpr LockBytes checkpoint_lock{"WRITE", 121, 121};  ///< WAL_CKPT_LOCK.

std::string name_of_process(int pid) {
  std::ifstream comm("/proc/" + std::to_string(pid) + "/comm");
  std::string name;
  if (!std::getline(comm, name) || name.empty()) name = "a process";
  return name + " (pid " + std::to_string(pid) + ")";
}

/// "12: POSIX  ADVISORY  READ 4711 fe:00:1835042 124 124"
bool is_holder_of(const LockBytes& bytes, const std::string& line, const std::string& file,
                  int& pid) {
  std::istringstream words(line);
  std::string number;
  std::string kind;
  std::string strictness;
  std::string access;
  std::string place;
  std::uint64_t begin = 0;
  std::string end;
  if (!(words >> number >> kind >> strictness >> access >> pid >> place >> begin >> end)) {
    return false;
  }
  if (kind != "POSIX" || access != bytes.access || place != file) return false;
  // Neighbours that one process holds are shown as one.
  const auto last = end == "EOF" ? UINT64_MAX : std::strtoull(end.c_str(), nullptr, 10);
  return begin <= bytes.last && last >= bytes.first;
}

std::string holders_of(const LockBytes& bytes, const std::string& database_path) {
  struct stat shm {};
  if (::stat((database_path + "-shm").c_str(), &shm) != 0) return {};
  char file[64];
  std::snprintf(file, sizeof file, "%02x:%02x:%llu", major(shm.st_dev), minor(shm.st_dev),
                static_cast<unsigned long long>(shm.st_ino));
  std::ifstream locks("/proc/locks");
  std::set<int> pids;
  std::string line;
  while (std::getline(locks, line)) {
    int pid = 0;
    const bool holds = is_holder_of(bytes, line, file, pid);
    if (holds && pid > 0 && pid != ::getpid()) pids.insert(pid);
  }
  std::string names;
  for (const int pid : pids) {
    if (!names.empty()) names += ", ";
    names += name_of_process(pid);
  }
  return names;
}

}  // namespace

std::string readers_of(const std::string& database_path) {
  return holders_of(read_locks, database_path);
}

std::string checkpointers_of(const std::string& database_path) {
  return holders_of(checkpoint_lock, database_path);
}

// ---- Whether its end is damaged

namespace {

// https://www.sqlite.org/fileformat2.html#walformat
constexpr std::size_t header_bytes = 32;
constexpr std::size_t frame_header_bytes = 24;
constexpr std::uint32_t magic_mask = 0xfffffffe;
constexpr std::uint32_t magic = 0x377f0682;

std::uint32_t big_endian(const unsigned char* at) {
  return (std::uint32_t{at[0]} << 24) | (std::uint32_t{at[1]} << 16) | (std::uint32_t{at[2]} << 8) |
         at[3];
}
std::uint32_t little_endian(const unsigned char* at) {
  return (std::uint32_t{at[3]} << 24) | (std::uint32_t{at[2]} << 16) | (std::uint32_t{at[1]} << 8) |
         at[0];
}

/// SQLite's running checksum over pairs of words.
struct Checksum {
  bool big = false;
  std::uint32_t first = 0;
  std::uint32_t second = 0;

  void add(const unsigned char* at, std::size_t size) {
    for (const unsigned char* end = at + size; at < end; at += 8) {
      const std::uint32_t a = big ? big_endian(at) : little_endian(at);
      const std::uint32_t b = big ? big_endian(at + 4) : little_endian(at + 4);
      first += a + second;
      second += b + first;
    }
  }
};

struct CloseFile {
  void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};

bool read_exactly(std::FILE* file, unsigned char* at, std::size_t size) {
  return std::fread(at, 1, size, file) == size;
}

}  // namespace

Result<void> check_wal(const std::string& wal_path) {
  const std::unique_ptr<std::FILE, CloseFile> file(std::fopen(wal_path.c_str(), "rbe"));
  if (!file) return {};
  std::array<unsigned char, header_bytes> header{};
  if (!read_exactly(file.get(), header.data(), header.size())) return {};
  Checksum sum;
  sum.big = (big_endian(header.data()) & 1) != 0;
  sum.add(header.data(), 24);
  const std::uint32_t page_bytes = big_endian(header.data() + 8);
  const bool whole = (big_endian(header.data()) & magic_mask) == magic &&
                     big_endian(header.data() + 24) == sum.first &&
                     big_endian(header.data() + 28) == sum.second && page_bytes >= 512 &&
                     page_bytes <= 65536;
  if (!whole) return {};  // A new log whose first sync did not happen, or none at all.

  // Frames of this generation carry the header's salts, also where their contents are broken. One
  // that does not is older: it was never written over, or is what the disk lost.
  std::vector<unsigned char> frame(frame_header_bytes + page_bytes);
  bool broken = false;
  bool commit_after_break = false;
  for (std::uint64_t index = 0; read_exactly(file.get(), frame.data(), frame.size()); ++index) {
    if (std::memcmp(frame.data() + 8, header.data() + 16, 8) != 0) {
      broken = true;
      continue;
    }
    if (commit_after_break) {
      return failure(Errc::file_corrupt, "its write-ahead log is damaged before frame " +
                                             std::to_string(index) +
                                             ": a commit that was synced cannot be read");
    }
    if (!broken) {
      sum.add(frame.data(), 8);
      sum.add(frame.data() + frame_header_bytes, page_bytes);
      broken =
          sum.first != big_endian(frame.data() + 16) || sum.second != big_endian(frame.data() + 20);
    }
    const bool is_commit = big_endian(frame.data() + 4) != 0;
    commit_after_break = broken && is_commit;
  }
  return {};
}

}  // namespace pinion::storage

#include "tests/support/test_process.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <stdexcept>
#include <thread>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace pinion::test {
namespace {

[[noreturn]] void give_up(const std::string& what) {
  throw std::runtime_error(what + ": " + std::strerror(errno));
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> list;
  list.reserve(texts.size() + 1);
  for (std::string& text : texts) list.push_back(text.data());
  list.push_back(nullptr);
  return list;
}

/// The signals that the child starts with: none blocked, all as by default.
void reset_signals(posix_spawnattr_t& attributes) {
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

}  // namespace

bool eventually(Micros limit, const std::function<bool()>& condition, Micros every) {
  const auto until = std::chrono::steady_clock::now() + limit;
  for (;;) {
    if (condition()) return true;
    if (std::chrono::steady_clock::now() >= until) return false;
    std::this_thread::sleep_for(every);
  }
}

TemporaryFolder::TemporaryFolder() : TemporaryFolder(std::filesystem::temp_directory_path()) {}

TemporaryFolder::TemporaryFolder(const std::string& parent)
    : path_(parent + "/pinion-test-XXXXXX") {
  if (mkdtemp(path_.data()) == nullptr) give_up("making a folder in " + parent);
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void write_file(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  if (!file.flush()) give_up("writing " + path);
}

TestProcess::TestProcess(const ProcessOptions& options)
    : output_(options.output_file.empty() ? folder_ / "out" : options.output_file),
      errors_(folder_ / "err") {
  std::vector<std::string> arguments = options.arguments;
  const std::string guard = "/usr/bin/setpriv";
  if (std::filesystem::exists(guard)) {
    arguments.insert(arguments.begin(), {guard, "--pdeathsig", "KILL"});
  }
  std::vector<std::string> environment = options.environment;
  for (char** variable = environ; *variable != nullptr; ++variable)
    environment.push_back(*variable);

  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  std::array<int, 2> input_pipe{-1, -1};
  if (options.input == "-") {
    if (pipe2(input_pipe.data(), O_CLOEXEC) != 0) give_up("making a pipe");
    posix_spawn_file_actions_adddup2(&files, input_pipe[0], 0);
  } else {
    const std::string input = options.input.empty() ? "/dev/null" : options.input;
    posix_spawn_file_actions_addopen(&files, 0, input.c_str(), O_RDONLY, 0);
  }
  const int flags = O_WRONLY | O_CREAT | O_TRUNC;
  posix_spawn_file_actions_addopen(&files, 1, output_.c_str(), flags, 0600);
  posix_spawn_file_actions_addopen(&files, 2, errors_.c_str(), flags, 0600);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  reset_signals(attributes);

  std::vector<char*> argv = pointers(arguments);
  std::vector<char*> envp = pointers(environment);
  const int error = posix_spawn(&pid_, argv[0], &files, &attributes, argv.data(), envp.data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  if (input_pipe[0] >= 0) ::close(input_pipe[0]);
  input_ = input_pipe[1];
  errno = error;
  if (error != 0) give_up("starting " + options.arguments.front());
}

TestProcess::~TestProcess() { kill(); }

bool TestProcess::reap(int options) {
  if (status_) return true;
  int status = 0;
  if (waitpid(pid_, &status, options) != pid_) return false;
  status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return true;
}

bool TestProcess::running() { return pid_ > 0 && !reap(WNOHANG); }

void TestProcess::signal(int number) {
  if (running()) ::kill(pid_, number);
}

void TestProcess::pause() {
  signal(SIGSTOP);
  const std::string tasks = "/proc/" + std::to_string(pid_) + "/task";
  const bool stands = eventually(10s, [&tasks] {
    for (const auto& task : std::filesystem::directory_iterator(tasks)) {
      // "NUMBER (NAME) STATE ...", and a name may hold anything.
      const std::string stat = read_file(task.path() / "stat");
      const std::size_t name_end = stat.rfind(')');
      if (name_end == std::string::npos || stat.compare(name_end, 3, ") T") != 0) return false;
    }
    return true;
  });
  if (!stands) throw std::runtime_error("a process does not stop");
}

void TestProcess::kill() {
  close_input();
  if (!running()) return;
  ::kill(pid_, SIGKILL);
  reap(0);
}

std::optional<int> TestProcess::wait(Micros limit) {
  if (!eventually(limit, [this] { return reap(WNOHANG); })) return std::nullopt;
  return status_;
}

bool TestProcess::write_input(const std::string& text) {
  std::signal(SIGPIPE, SIG_IGN);
  std::string_view rest = text;
  while (!rest.empty()) {
    const ssize_t written = ::write(input_, rest.data(), rest.size());
    if (written < 0) return false;
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

void TestProcess::close_input() {
  if (input_ >= 0) ::close(input_);
  input_ = -1;
}

bool TestProcess::wait_for_output(const std::string& text, Micros limit) {
  bool there = false;
  const bool done = eventually(limit, [&] {
    const bool gone = !running();
    there = output().find(text) != std::string::npos;
    return there || gone;
  });
  return done && there;
}

std::uint64_t TestProcess::resident_bytes() const {
  std::ifstream file("/proc/" + std::to_string(pid_) + "/statm");
  std::uint64_t total = 0;
  std::uint64_t resident = 0;
  file >> total >> resident;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

Finished run(const ProcessOptions& options, Micros limit) {
  TestProcess process(options);
  Finished finished;
  const std::optional<int> status = process.wait(limit);
  if (!status) process.kill();
  finished.status = status ? *status : 124;
  finished.output = process.output();
  finished.errors = process.errors();
  return finished;
}

namespace {

/// Other test processes see that the port is given, for as long as this one lives.
bool claim_port(int port) {
  const std::string name = "pinion-test-port-" + std::to_string(port);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::copy(name.begin(), name.end(), address.sun_path + 1);  // After a 0: of no file system.
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0) give_up("claiming a port");
  if (bind(socket, reinterpret_cast<sockaddr*>(&address), size) == 0) return true;  // And kept.
  ::close(socket);
  return false;
}

bool is_port_free(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0) give_up("finding a free port");
  const bool is_free = bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  ::close(socket);
  return is_free;
}

}  // namespace

int free_port() {
  // Below those that the system gives to whoever asks for any.
  constexpr int first = 10'000;
  constexpr int count = 22'000;
  static std::atomic<int> next{static_cast<int>(std::random_device{}() % count)};
  for (int tried = 0; tried < count; ++tried) {
    const int port = first + next++ % count;
    if (claim_port(port) && is_port_free(port)) return port;
  }
  throw std::runtime_error("no port is free");
}

}  // namespace pinion::test

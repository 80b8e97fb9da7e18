#include "tests/support/network_spaces.hpp"

#include "tests/support/test_process.hpp"

#include <csignal>
#include <filesystem>
#include <map>
#include <sstream>
#include <stdexcept>

#include <unistd.h>

namespace pinion::test {
namespace {

constexpr const char* ip_program = "/usr/sbin/ip";
constexpr const char* iptables_program = "/usr/sbin/iptables";
constexpr const char* folder_of_names = "/run/netns";

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream text(line);
  std::vector<std::string> words;
  for (std::string word; text >> word;) words.push_back(word);
  return words;
}

Finished ip(const std::string& line) {
  std::vector<std::string> arguments = words_of(line);
  arguments.insert(arguments.begin(), ip_program);
  return run({.arguments = std::move(arguments)});
}

void must_ip(const std::string& line) {
  const Finished done = ip(line);
  if (done.status != 0) throw std::runtime_error("ip " + line + ": " + done.errors);
}

bool is_alive(pid_t pid) { return ::kill(pid, 0) == 0; }

std::string bridge_of(pid_t pid) { return "pnb" + std::to_string(pid); }

/// Namespaces and bridges whose test has died.
void remove_leftovers() {
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(folder_of_names, none)) {
    const std::string name = entry.path().filename().string();
    if (name.rfind("pn-", 0) != 0) continue;
    const auto pid = static_cast<pid_t>(std::strtol(name.c_str() + 3, nullptr, 10));
    if (pid <= 0 || is_alive(pid)) continue;
    (void)ip("netns del " + name);
    (void)ip("link del " + bridge_of(pid));
  }
}

}  // namespace

NetworkSpaces::NetworkSpaces(int members)
    : members_(members),
      prefix_("pn-" + std::to_string(::getpid()) + "-"),
      bridge_(bridge_of(::getpid())),
      network_("10.213." + std::to_string(::getpid() % 250) + ".") {
  remove_leftovers();
  must_ip("link add " + bridge_ + " type bridge");
  must_ip("addr add " + network_ + "254/24 dev " + bridge_);
  must_ip("link set " + bridge_ + " up");
  for (int member = 0; member < members_; ++member) {
    const std::string space = name(member);
    const std::string link = "pn" + std::to_string(::getpid()) + "." + std::to_string(member);
    must_ip("netns add " + space);
    must_ip("link add " + link + " type veth peer name eth0 netns " + space);
    must_ip("link set " + link + " master " + bridge_ + " up");
    must_ip("-n " + space + " addr add " + address(member) + "/24 dev eth0");
    must_ip("-n " + space + " link set eth0 up");
    must_ip("-n " + space + " link set lo up");
  }
}

NetworkSpaces::~NetworkSpaces() {
  for (int member = 0; member < members_; ++member) (void)ip("netns del " + name(member));
  (void)ip("link del " + bridge_);
}

std::string NetworkSpaces::name(int member) const { return prefix_ + std::to_string(member); }

std::string NetworkSpaces::address(int member) const {
  return network_ + std::to_string(member + 1);
}

std::vector<std::string> NetworkSpaces::wrapper(int member) const {
  return {ip_program, "netns", "exec", name(member)};
}

void NetworkSpaces::cut(const std::vector<Cut>& cuts) {
  std::map<int, std::string> unheard;
  for (const Cut& one : cuts) {
    std::string& sources = unheard[one.to];
    sources += (sources.empty() ? "" : ",") + address(one.from);
  }
  for (const auto& [member, sources] : unheard) {
    std::vector<std::string> arguments = wrapper(member);
    for (const char* word : {iptables_program, "-w", "-A", "INPUT", "-j", "DROP", "-s"}) {
      arguments.emplace_back(word);
    }
    arguments.push_back(sources);
    const Finished done = run({.arguments = std::move(arguments)});
    if (done.status != 0) throw std::runtime_error("iptables: " + done.errors);
  }
}

void NetworkSpaces::cut_between(const std::vector<int>& one, const std::vector<int>& other) {
  std::vector<Cut> cuts;
  for (const int a : one) {
    for (const int b : other) {
      cuts.push_back({a, b});
      cuts.push_back({b, a});
    }
  }
  cut(cuts);
}

void NetworkSpaces::heal() {
  for (int member = 0; member < members_; ++member) {
    std::vector<std::string> arguments = wrapper(member);
    for (const char* word : {iptables_program, "-w", "-F", "INPUT"}) arguments.emplace_back(word);
    const Finished done = run({.arguments = std::move(arguments)});
    if (done.status != 0) throw std::runtime_error("iptables: " + done.errors);
  }
}

}  // namespace pinion::test

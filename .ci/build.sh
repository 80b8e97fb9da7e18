# shellcheck shell=bash disable=SC2034
# Sourced by ./run and ./test: installs what is missing, configures and builds. Not a program.
#
# Needs: the working folder is the repository's root.

say() { printf '\n\033[1m== %s\033[0m\n' "$*" >&2; }
die() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 1
}

# What a build needs, as Debian 12 names it, and the version that is known to work.
build_packages="g++ cmake ninja-build ccache pkg-config libzmq3-dev cppzmq-dev libmsgpack-cxx-dev
  libsqlite3-dev libtomlplusplus-dev libcli11-dev nlohmann-json3-dev libspdlog-dev libfmt-dev
  libexpected-dev libisal-dev libboost-dev libssl-dev prometheus-cpp-dev catch2 sqlite3 openssl
  python3 python3-pip python3-venv python3-setuptools python3-wheel"
# What the tests use beside it.
test_packages="curl nginx-light patch iproute2 iptables"
build_libraries="a C++20 compiler (g++ 12 or clang 14), CMake 3.25, Ninja, ccache, pkg-config,
  ZeroMQ 4.3.4, cppzmq 4.9, msgpack-cxx 4.1 (header-only), SQLite 3.40 with its shell,
  toml++ 3.3, CLI11 2.1, nlohmann-json 3.11, spdlog 1.10 with fmt 9, tl::expected 1.0, ISA-L 2.30,
  Boost 1.74 (Asio and Beast, header-only), OpenSSL 3, prometheus-cpp 1.0,
  Catch2 2.13 (version 2, not 3), Python 3.9 with pip, venv, setuptools and wheel; for the dashboard
  Dear ImGui 1.86 or newer with its GLFW, OpenGL 3 and FreeType backends, GLFW 3.3, stb_image_write,
  and the typefaces Inter and JetBrains Mono"

# What the dashboard needs beside, its typefaces, and what its tests open a window on. Without them
# everything else is built.
dashboard_packages="libimgui-dev libglfw3-dev libgl-dev libfreetype-dev libstb-dev fonts-inter
  fonts-jetbrains-mono fonts-dejavu-core fonts-droid-fallback"
dashboard_test_packages="xvfb xdotool libgl1-mesa-dri"

# install_missing PACKAGE...: only what is not there, and nothing when all is.
install_missing() {
  if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    printf 'This is no Debian or kin of it. Needed: %s.\nGoing on with what is there.\n' \
      "$build_libraries" >&2
    return 0
  fi
  local missing=() package
  for package in "$@"; do
    if ! dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -q '^installed$'; then
      missing+=("$package")
    fi
  done
  if [ ${#missing[@]} -eq 0 ]; then return 0; fi
  say "installing ${missing[*]}"
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null ||
      die "missing packages; as root: apt-get install ${missing[*]}"
    as_root=(sudo)
  fi
  "${as_root[@]}" apt-get update -q >&2
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -q --no-install-recommends "${missing[@]}" >&2 ||
    die "installing failed; by hand: apt-get install ${missing[*]}"
}

# install_if_possible PACKAGE...: for what the rest does without.
install_if_possible() {
  (install_missing "$@") ||
    printf 'Going on without them: the dashboard will not be built, or not be tried in a window.\n' >&2
}

# configure FOLDER OPTION...: once; from then on ninja itself runs cmake when it must.
configure() {
  local folder=$1
  shift
  local options="$*"
  export CCACHE_SLOPPINESS=pch_defines,time_macros
  if [ -f "$folder/build.ninja" ] && [ "$(cat "$folder/.options" 2>/dev/null)" = "$options" ]; then
    return 0
  fi
  say "configuring $folder"
  local launcher=()
  if command -v ccache >/dev/null; then launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache); fi
  cmake -S . -B "$folder" -G Ninja "${launcher[@]}" "$@" >&2
  printf '%s' "$options" >"$folder/.options"
}

# build FOLDER TARGET...
build() {
  local folder=$1
  shift
  say "building $folder"
  ninja -C "$folder" "$@" >&2
}

# The release build, with its programs in build/bin.
configure_release() {
  configure build/release -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_RUNTIME_OUTPUT_DIRECTORY="$PWD/build/bin"
}

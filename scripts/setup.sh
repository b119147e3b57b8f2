# shellcheck shell=sh disable=SC2034,SC2154 # sourced by ./dev, which shares its variables
# Set-up, sourced by ./dev: finds out what a job lacks and installs it through apt, or says what to install.
# What is there is found by asking the tools, not apt: a compiler that the user built himself is as good.

say() { printf '%s\n' "$*" >&2; }
fail() {
  say "dev: $*"
  exit 1
}
has() { command -v "$1" >/dev/null 2>&1; }
has_library() { has pkg-config && pkg-config --exists "$1"; }

# The header itself judges the compiler, so that the versions stand in one place.
compiler_is_good() {
  has "$1" && echo '#include <cetane/base/config.hpp>' | "$1" -std=c++20 -Iinclude -fsyntax-only -x c++ - 2>/dev/null
}
find_compiler() {
  for candidate in ${CXX:-g++ c++ g++-15 g++-14 g++-13 g++-12 clang++ clang++-19 clang++-18 clang++-17 clang++-16}; do
    if compiler_is_good "$candidate"; then
      echo "$candidate"
      return
    fi
  done
  return 1
}

find_clang_format() {
  for candidate in clang-format-14 clang-format; do
    if has "$candidate"; then
      echo "$candidate"
      return
    fi
  done
  return 1
}

# Prints the Debian packages that the job $1 still needs.
missing_packages() {
  case $1 in
    build)
      find_compiler >/dev/null || echo g++
      has meson || echo meson
      has ninja || echo ninja-build
      has pkg-config || echo pkg-config
      has_library 'fmt >= 9' || echo libfmt-dev
      has_library 'liburing >= 2.3' || echo liburing-dev
      has_library 'openssl >= 3' || echo libssl-dev
      ;;
    tests)
      missing_packages build
      has_library 'catch2 >= 3' || echo catch2
      has python3 || echo python3
      [ -z "${CI-}" ] || missing_optional_tools
      ;;
    matrix)
      missing_packages tests
      has clang++-19 || echo clang-19
      clang_has_sanitizers || echo libclang-rt-19-dev
      ;;
    coverage)
      missing_packages matrix
      has llvm-cov-19 || echo llvm-19
      ;;
    soak)
      missing_packages build
      has python3 || echo python3
      ;;
    fuzz)
      missing_packages soak
      has clang++-19 || echo clang-19
      clang_has_sanitizers || echo libclang-rt-19-dev
      ;;
    counts)
      missing_packages build
      has python3 || echo python3
      has valgrind || echo valgrind
      ;;
    bench)
      missing_packages counts
      has_library libuv || echo libuv1-dev
      [ -f /usr/include/asio.hpp ] || echo libasio-dev
      has go || echo golang-go
      has cargo || echo cargo
      [ -d /usr/share/cargo/registry ] && ls /usr/share/cargo/registry | grep -q '^tokio-1' || echo librust-tokio-dev
      has openssl || echo openssl # a certificate for TLS
      /usr/bin/python3 -c 'import gevent' 2>/dev/null || echo python3-gevent
      ;;
    docs) has doxygen || echo doxygen ;;
    certificate) has openssl || echo openssl ;;
    format) find_clang_format >/dev/null || echo clang-format ;;
    lint)
      missing_packages build
      has clang++-19 || echo clang-19
      has clang-tidy-19 || echo clang-tidy-19
      ;;
  esac
}

# A test that needs one of these is left out where it is not there: other build tools for a program of a user's, peers for TLS, for datagrams and for Unix
# sockets, a malloc that is all fences, and what lets system calls fail.
missing_optional_tools() {
  has cmake || echo cmake
  has openssl || echo openssl
  has curl || echo curl
  has testssl || has testssl.sh || echo testssl.sh
  [ -f /etc/ssl/certs/ca-certificates.crt ] || echo ca-certificates # whom curl trusts if it is told nothing
  has make || echo make
  [ -f /usr/lib/libefence.so.0.0 ] || echo electric-fence
  has strace || echo strace
  has dnsmasq || [ -x /usr/sbin/dnsmasq ] || echo dnsmasq-base
  has ncat || echo ncat
  has socat || echo socat
}

clang_has_sanitizers() {
  has clang++-19 && [ -f "$(clang++-19 -print-file-name=libclang_rt.tsan.a)" ] ||
    has clang++-19 && [ -f "$(clang++-19 -print-resource-dir)/lib/linux/libclang_rt.tsan-$(uname -m).a" ]
}

# Makes sure that the job $1 can start, and chooses the tools for it.
setup_for() {
  wanted=$(missing_packages "$1" | sort -u | tr '\n' ' ')
  if [ -n "$wanted" ]; then
    if has apt-get; then install_packages "$wanted"; else advise_without_apt "$1" "$wanted"; fi
    check_again "$1"
  fi
  compiler=$(find_compiler) || compiler=
  clang_format=$(find_clang_format) || clang_format=
}

check_again() {
  has apt-get || return 0
  if ! find_compiler >/dev/null && [ "$1" != docs ] && [ "$1" != format ]; then
    found=$(${CXX:-g++} -dumpfullversion 2>/dev/null || echo none)
    fail "the compiler ${CXX:-g++} ($found) is too old: cetane needs g++ 12.2 or clang 16; install a newer one and set CXX, as in CXX=g++-12 ./dev $1"
  fi
  wanted=$(missing_packages "$1" | sort -u | tr '\n' ' ')
  [ -z "$wanted" ] || fail "still missing or too old after the installation: $wanted"
}

become_root() {
  if [ "$(id -u)" -eq 0 ]; then
    root=
  elif has sudo; then
    root=sudo
  else
    advise_without_root "$1"
  fi
}

# $1: names of packages. Ends with the commands that root has to type.
advise_without_root() {
  say "dev: these packages are missing, and there is no sudo to install them with: $1"
  say "As root, run"
  say "  apt-get update"
  case " $1 " in
    *' catch2 '*)
      codename=$(release_codename)
      if [ "$codename" != bookworm ]; then
        say "  apt-get install --no-install-recommends $1"
      else
        say "  echo 'deb $(release_mirror "$codename") $codename-backports main' >/etc/apt/sources.list.d/cetane-backports.list"
        say "  apt-get update"
        say "  apt-get install --no-install-recommends -t $codename-backports catch2"
        say "  apt-get install --no-install-recommends $(echo "$1" | sed 's/catch2 //')"
      fi
      ;;
    *) say "  apt-get install --no-install-recommends $1" ;;
  esac
  exit 1
}

as_root() { $root env DEBIAN_FRONTEND=noninteractive "$@"; }

# apt is long-winded: what it says is shown only when it fails.
apt_quietly() {
  said=$(as_root apt-get -y -qq -o Dpkg::Use-Pty=0 "$@" 2>&1) && return
  say "$said"
  return 1
}
apt_update() { apt_quietly update || fail "apt-get update failed; are the package sources reachable?"; }
apt_install() { apt_quietly install --no-install-recommends "$@"; }

# $1: names of packages. Says what will happen, then does it.
install_packages() {
  become_root "$1"
  say "dev: installing with apt${root:+ through sudo}, which may take a minute: $1"
  apt_update
  others=
  for package in $1; do
    if [ "$package" = catch2 ]; then install_catch2; else others="$others $package"; fi
  done
  # shellcheck disable=SC2086 # a list of names
  [ -z "$others" ] || apt_install $others || fail "apt-get could not install:$others"
}

# Catch2 v3 is in Debian 13 and Ubuntu 24.04; in Debian 12 it is in backports, which never replaces packages by itself.
install_catch2() {
  if apt-cache policy catch2 | grep -q 'Candidate: 3'; then
    apt_install catch2 || fail "apt-get could not install catch2"
    return
  fi
  codename=$(release_codename)
  add_backports "$codename"
  apt_install -t "$codename-backports" catch2 ||
    fail "Catch2 3 is neither in $codename nor in $codename-backports; install it by hand, or build without tests"
}

# shellcheck disable=SC2016 # apt fills these in, not the shell
package_sources() { apt-get indextargets --no-release-info --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages'; }

release_codename() { (. /etc/os-release && echo "${VERSION_CODENAME-}"); }
release_mirror() { package_sources | awk -v release="$1" '$2 == release { print $1; exit }'; }

# $1: codename. The backports are on the mirror that apt uses for the release itself.
add_backports() {
  keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  list=/etc/apt/sources.list.d/cetane-backports.sources
  package_sources | grep -q " $1-backports\$" && return
  mirror=$(release_mirror "$1")
  if [ -z "$mirror" ] || [ ! -f "$keyring" ]; then fail "this release has no Catch2 3, and no Debian mirror was found to take it from"; fi
  say "dev: Catch2 3 comes from $1-backports; adding $list"
  printf 'Types: deb\nURIs: %s\nSuites: %s-backports\nComponents: main\nSigned-By: %s\n' "$mirror" "$1" "$keyring" |
    as_root tee "$list" >/dev/null
  apt_update
}

# $1: job, $2: Debian's names. Libraries can come from subprojects/, tools cannot.
advise_without_apt() {
  for tool in find_compiler 'has meson' 'has ninja'; do
    $tool >/dev/null && continue
    say "dev: this is not Debian or Ubuntu, so please install what is missing with your own package manager."
    say "dev: Debian calls it: $2"
    fail "needed: g++ >= 12.2 or clang >= 16, meson >= 1.0, ninja (pkg-config helps to find libraries)"
  done
  case $1 in
    docs) fail "please install doxygen" ;;
    format) fail "please install clang-format 14" ;;
    lint) fail "please install clang 19 with clang-tidy" ;;
    matrix | fuzz) has clang++-19 || fail "please install clang 19 with its sanitizer runtime" ;;
  esac
  say "dev: not installed: $2- Meson downloads the libraries among these (subprojects/*.wrap)"
}

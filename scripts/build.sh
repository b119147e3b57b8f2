# shellcheck shell=sh disable=SC2034,SC2154 # sourced by ./dev, which shares its variables
# Configuring and compiling, sourced by ./dev after setup.sh.

build_dir=build

# Several files are compiled at once, which takes a third of the time. Whoever changes much may prefer each by itself: meson configure build --unity=off
units='--unity=on --unity-size=10'

# $1: build folder, then options for `meson setup`; a folder that is configured stays as it is.
configure() {
  folder=$1
  shift
  [ ! -f "$folder/build.ninja" ] || return 0
  if [ -n "${CI-}" ]; then set -- -Dwerror=true -Dio_uring=enabled -Dtls=enabled "$@"; fi
  if has apt-get; then set -- --wrap-mode=nodownload "$@"; fi
  # shellcheck disable=SC2086 # a list of options
  CXX=$compiler meson setup "$folder" $units "$@" >&2
}

# A folder made by `./dev run` may lack the tests, because Catch2 was not there then.
add_tests() { grep -q tests/libsupport "$1/build.ninja" || meson setup --reconfigure "$1" -Dtests=enabled >&2; }

# $1: build folder, then targets (all of them when none is named).
compile() {
  folder=$1
  shift
  ninja -C "$folder" "$@" >&2
}

list_examples() { (cd examples && find . -name '*.cpp' | sed 's|^\./||; s|\.cpp$||' | sort | sed 's/^/  /') >&2; }

# An example says in its opening comment what to type; the hint is that line up to the port.
connect_hint() {
  line=$(sed -n 's|^// Type: *\(.*nc .*[0-9.]\{7,\} [0-9][0-9]*\).*|\1|p' "examples/$1.cpp" | head -n 1)
  [ -z "$line" ] || say "connect from another terminal with: $line     (Ctrl-C here stops it)"
}

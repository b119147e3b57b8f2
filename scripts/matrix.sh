# shellcheck shell=sh disable=SC2154,SC2086 # sourced by ./dev after setup.sh and build.sh; lists of options are split on purpose
# The suite under other compilers, build types and sanitizers. `./dev test` runs everything once; here every component runs on every backend again,
# without the end-to-end tests, the long cases and the checks of the tree, which no compiler changes.

matrix_names='gcc-debug gcc-release clang-debug clang-release ubsan asan tsan no-io_uring'
# There `./dev test` is the release build by GCC and asan the debug build by it, ubsan is by clang: GCC takes twice the time to compile with both sanitizers,
# and clang finds the same. no-io_uring looks for data races, as tsan does: what threads share is no backend's business.
matrix_in_ci='ubsan asan no-io_uring'

# Sets for the configuration $1: the compiler, options of the build, targets (all when empty), and chosen, the arguments of meson test.
# Without debugging information, which costs a third of the compile time: a report names functions, and what it is about is built again by hand.
matrix_facts() {
  targets=
  chosen='--no-suite e2e --no-suite slow --no-suite checks'
  case $1 in
    gcc-debug) compiler=$gcc options='--buildtype=debug -Ddebug=false -Dexamples=disabled' ;;
    gcc-release) compiler=$gcc options='--buildtype=release -Dexamples=disabled' ;;
    clang-debug) compiler=clang++-19 options='--buildtype=debug -Ddebug=false -Dexamples=disabled' ;;
    clang-release) compiler=clang++-19 options='--buildtype=release -Dexamples=disabled' ;;
    ubsan) compiler=clang++-19 options='--buildtype=debug -Ddebug=false -Dexamples=disabled -Db_sanitize=undefined -Db_lundef=false' ;;
    asan)
      compiler=$gcc options='--buildtype=debug -Ddebug=false -Dexamples=disabled -Db_sanitize=address -Db_lundef=false'
      chosen="$chosen --no-suite refused"
      ;;
    tsan)
      compiler=clang++-19 options='--buildtype=debug --optimization=1 -Ddebug=false -Dexamples=disabled -Db_sanitize=thread -Db_lundef=false'
      matrix_only $threaded tls
      ;;
    no-io_uring)
      compiler=clang++-19 options='--buildtype=debug --optimization=1 -Ddebug=false -Dexamples=disabled -Db_sanitize=thread -Db_lundef=false'
      options="$options -Dio_uring=disabled -Dtls=disabled"
      matrix_only $threaded
      ;;
    *) fail "no such configuration: $1; there are $matrix_names" ;;
  esac
  options="$options --unity-size=20"
}

# The components in which a second thread is at work: the mailbox, the offload pool and what is built on them. The tests of sync have an operator new of their
# own, which does not go together with this sanitizer's.
threaded='os runtime conc net socketserver app'

# Builds and runs these components only.
matrix_only() {
  chosen='--no-suite e2e --no-suite slow'
  for component in "$@"; do
    targets="$targets tests/${component}_test"
    chosen="$chosen --suite $component"
  done
}

# A configuration that does not even build is one failure in the sum.
matrix_broken() {
  say "matrix: $1 could not be built"
  [ -z "${CETANE_TALLY-}" ] || printf 'failed: the build of %s\n0 passed, 1 failed, 0 skipped\n' "$1" >>"$CETANE_TALLY"
}

# Some kernels place mappings where older sanitizer runtimes do not expect them.
without_aslr() { if setarch -R true 2>/dev/null; then setarch -R "$@"; else "$@"; fi; }

matrix_run() {
  matrix_facts "$1"
  folder=build-matrix/$1
  say "matrix: $1 ($compiler $options)"
  if ! (configure "$folder" -Dtests=enabled $options && compile "$folder" $targets); then
    matrix_broken "$1"
    return 1
  fi
  ASAN_OPTIONS=detect_stack_use_after_return=1 UBSAN_OPTIONS=print_stacktrace=1 TSAN_OPTIONS=second_deadlock_stack=1 \
    without_aslr python3 scripts/run_tests.py "$folder" --timeout-multiplier 4 $chosen
}

matrix() {
  if [ "${1-}" = list ]; then
    printf '%s\n' $matrix_names
    return
  fi
  setup_for matrix
  gcc=$compiler
  failures=
  if [ $# -eq 0 ]; then
    set -- $matrix_names
    [ -z "${CI-}" ] || set -- $matrix_in_ci
  fi
  for name in "$@"; do matrix_run "$name" || failures="$failures $name"; done
  [ -z "$failures" ] || fail "matrix: failed:$failures"
}

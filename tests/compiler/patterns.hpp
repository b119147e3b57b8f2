#pragma once

#include <cetane/conc/sleep.hpp>
#include <cetane/coro/task.hpp>

#include <catch2/catch_test_macros.hpp>
#include <support/test_loop.hpp>
#include <support/traced.hpp>

#include <functional>
#include <type_traits>

// What it does wrong stands in README.md.
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
#define CETANE_TEST_GCC_12 1
#else
#define CETANE_TEST_GCC_12 0
#endif

using cetane::task;
using cetane::yield;
using cetane::test::ledger;
using cetane::test::test_loop;
using cetane::test::traced;

/// Runs a coroutine that uses some construct of the language; every object it has made must be
/// destroyed once, in its place.
template <class Pattern>
void run_pattern(Pattern pattern) {
  ledger objects;
  test_loop loop;
  loop.run(pattern, std::ref(objects));
  CHECK(objects.alive == 0);
  CHECK(objects.wrong == 0);
}

/// What CHECK(got == wanted) says, as a function: g++ evaluates a co_await inside of Catch2's
/// macros twice.
template <class T>
void equal(const T& got, const std::type_identity_t<T>& wanted, int line = __builtin_LINE()) {
  CAPTURE(line);
  CHECK(got == wanted);
}

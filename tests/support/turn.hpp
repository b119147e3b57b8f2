#pragma once

#include <catch2/catch_test_macros.hpp>

#include <tuple>

namespace cetane::test {

/// Which of the operations of a first() happened: the number of the only place that is engaged,
/// counted from 1.
template <class... T>
int engaged(const std::tuple<T...>& turn) {
  int found = 0;
  int place = 0;
  int count = 0;
  const auto look = [&](const auto& told) {
    ++place;
    if (!told) return;
    found = place;
    ++count;
  };
  std::apply([&](const auto&... each) { (look(each), ...); }, turn);
  CHECK(count == 1);
  return found;
}

}  // namespace cetane::test

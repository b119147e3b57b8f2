#pragma once

#include <cetane/cetane.hpp>

#include <cstdint>
#include <exception>
#include <string>
#include <vector>

namespace cetane::test {

inline task<> echo(connection& peer) {
  for (;;) co_await peer.send(co_await peer.until_eol());
}

// Collects lines until the end, and says how that came.
struct collector {
  std::vector<std::string> lines;
  std::string end;
};

inline task<> collect(connection& peer, collector& into) {
  try {
    while (auto line = co_await peer.next_line()) into.lines.emplace_back(trim(*line));
    into.end = "end";
  } catch (const error& e) {
    into.end = e.what();
  }
}

inline std::string why(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    return e.what();
  }
}

// The name for what connecting there ends in.
inline task<std::string> connect_outcome(std::string host, std::uint16_t port) {
  std::exception_ptr failed;
  try {
    connection c = co_await connect(std::move(host), port);
  } catch (const connect_timeout&) {
    co_return "timeout";
  } catch (const error&) {
    failed = std::current_exception();
  }
  co_return failed ? why(failed) : "connected";
}

inline task<std::string> line_or_error(connection& from) {
  std::exception_ptr failed;
  try {
    const std::string line = co_await from.until_eol();
    co_return std::string(trim(line));
  } catch (const connection_closed&) {
    failed = std::current_exception();
  }
  co_return why(failed);
}

}  // namespace cetane::test

#include <cetane/backend/make_backend.hpp>

#include <backend/epoll_backend.hpp>

#include <cetane/base/errors.hpp>

#ifdef CETANE_HAS_IO_URING
#include <backend/io_uring_backend.hpp>
#endif

namespace cetane {
namespace {

#ifdef CETANE_HAS_IO_URING

constexpr bool has_uring = true;

std::unique_ptr<detail::backend> make_uring() { return detail::make_uring_backend(); }

#else

constexpr bool has_uring = false;

std::unique_ptr<detail::backend> make_uring() {
  throw error(error::whole_text("cannot use io_uring: this build of cetane is without it; build it "
                                "with liburing 2.3 or newer, or use --backend epoll"),
              system_code(ENOTSUP));
}

#endif

backend_facts look_at(const char* name, std::unique_ptr<detail::backend> (*make)()) {
  try {
    make();
    return {name, {}};
  } catch (const error& e) {
    return {name, e.what()};
  }
}

}  // namespace

std::string_view to_string(backend_choice choice) noexcept {
  switch (choice) {
    case backend_choice::epoll:
      return "epoll";
    case backend_choice::io_uring:
      return "io_uring";
    case backend_choice::automatic:
      break;
  }
  return "auto";
}

std::optional<backend_choice> parse_backend(std::string_view name) {
  if (name == "auto") return backend_choice::automatic;
  if (name == "epoll") return backend_choice::epoll;
  if (name == "io_uring") return backend_choice::io_uring;
  return std::nullopt;
}

std::unique_ptr<detail::backend> make_backend(backend_choice choice, std::string* fell_back) {
  if (choice == backend_choice::io_uring) return make_uring();
  if (choice == backend_choice::automatic) {
    try {
      return make_uring();
    } catch (const error& e) {
      if (fell_back != nullptr) *fell_back = e.what();
    }
  }
  return detail::make_epoll_backend();
}

std::vector<backend_facts> look_at_backends() {
  std::vector<backend_facts> all{look_at("epoll", detail::make_epoll_backend)};
  if (has_uring) all.push_back(look_at("io_uring", make_uring));
  return all;
}

}  // namespace cetane

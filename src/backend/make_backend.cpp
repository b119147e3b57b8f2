#include <cetane/backend/make_backend.hpp>

#include <backend/epoll_backend.hpp>

#include <cetane/base/errors.hpp>

namespace cetane {
namespace {

constexpr std::string_view no_io_uring = "this version of cetane has no io_uring backend yet";

}  // namespace

std::optional<backend_choice> parse_backend(std::string_view name) {
  if (name == "auto") return backend_choice::automatic;
  if (name == "epoll") return backend_choice::epoll;
  if (name == "io_uring") return backend_choice::io_uring;
  return std::nullopt;
}

std::unique_ptr<detail::backend> make_backend(backend_choice choice, std::string* fell_back) {
  if (choice == backend_choice::io_uring) {
    throw error(error::whole_text("cannot use io_uring: " + std::string(no_io_uring) +
                                  "; use --backend epoll"),
                system_code(ENOSYS));
  }
  if (choice == backend_choice::automatic && fell_back != nullptr) *fell_back = no_io_uring;
  return detail::make_epoll_backend();
}

std::vector<backend_facts> look_at_backends() {
  std::vector<backend_facts> all{{"epoll", {}}};
  try {
    detail::make_epoll_backend();
  } catch (const error& e) {
    all[0].trouble = e.what();
  }
  return all;
}

}  // namespace cetane

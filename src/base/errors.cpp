#include <cetane/base/errors.hpp>

#include <cetane/base/text.hpp>

#include <fmt/format.h>

#include <netdb.h>

// Every class here has its destructor in this file: that makes it the key function, so that the
// type information lives once, in the library, and a program's catch clause knows what the library
// throws.

namespace cetane {
namespace {

class own_category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "cetane"; }

  std::string message(int code) const override {
    switch (static_cast<errc>(code)) {
      case errc::end_of_input:
        return "the peer closed the connection";
      case errc::closed_here:
        return "the connection was closed on this side";
      case errc::timed_out:
        return "timed out";
      case errc::message_too_long:
        return "message too long";
      case errc::queue_closed:
        return "the queue is closed";
      case errc::fell_behind:
        return "too many messages wait";
    }
    return fmt::format("unknown code {}", code);
  }

  std::error_condition default_error_condition(int code) const noexcept override {
    switch (static_cast<errc>(code)) {
      case errc::timed_out:
        return std::errc::timed_out;
      case errc::message_too_long:
        return std::errc::message_size;
      default:
        return {code, *this};
    }
  }
};

class getaddrinfo_category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "getaddrinfo"; }
  std::string message(int code) const override { return ::gai_strerror(code); }
};

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }

std::error_code resolve_code(int code, int errno_number) {
  if (code == EAI_SYSTEM && errno_number != 0) return system_code(errno_number);
  return {code, resolve_category()};
}

std::string closed_text(std::string_view tried, std::string_view peer, std::size_t leftover_bytes,
                        std::error_code why) {
  std::string text = fmt::format("{} {}: {}", tried, peer, reason_text(why));
  if (leftover_bytes > 0) text += fmt::format(" ({} bytes left unread)", leftover_bytes);
  return text;
}

std::string connect_timeout_text(std::string_view tried, duration limit, std::string_view so_far) {
  std::string text = fmt::format("{}: no connection within {}", tried, duration_text(limit));
  if (!so_far.empty()) text += fmt::format(" ({})", so_far);
  return text;
}

}  // namespace

// Both are never destroyed: an exception may be looked at while the program's static objects go.
const std::error_category& cetane_category() noexcept {
  static const auto& category = *new own_category;
  return category;
}

const std::error_category& resolve_category() noexcept {
  static const auto& category = *new getaddrinfo_category;
  return category;
}

std::string reason_text(std::error_code why) {
  std::string text = why.message();
  // "Connection refused" goes on a sentence; "RFS specific error" keeps its letters.
  if (text.size() > 1 && is_upper(text[0]) && is_lower(text[1])) text[0] += 'a' - 'A';
  return text;
}

error::error(std::string_view tried, std::error_code why)
    : error(whole_text(fmt::format("{}: {}", tried, reason_text(why))), why) {}

error::error(const whole_text& message, std::error_code why)
    : std::system_error(why), text_(message.text) {}

error::~error() = default;

const char* error::what() const noexcept { return text_.what(); }

connection_error::~connection_error() = default;

connection_closed::connection_closed(std::string_view tried, std::string peer, std::string leftover,
                                     std::error_code why)
    : connection_error(whole_text(closed_text(tried, peer, leftover.size(), why)), why),
      details_(std::make_shared<details>(details{std::move(peer), std::move(leftover)})) {}

connection_closed::~connection_closed() = default;

connect_error::~connect_error() = default;

connect_timeout::connect_timeout(std::string_view tried, duration limit, std::string_view so_far)
    : connect_error(whole_text(connect_timeout_text(tried, limit, so_far)), errc::timed_out) {}

connect_timeout::~connect_timeout() = default;

resolve_error::resolve_error(std::string_view host, int code, int errno_number)
    : connection_error(fmt::format("resolve {}", escape(host)), resolve_code(code, errno_number)) {}

resolve_error::~resolve_error() = default;

tls_error::~tls_error() = default;

timed_out::timed_out(std::string_view what, duration limit)
    : error(whole_text(fmt::format("{}: not done within {}", what, duration_text(limit))),
            errc::timed_out) {}

timed_out::timed_out(std::string_view what)
    : error(whole_text(fmt::format("{}: not done by its deadline", what)), errc::timed_out) {}

timed_out::~timed_out() = default;

message_too_long::message_too_long(std::string_view what, std::size_t limit_bytes,
                                   std::string_view cure)
    : error(whole_text(fmt::format("{}: longer than the limit of {} bytes; raise it with {}", what,
                                   limit_bytes, cure)),
            errc::message_too_long),
      limit_bytes_(limit_bytes) {}

message_too_long::message_too_long(const whole_text& message, std::size_t limit_bytes)
    : error(message, errc::message_too_long), limit_bytes_(limit_bytes) {}

message_too_long::~message_too_long() = default;

queue_closed::queue_closed(std::string_view tried) : error(tried, errc::queue_closed) {}

queue_closed::~queue_closed() = default;

fell_behind::fell_behind(std::string_view who, std::size_t limit)
    : error(whole_text(fmt::format("{}: fell more than {} messages behind", who, limit)),
            errc::fell_behind) {}

fell_behind::~fell_behind() = default;

connection_busy::connection_busy(std::string_view tried, std::string_view role)
    : std::logic_error(fmt::format("{}: the connection has a {} already; "
                                   "let it finish first, or let one task do both",
                                   tried, role)) {}

connection_busy::~connection_busy() = default;

client_busy::client_busy(std::string_view tried, std::string_view under_way)
    : std::logic_error(fmt::format("{}: its client is busy with \"{}\"; await that first, or let "
                                   "each task have a client of its own, from a connection_pool",
                                   tried, under_way)) {}

client_busy::~client_busy() = default;

const char* to_string(cancel_reason reason) noexcept {
  switch (reason) {
    case cancel_reason::none:
      return "none";
    case cancel_reason::user:
      return "user";
    case cancel_reason::timeout:
      return "timeout";
    case cancel_reason::sibling:
      return "sibling";
    case cancel_reason::parent:
      return "parent";
    case cancel_reason::shutdown:
      return "shutdown";
  }
  return "unknown";
}

const char* cancelled::what() const noexcept {
  switch (reason) {
    case cancel_reason::none:
      return "cancelled";
    case cancel_reason::user:
      return "cancelled by the program";
    case cancel_reason::timeout:
      return "cancelled: its deadline passed";
    case cancel_reason::sibling:
      return "cancelled: another task of its group ended first";
    case cancel_reason::parent:
      return "cancelled: its parent ended";
    case cancel_reason::shutdown:
      return "cancelled: the application stops";
  }
  return "cancelled";
}

}  // namespace cetane

// What a Unix socket carries besides bytes: who is at the other end, and descriptors.
//
// The kernel keeps descriptors with the bytes that they were sent with: they come with the first of
// these, and a read ends behind what was left of them, but not before (unix(7); the kernel's
// unix_stream_read_generic()). So descriptors come in the order of their messages, and are here
// when the first byte of theirs is. Where that byte is, among those that came in the same read,
// nobody can tell. Therefore they stand in a line of their own (`passed` of the extras), from which
// a handler takes as many as the message that it has read speaks of. While some stand there, no
// more is read ahead: of a peer that is slow to be served there is never more than one message too
// many here, however many it has sent.
//
// Whether a stream takes descriptors is decided before its first read, since a read that does not
// ask for them has them closed by the kernel. It is so by default.
#include <net/stream.hpp>
#include <net/stream_extras.hpp>
#include <os/passed_descriptors.hpp>

#include <cetane/base/errors.hpp>

#include <fmt/format.h>

#include <cassert>
#include <cerrno>
#include <new>
#include <stdexcept>
#include <utility>

namespace cetane::detail {

void stream::begin_passing() {
  if (io().simulated()) return;
  extras().passed = std::make_unique<kept_descriptors>(io());
  os::expect_descriptors_only(descriptor);
  type = kind::passing;
}

// From now on the kernel closes what comes.
void stream::end_passing() noexcept {
  if (type != kind::passing) return;
  type = kind::stream;
  extras_->passed.reset();
}

std::size_t stream::held_descriptors() const noexcept {
  return type == kind::passing ? extras_->passed->count() : 0;
}

std::size_t stream::descriptor_room() const noexcept {
  const std::size_t held = held_descriptors();
  return held < limits_->passed_descriptors ? limits_->passed_descriptors - held : 0;
}

// A message of which descriptors are missing is worse than none.
bool stream::on_descriptors(std::span<const int> descriptors, bool cut) noexcept {
  assert(type == kind::passing);
  int error = cut ? why_cut(descriptors.size()) : 0;
  if (error == 0) {
    try {
      extras_->passed->add(descriptors);
      return true;
    } catch (const std::bad_alloc&) {
      error = ENOMEM;
    }
  }
  for (const int each : descriptors) io().close(each, false);
  end_input(error);
  return false;
}

// There was no room for more, or the process has as many as it may.
int stream::why_cut(std::size_t came) noexcept {
  if (came < descriptor_room()) return EMFILE;
  try {
    note_reason(
        fmt::format("the peer has sent more descriptors than may wait to be taken, which "
                    "is {} (connection_limits::passed_descriptors)",
                    limits_->passed_descriptors));
  } catch (const std::bad_alloc&) {
    // the error without the reason
  }
  return EMSGSIZE;
}

std::vector<unique_fd> stream::take_descriptors(std::size_t count) {
  if (phase_ != phase::open) throw_closed("take descriptors from");
  if (count > held_descriptors()) throw_too_few(count);
  if (count == 0) return {};
  std::vector<unique_fd> taken = extras_->passed->give(count);
  update_reading();
  return taken;
}

void stream::throw_too_few(std::size_t wanted) {
  const std::string tried = fmt::format("take {} descriptors from {}", wanted, peer_text());
  if (io().simulated())
    throw std::logic_error(tried + ": a simulated network has no descriptors of the system's");
  if (!remote().is_unix()) throw std::logic_error(tried + ": only Unix sockets carry descriptors");
  if (filter() != nullptr) throw std::logic_error(tried + ": TLS carries no descriptors");
  if (type != kind::passing) {
    throw std::logic_error(tried +
                           ": it takes none; set connection_limits::passed_descriptors, with "
                           "service::limits() or connect_unix(...).limits()");
  }
  throw error(
      error::whole_text(fmt::format("{}: {} came with what was read", tried, held_descriptors())),
      system_code(EBADMSG));
}

output_goal stream::queue_descriptors(std::span<const int> descriptors, std::string_view bytes) {
  const auto tried = [&] { return "send descriptors to " + peer_text(); };
  if (io().simulated())
    throw std::logic_error(tried() + ": a simulated network has no descriptors of the system's");
  if (!remote().is_unix())
    throw std::logic_error(tried() + ": only Unix sockets carry descriptors");
  if (filter() != nullptr) throw std::logic_error(tried() + ": TLS carries no descriptors");
  if (bytes.empty())
    throw std::invalid_argument(tried() + ": they need a byte, at least, to go with");
  if (descriptors.size() > most_passed_descriptors) {
    throw std::invalid_argument(fmt::format("{}: {} at once, and the system takes {}", tried(),
                                            descriptors.size(), most_passed_descriptors));
  }
  auto along = std::make_unique<kept_descriptors>(io());
  if (const int failed = along->add_duplicates(descriptors); failed < 0)
    throw error(tried(), system_code(failed));
  if (!takes_output()) return output_goal::too_late;
  unstage_into_queue();
  take_stage();
  output().push_with(std::move(along), bytes, usual_priority);
  loop_.counters().bytes_queued += bytes.size();
  return output_goal::empty;
}

ssize_t stream::write_with(const iovec& part, std::span<const int> descriptors) noexcept {
  const std::string_view bytes(static_cast<const char*>(part.iov_base), part.iov_len);
  const ssize_t result = io().write_with(*this, bytes, descriptors);
  if (result > 0) output_->drop_descriptors();
  return result;
}

peer_credentials stream::credentials() {
  const std::string tried = "ask who is at the other end of";
  peer_credentials found;
  if (phase_ == phase::closed) throw_closed(tried);
  const int failed = io().ask_peer_credentials(descriptor, found);
  if (failed == -EOPNOTSUPP)
    throw std::logic_error(tried + " " + peer_text() + ": only Unix sockets tell");
  if (failed < 0) throw error(tried + " " + peer_text(), system_code(failed));
  return found;
}

}  // namespace cetane::detail

#include <app/master_link.hpp>

#include <app/prefork_master.hpp>

#include <cetane/base/errors.hpp>

#include <cerrno>
#include <utility>

#include <sys/socket.h>

namespace cetane::detail {

master_link::~master_link() { detach(); }

void master_link::attach(event_loop& loop, std::function<void(news)> on_news) {
  descriptor = link_.get();
  if (const int failed = loop.io().watch(*this); failed < 0)
    throw error("watch the link to the master", system_code(failed));
  loop_ = &loop;
  on_news_ = std::move(on_news);
  // A master that has ended is news to come. One that lives must not wait for ever.
  if (const int failed = say(worker_word::ready); failed < 0 && failed != -EPIPE)
    throw error("tell the master that this worker serves", system_code(failed));
}

void master_link::detach() noexcept {
  if (loop_ == nullptr) return;
  loop_->io().unwatch(*this);
  loop_ = nullptr;
}

int master_link::say(char word) noexcept {
  ssize_t sent = 0;
  do {
    sent = ::send(link_.get(), &word, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (sent < 0 && errno == EINTR);
  return sent < 0 ? -errno : 0;
}

void master_link::on_ready() noexcept {
  char words[16];
  for (;;) {
    const ssize_t count = ::recv(link_.get(), words, sizeof words, MSG_DONTWAIT);
    if (count == 0) return on_news_(news::master_ended);
    // A master that has not read our word when it is killed resets the link; the end comes after.
    if (count < 0 && errno == ECONNRESET) continue;
    if (count < 0) return;
    for (ssize_t i = 0; i < count; ++i) {
      if (words[i] == worker_word::go) on_news_(news::go);
    }
  }
}

}  // namespace cetane::detail

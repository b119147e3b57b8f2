#include <cetane/net/connect.hpp>

#include <net/connect_race.hpp>
#include <net/stream.hpp>
#include <runtime/backend.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/base/text.hpp>
#include <cetane/conc/sleep.hpp>
#include <cetane/conc/timeout.hpp>
#include <cetane/net/resolve.hpp>
#include <cetane/runtime/this_task.hpp>

#include <cerrno>
#include <memory>
#include <stdexcept>
#include <utility>

namespace cetane {
namespace {

constexpr duration full_backlog_pause = std::chrono::milliseconds(10);

task<> hold(detail::connect_race& race) {
  race.begin_next();
  while (!race.over()) {
    co_await race.change();
    race.begin_next();
  }
}

// Too many wait to be accepted; for TCP the system waits by itself.
bool is_busy_unix_socket(const detail::connect_race& race, const std::vector<address>& choices) {
  return race.winner() == nullptr && choices.front().is_unix() &&
         race.first_failure() == std::errc::resource_unavailable_try_again;
}

connection take_over(event_loop& loop, detail::connect_attempt& made,
                     const std::optional<connection_limits>& limits) {
  static const connection_limits usual;
  const address to = made.to();
  if (!to.is_unix()) loop.io().set_keepalive(made.descriptor);
  auto stream = std::make_unique<detail::stream>(loop, usual);
  if (limits) stream->set_limits(*limits);
  if (const int failed = stream->open(made.take(), to); failed < 0)
    throw connect_error("connect to " + to.to_string(), system_code(failed));
  return connection(*stream.release());
}

}  // namespace

/// What becomes of a connect_op that is awaited.
class connect_op::attempt {
 public:
  explicit attempt(connect_op& op) : op_(op), loop_(detail::this_loop("connect")) {}

  task<connection> run() {
    connection made = co_await reach();
    if (!op_.security_) co_return made;
    std::string name = expected_name();
    co_await op_.security_->connect(made, std::move(name));
    co_return made;
  }

  connect_timeout timeout() const {
    if (op_.security_ && race_ && race_->winner() != nullptr) {
      const std::string so_far =
          fmt::format("there was no agreement with {}", race_->winner()->to());
      return connect_timeout(tried() + " over TLS", op_.timeout_, so_far);
    }
    if (!is_name()) return connect_timeout(tried(), op_.timeout_);
    const std::string so_far = race_ ? race_->account() : "its name was not resolved";
    return connect_timeout(tried(), op_.timeout_, so_far);
  }

 private:
  task<connection> reach() {
    const std::vector<address> choices = co_await find();
    do {
      if (race_) co_await sleep(full_backlog_pause);
      race_.emplace(loop_, choices, op_.from_ ? &*op_.from_ : nullptr, op_.attempt_delay_);
      co_await hold(*race_);
    } while (is_busy_unix_socket(*race_, choices));
    if (race_->winner() == nullptr) throw failure();
    co_return take_over(loop_, *race_->winner(), op_.limits_);
  }

  task<std::vector<address>> find() {
    std::vector<address> found;
    if (op_.to_) {
      found.push_back(*op_.to_);
    } else {
      found = co_await resolve(op_.host_, op_.port_);
    }
    if (op_.from_) {
      std::erase_if(found, [&](const address& each) { return !is_alike(each, *op_.from_); });
    }
    if (found.empty()) throw no_address_like_ours();
    co_return detail::by_turns(std::move(found));
  }

  std::string expected_name() const {
    if (!op_.expected_.empty()) return op_.expected_;
    return op_.to_ && !op_.to_->is_unix() ? op_.to_->host() : op_.host_;
  }

  static bool is_alike(const address& one, const address& other) {
    return one.family() == other.family();
  }

  bool is_name() const { return !op_.to_ && !address::parse_ip(op_.host_, op_.port_); }

  std::string tried() const {
    if (op_.to_) return "connect to " + op_.to_->to_string();
    if (const auto ip = address::parse_ip(op_.host_, op_.port_))
      return "connect to " + ip->to_string();
    return fmt::format("connect to {}:{}", escape(op_.host_), op_.port_);
  }

  connect_error no_address_like_ours() const {
    return connect_error(
        fmt::format("{} from {}, to which no address of it belongs", tried(), op_.from_->host()),
        system_code(EAFNOSUPPORT));
  }

  connect_error failure() const {
    const std::error_code why = race_->first_failure();
    if (!is_name()) return connect_error(tried(), why);
    return connect_error(error::whole_text(tried() + ": " + race_->account()), why);
  }

  connect_op& op_;
  event_loop& loop_;
  std::optional<detail::connect_race> race_;
};

connect_op&& connect_op::from(const std::string& ip) && {
  const std::optional<address> source = address::parse_ip(ip, 0);
  if (!source) throw std::invalid_argument("connect from " + ip + ": this is no IP address");
  return std::move(*this).from(*source);
}

connect_op&& connect_op::attempt_delay(any_duration delay) && {
  const duration wanted = delay;
  if (wanted < shortest_attempt_delay || wanted > longest_attempt_delay)
    throw std::invalid_argument("connect: the next address is tried after 100 ms to 2 s");
  attempt_delay_ = wanted;
  return std::move(*this);
}

task<connection> connect_op::make(connect_op op) {
  attempt making(op);
  std::optional<connection> made = co_await move_on_after(op.timeout_, making.run());
  if (!made) throw making.timeout();
  co_return std::move(*made);
}

}  // namespace cetane

// The simulated backend: the event loop's system calls on a network in memory.
//
// A poll has three steps. First, if nothing has happened yet, the clock moves to the next thing
// that happens, or to `until`. Then all that is due happens inside the network, and sockets that it
// concerns are marked. Only then their owners are called, with the conditions that held before the
// first call: so, as with epoll, what an up-call closes may still stand in the batch, a socket may
// have several things to say at once, and what the up-calls cause waits for the next poll.
//
// One loop drives the simulation. Those of other hosts take their turns while it polls, and they
// poll without waiting: nothing but the network between them is common to them. The clock moves
// when none of them has anything to do.
//
// What it allocates is a kernel's memory: where allocations are made to fail, its own are spared,
// but not those of the program that it calls.
//
// While a call runs on another thread (begin_external), virtual time stands still and the poll
// waits for the call in real time, so that its end falls on the same virtual time in every run. A
// call that needs virtual time to end would wait for ever: after the options' patience the clock
// goes on.
#include <backend/sim_delivery.hpp>
#include <backend/sim_universe.hpp>
#include <backend/sim_writing.hpp>
#include <base/spared_memory.hpp>

#include <cetane/backend/sim.hpp>
#include <cetane/backend/sim_hosts.hpp>
#include <cetane/runtime/event_loop.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

namespace cetane::detail {
namespace {

class sim_backend final : public backend, public simulation {
 public:
  explicit sim_backend(const sim_options& options)
      : sim_backend(std::make_shared<sim_universe>(options)) {}
  sim_backend(const std::shared_ptr<sim_universe>& in, sim_host& on, simulated_turns& turns);
  ~sim_backend() override;

  std::string_view name() const noexcept override { return "sim"; }
  bool simulated() const noexcept override { return true; }
  time_point now() noexcept override { return engine_.now(); }
  bool poll(event_loop& loop, time_point until) override;
  void wake() noexcept override { universe_->alarm.ring(); }
  void begin_external() noexcept override;
  void end_external() noexcept override;
  void begin_call(event_loop& loop, const message& call) override;
  void end_call(const message& call) noexcept override;
  bool keep_answer(message& answer) noexcept override {
    const spared_memory network;
    return universe_->calls.keep(answer);
  }

  std::optional<name_answer> look_up(const std::string& name) override {
    const spared_memory network;
    return universe_->names.look_up(name);
  }
  int listen(const address& at, const listen_request& request, int& descriptor,
             address& bound) override {
    const spared_memory network;
    return network_.listen(host_, at, request, descriptor, bound);
  }
  int accept(poll_io& listener, int& descriptor, address& peer) override;
  int connect(const address& to, const address* from, int& descriptor) override {
    const spared_memory network;
    return network_.connect(host_, to, from, descriptor);
  }
  int connect_result(int descriptor) override;
  int local_address(int descriptor, address& out) override;
  int peer_address(int descriptor, address& out) override;
  int ask_peer_credentials(int descriptor, peer_credentials& out) override;
  int set_keepalive(int descriptor) override;
  int shutdown_write(stream_io& stream) override;
  std::size_t unsent_bytes(const stream_io& stream) override;
  void close(int descriptor, bool reset) noexcept override {
    const spared_memory network;
    if (network_.close(descriptor, reset) < 0) ++strangers_closed_;
  }
  std::string leftovers() const override;

  int watch(stream_io& stream, bool is_tcp) override;
  int watch(poll_io& object) override {
    const spared_memory network;
    return delivery_.watch(object);
  }
  int watch_once(poll_io&, bool) override { return -EOPNOTSUPP; }
  void unwatch(io_object& object) noexcept override { delivery_.unwatch(object); }
  void set_reading(stream_io& stream, bool on) noexcept override {
    const spared_memory network;
    delivery_.set_reading(stream, on);
  }
  ssize_t write(stream_io& stream, const iovec* parts, int count) noexcept override {
    const spared_memory network;
    return writing_.write(stream, parts, count);
  }
  ssize_t write_soon(stream_io& stream, std::string_view bytes) noexcept override {
    const spared_memory network;
    return writing_.write_soon(stream, bytes);
  }
  unsent send_taken(stream_io& stream) noexcept override {
    const spared_memory network;
    return writing_.send_taken(stream);
  }
  void flush() noexcept override {
    const spared_memory network;
    writing_.flush();
  }
  ssize_t send_file(stream_io&, int, off_t, std::size_t) noexcept override { return -EINVAL; }

  int open_datagram(const address& at, const datagram_request& request, int& descriptor,
                    address& bound) override {
    const spared_memory network;
    return network_.post().open(host_, at, request, descriptor, bound);
  }
  int watch(datagram_io& socket) override {
    const spared_memory network;
    return delivery_.watch(socket);
  }
  std::span<const arrived_datagram> receive(datagram_io& socket, std::size_t limit,
                                            std::size_t count) noexcept override {
    const spared_memory network;
    return network_.post().receive(socket, limit, count);
  }
  ssize_t send(datagram_io& socket, const address* to, const iovec* parts,
               int count) noexcept override {
    const spared_memory network;
    return network_.post().send(socket, to, parts, count);
  }
  int send_several(datagram_io& socket, const os::datagram_outbox& what,
                   std::size_t first) noexcept override {
    const spared_memory network;
    return network_.post().send_several(socket, what, first);
  }
  int take_failure(datagram_io& socket, datagram_failure& out) noexcept override {
    const spared_memory network;
    return network_.post().take_failure(socket, out);
  }
  int set_membership(int descriptor, const address& group, const address&, bool member) override {
    const spared_memory network;
    return network_.post().set_membership(descriptor, group, member);
  }
  int set_broadcast(int descriptor, bool allowed) override {
    return network_.post().set_broadcast(descriptor, allowed);
  }

  std::uint64_t seed() const noexcept override { return engine_.options.seed(); }
  time_point now() const noexcept override { return engine_.now(); }
  std::uint64_t trace_hash() const noexcept override { return engine_.trace.hash(); }
  std::string log_tail(std::size_t lines) const override { return engine_.trace.tail(lines); }
  std::size_t open_descriptors() const noexcept override { return network_.open_descriptors(); }
  std::uint64_t faults_met(fault_kind kind) const noexcept override {
    return engine_.faults.met(kind);
  }
  std::uint64_t faults_met() const noexcept override { return engine_.faults.met(); }
  std::uint64_t io_operations() const noexcept override { return engine_.io_operations; }
  void behave_as(const sim_options& wanted) override;
  simulated_names& names() noexcept override { return universe_->names; }
  simulated_host& add_host(std::string name) override {
    return universe_->hosts.add(std::move(name));
  }
  simulated_host& own_host() noexcept override { return universe_->hosts.first(); }
  void cut(simulated_host& from, simulated_host& to, duration how_long) override {
    network_.cut(static_cast<sim_host&>(from), static_cast<sim_host&>(to), how_long);
  }
  void mend(simulated_host& from, simulated_host& to) override {
    network_.mend(static_cast<sim_host&>(from), static_cast<sim_host&>(to));
  }
  void mend() override { network_.mend(); }
  void calls_take(any_duration shortest, any_duration longest) override {
    universe_->calls.take(shortest, longest);
  }
  void rest(simulated_rest& who) override { universe_->rests.add(who); }
  std::size_t under_way() const noexcept override;
  std::size_t bytes_in_flight() override { return network_.bytes_in_flight(); }
  void cut_power(simulated_host& of) noexcept override {
    network_.cut_power(static_cast<sim_host&>(of));
  }
  std::unique_ptr<backend> make_backend(simulated_host& on, simulated_turns& turns) override {
    return std::make_unique<sim_backend>(universe_, static_cast<sim_host&>(on), turns);
  }

 private:
  explicit sim_backend(const std::shared_ptr<sim_universe>& in);

  bool busy() const;
  void wait(event_loop& loop, time_point until);
  bool is_called(bool patient);
  void tell_answers();
  bool wakes_for_nothing(time_point next);
  void shuffle_turns(event_loop& loop);
  [[noreturn]] void report_stuck(event_loop& loop) const;

  std::shared_ptr<sim_universe> universe_;
  sim_engine& engine_;
  sim_network& network_;
  sim_host& host_;
  simulated_turns* turns_ = nullptr;  // null: this one drives the simulation
  sim_delivery delivery_;
  sim_writing writing_;
  sim_grace wake_ups_;
  std::size_t strangers_closed_ = 0;  // numbers that were not open
};

sim_backend::sim_backend(const std::shared_ptr<sim_universe>& in)
    : universe_(in),
      engine_(in->engine),
      network_(in->network),
      host_(in->hosts.first()),
      delivery_(engine_, network_, host_),
      writing_(engine_, network_, delivery_) {}

sim_backend::sim_backend(const std::shared_ptr<sim_universe>& in, sim_host& on,
                         simulated_turns& turns)
    : universe_(in),
      engine_(in->engine),
      network_(in->network),
      host_(on),
      turns_(&turns),
      delivery_(engine_, network_, host_),
      writing_(engine_, network_, delivery_) {
  host_.up = true;
  engine_.note("{} starts", host_.title());
  universe_->turns.add(turns, delivery_);
}

sim_backend::~sim_backend() {
  if (turns_ != nullptr) universe_->turns.remove(*turns_);
}

bool sim_backend::poll(event_loop& loop, time_point until) {
  const spared_memory network;
  loop.watch_turns(&universe_->task_log);
  if (writing_.send_late()) until = time_point::min();
  if (turns_ == nullptr) {
    if (!busy()) wait(loop, until);
    engine_.schedule.run_due();
    tell_answers();
    universe_->turns.take(engine_);
  }
  delivery_.deliver(loop);
  shuffle_turns(loop);
  return true;  // a look costs nothing here
}

// A host that is still to be told something counts, too.
std::size_t sim_backend::under_way() const noexcept {
  std::size_t count = engine_.schedule.count_under_way() + universe_->calls.count();
  universe_->hosts.for_each([&](const sim_host& each) { count += each.any_marked() ? 1 : 0; });
  return count;
}

bool sim_backend::busy() const {
  const time_point now = engine_.now();
  return delivery_.pending() || engine_.schedule.next() <= now || universe_->turns.due() <= now;
}

void sim_backend::wait(event_loop& loop, time_point until) {
  if (until <= engine_.now() || universe_->alarm.take()) return;
  sim_calls& calls = universe_->calls;
  const time_point planned =
      std::min({until, engine_.schedule.next(), universe_->turns.due(), universe_->rests.next()});
  if (is_called(planned == never && calls.next_due() == never)) return;
  if (calls.next_due() <= engine_.now()) return calls.tell(engine_.now());
  const time_point next = std::min(planned, calls.next_due());
  if (next == never) report_stuck(loop);
  if (universe_->rests.wake_first(engine_.now())) return;
  if (!wakes_for_nothing(next)) engine_.schedule.advance(next);
}

// As an interrupted epoll_wait() does.
bool sim_backend::wakes_for_nothing(time_point next) {
  if (!wake_ups_.strikes(engine_, fault_kind::storms)) return false;
  const duration most = next - engine_.now();
  engine_.meet(fault_kind::storms, "the wait is interrupted");
  engine_.schedule.advance(engine_.now() +
                           engine_.faults.dice(fault_kind::storms).roll(duration::zero(), most));
  return true;
}

// Passes end early, too, so that tasks of which one wakes another have their turns in any order.
void sim_backend::shuffle_turns(event_loop& loop) {
  if (!engine_.wants(fault_kind::shuffled_turns)) {
    return loop.set_turns_per_pass(event_loop::resumes_per_pass);
  }
  sim_dice& dice = engine_.faults.dice(fault_kind::shuffled_turns);
  loop.set_turns_per_pass(
      1 + static_cast<unsigned>(dice.roll_magnitude(event_loop::resumes_per_pass - 1)));
  const std::size_t moved =
      loop.shuffle_ready([this](auto& tasks) { return engine_.shuffle(tasks); });
  if (moved > 0) engine_.meet(fault_kind::shuffled_turns, "{} tasks", moved);
}

// Waits for the calls that run, in real time: true when another thread has woken a loop meanwhile.
bool sim_backend::is_called(bool patient) {
  while (universe_->external_calls > 0 || universe_->calls.running()) {
    if (!patient && universe_->out_of_patience) return false;
    const sim_alarm::news what =
        patient ? universe_->alarm.wait() : universe_->alarm.wait_for(engine_.options.patience());
    if (what == sim_alarm::news::ring) return true;
    if (what == sim_alarm::news::none) universe_->out_of_patience = true;
  }
  return false;
}

// Who keeps a loop busy until an answer comes gets it, too: after so many polls, in every run.
void sim_backend::tell_answers() {
  constexpr unsigned most_busy_polls = 100;
  if (!universe_->calls.any_due(engine_.now())) {
    universe_->busy_polls = 0;
  } else if (++universe_->busy_polls > most_busy_polls) {
    universe_->busy_polls = 0;
    bool& out_of_patience = universe_->out_of_patience;
    while (universe_->calls.running() && !out_of_patience) {
      const sim_alarm::news what = universe_->alarm.wait_for(engine_.options.patience());
      out_of_patience = what == sim_alarm::news::none;
    }
    universe_->calls.tell(engine_.now());
  }
}

void sim_backend::begin_external() noexcept {
  ++universe_->external_calls;
  universe_->out_of_patience = false;
}

void sim_backend::end_external() noexcept {
  --universe_->external_calls;
  universe_->out_of_patience = false;
}

void sim_backend::begin_call(event_loop& loop, const message& call) {
  const spared_memory network;
  universe_->calls.begin(loop, call, engine_.now());
  universe_->out_of_patience = false;
}

void sim_backend::end_call(const message& call) noexcept {
  const spared_memory network;
  universe_->calls.forget(call);
  universe_->out_of_patience = false;
}

void sim_backend::report_stuck(event_loop& loop) const {
  const std::int64_t ns = engine_.now().time_since_epoch().count();
  throw simulation_stuck(
      fmt::format("the simulation is stuck at {}.{:09} s: nothing is under way, no deadline is "
                  "set, and no call on another thread could wake the loop (seed {})\n{}{}",
                  ns / 1'000'000'000, ns % 1'000'000'000, seed(), loop.dump_tasks(),
                  universe_->turns.dump_tasks()));
}

// The seed is kept, since all dice have been made from it, and so is the log that was begun.
void sim_backend::behave_as(const sim_options& wanted) {
  const spared_memory network;
  engine_.options = sim_options(wanted)
                        .set_seed(engine_.options.seed())
                        .set_log_limit(engine_.options.log_limit());
  universe_->release();
  network_.draw_breaking();
  const duration end = wanted.window_end();
  const duration since_start = engine_.now() - simulation_start;
  if (end == duration::max() || end <= since_start) return;
  engine_.schedule.at(simulation_start + end, [all = universe_.get(), number = ++universe_->ways] {
    if (number == all->ways) all->release();
  });
}

std::string sim_backend::leftovers() const {
  const std::size_t open = network_.open_descriptors(host_);
  if (open == 0 && strangers_closed_ == 0) return {};
  return fmt::format("{} sockets are open, {} were closed that were not open", open,
                     strangers_closed_);
}

int sim_backend::accept(poll_io& listener, int& descriptor, address& peer) {
  const spared_memory network;
  const int result = network_.accept(listener.descriptor, descriptor, peer);
  if (result == -EAGAIN) listener.readable = false;
  return result;
}

int sim_backend::connect_result(int descriptor) {
  const spared_memory network;
  const auto stream = network_.find_stream(descriptor);
  return stream == nullptr ? -EBADF : -stream->take_error();
}

int sim_backend::local_address(int descriptor, address& out) {
  const spared_memory network;
  const auto socket = network_.find(descriptor);
  if (socket == nullptr) return -EBADF;
  out = socket->local;
  return 0;
}

int sim_backend::peer_address(int descriptor, address& out) {
  const spared_memory network;
  const auto socket = network_.find(descriptor);
  if (socket == nullptr) return -EBADF;
  const auto stream = network_.find_stream(descriptor);
  return stream == nullptr ? -ENOTCONN : stream->remote_address(out);
}

// Both ends of a Unix socket are on one machine.
int sim_backend::ask_peer_credentials(int descriptor, peer_credentials& out) {
  const spared_memory network;
  const auto socket = network_.find_stream(descriptor);
  if (socket == nullptr) return -EBADF;
  address remote;
  const bool is_unix =
      socket->local.is_unix() || (socket->remote_address(remote) == 0 && remote.is_unix());
  if (!is_unix) return -EOPNOTSUPP;
  out = host_.credentials;
  return 0;
}

int sim_backend::set_keepalive(int descriptor) {
  const spared_memory network;
  return network_.keep_alive(descriptor);
}

int sim_backend::shutdown_write(stream_io& stream) {
  const spared_memory network;
  const auto socket = network_.find_stream(stream.descriptor);
  return socket == nullptr ? -EBADF : socket->end_output();
}

std::size_t sim_backend::unsent_bytes(const stream_io& stream) {
  const spared_memory network;
  const auto socket = network_.find_stream(stream.descriptor);
  return socket == nullptr ? 0 : socket->unacknowledged();
}

int sim_backend::watch(stream_io& stream, bool is_tcp) {
  const spared_memory network;
  stream.is_tcp = is_tcp;
  stream.readable = false;
  stream.writable = true;
  stream.unread_noted = false;  // a note from an earlier watch is out of date
  return delivery_.watch(stream);
}

}  // namespace
}  // namespace cetane::detail

namespace cetane {

std::unique_ptr<detail::backend> make_sim_backend(const sim_options& options) {
  return std::make_unique<detail::sim_backend>(options);
}

simulation& simulation::of(event_loop& loop) {
  auto* const found = dynamic_cast<simulation*>(&loop.io());
  if (found == nullptr) {
    throw std::logic_error("this loop runs on a real network; make it with make_sim_backend()");
  }
  return *found;
}

}  // namespace cetane

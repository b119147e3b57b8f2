// One loop accepts, and hands connections over to others. A twin of the service on each of those
// serves them and tells, in the mailbox of the first, how many are over.
#include <app/loop_runner.hpp>

#include <app/service_core.hpp>

#include <new>

namespace cetane::detail {

class loop_runner final : public connection_runner {
 public:
  loop_runner(service_core& of, const std::vector<loop_place>& others)
      : service_(of), self_(std::make_shared<loop_runner_line::end>(loop_ref(of.loop()), this)) {
    for (const loop_place& each : others) places_.emplace_back(each);
  }
  ~loop_runner() override {
    self_->runner = nullptr;
    forget(elsewhere_);
  }

  void serve(unique_fd socket, const address& peer) override;
  std::size_t running() const noexcept override { return elsewhere_; }
  // Each loop has a stop of its own, which does that.
  void tell(stop_step) noexcept override {}

  void settled(std::size_t at, std::uint64_t count) noexcept {
    place& where = places_[at];
    const auto over = static_cast<std::size_t>(count - std::exchange(where.settled, count));
    elsewhere_ -= over;
    forget(over);
  }

 private:
  struct place : loop_place {
    explicit place(const loop_place& at) : loop_place(at) {}
    std::uint64_t open() const noexcept { return handed_over - settled; }

    std::uint64_t handed_over = 0;
    std::uint64_t settled = 0;
  };

  // The end of a service may follow from that of its last connection.
  void forget(std::size_t count) noexcept {
    service_core& service = service_;
    while (count-- != 0) service.outsider_ends();
  }

  place* lightest() noexcept;

  service_core& service_;
  const std::shared_ptr<loop_runner_line::end> self_;
  std::vector<place> places_;
  std::size_t elsewhere_ = 0;
};

namespace {

class handed_over final : public message {
 public:
  handed_over(service_core& to, loop_runner_line from, unique_fd socket, const address& peer)
      : to_(to), from_(std::move(from)), socket_(std::move(socket)), peer_(peer) {}
  void deliver() override { to_.serve_handed_over(std::move(from_), std::move(socket_), peer_); }

 private:
  service_core& to_;
  loop_runner_line from_;
  unique_fd socket_;
  const address peer_;
};

class settled_report final : public message {
 public:
  settled_report(std::shared_ptr<loop_runner_line::end> to, std::size_t place, std::uint64_t count)
      : to_(std::move(to)), place_(place), count_(count) {}
  void deliver() override {
    if (to_->runner != nullptr) to_->runner->settled(place_, count_);
  }

 private:
  const std::shared_ptr<loop_runner_line::end> to_;
  const std::size_t place_;
  const std::uint64_t count_;
};

}  // namespace

void loop_runner_line::settled(std::uint64_t count) noexcept {
  try {
    to_->loop.door().send_answer(std::make_unique<settled_report>(to_, place_, count));
  } catch (const std::bad_alloc&) {
    // the next one tells it too
  }
}

// Null: this one. It has the accepting to do besides, so others come first.
loop_runner::place* loop_runner::lightest() noexcept {
  place* best = nullptr;
  std::uint64_t least = service_.connections() - elsewhere_ + 1;
  for (place& each : places_) {
    if (each.open() >= least || each.loop.ended()) continue;
    best = &each;
    least = each.open();
  }
  return best;
}

// However many wait there: all of them together are no more than the service's limit.
void loop_runner::serve(unique_fd socket, const address& peer) {
  place* const to = lightest();
  if (to == nullptr) return service_.serve_here(std::move(socket), peer);
  const loop_runner_line line(self_, static_cast<std::size_t>(to - places_.data()));
  auto message = std::make_unique<handed_over>(*to->twin, line, std::move(socket), peer);
  if (!to->loop.door().send_answer(std::move(message))) return;  // it has just ended
  ++to->handed_over;
  ++elsewhere_;
  service_.outsider_begins();
}

std::unique_ptr<connection_runner> make_loop_runner(service_core& of,
                                                    const std::vector<loop_place>& others) {
  return std::make_unique<loop_runner>(of, others);
}

}  // namespace cetane::detail

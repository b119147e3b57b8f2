#include "backend/sim_breaking.hpp"

#include <backend/sim_connection.hpp>

#include <cetane/base/literals.hpp>

#include <chrono>
#include <memory>

namespace cetane::detail {
namespace {

constexpr std::size_t most_bytes = 64_KiB;
constexpr duration longest_life = std::chrono::seconds(10);

}  // namespace

void sim_breaking::draw() {
  ++draws_;
  bytes_left_.reset();
  if (!engine_.strikes(fault_kind::resets)) return;
  sim_dice& dice = engine_.faults.dice(fault_kind::resets);
  if (dice.chance(0.5)) {
    bytes_left_ = dice.roll_magnitude(most_bytes);
    if (*bytes_left_ == 0) break_now();
    return;
  }
  const auto life = static_cast<std::uint64_t>(longest_life.count());
  const duration left(static_cast<duration::rep>(dice.roll_magnitude(life)));
  engine_.schedule.at(engine_.now() + left, [home = home_.weak_from_this(), number = draws_] {
    const std::shared_ptr<sim_connection> still_there = home.lock();
    if (still_there == nullptr) return;
    sim_breaking& self = still_there->breaking;
    if (self.draws_ == number) self.break_now();
  });
}

void sim_breaking::note_sent(std::size_t bytes) {
  if (!bytes_left_) return;
  *bytes_left_ -= bytes;
  if (*bytes_left_ == 0) break_now();
}

void sim_breaking::break_now() {
  bytes_left_.reset();
  if (!engine_.wants(fault_kind::resets)) return;
  const auto client = home_.client(), server = home_.server();
  if (!client->alive() && !server->alive()) return;
  engine_.meet(fault_kind::resets, "#{} breaks", home_.number);
  sim_dice& dice = engine_.faults.dice(fault_kind::resets);
  client->break_off(dice.chance(0.5));
  server->break_off(dice.chance(0.5));
}

}  // namespace cetane::detail

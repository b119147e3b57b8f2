#pragma once

#include <backend/sim_engine.hpp>
#include <backend/sim_hosts.hpp>
#include <runtime/backend.hpp>

#include <cetane/backend/sim_names.hpp>

#include <map>
#include <set>
#include <string>
#include <vector>

namespace cetane::detail {

/// The name server of a simulated network. What it said is remembered by who asked.
class sim_names final : public simulated_names {
 public:
  sim_names(sim_engine& engine, const sim_hosts& hosts);

  name_answer look_up(const std::string& name);

  void set(std::string name, std::vector<address> addresses) override;
  void take(any_duration shortest, any_duration longest) override;
  void fail(double share) override;
  void fail(std::string name) override;
  void heal() noexcept override;

 private:
  std::vector<address> find(const std::string& name) const;
  name_answer ask(const std::string& name);

  sim_engine& engine_;
  const sim_hosts& hosts_;
  sim_dice times_;
  sim_dice failures_;
  std::map<std::string, std::vector<address>> told_;
  std::set<std::string> failing_;
  duration shortest_ = duration::zero();
  duration longest_ = duration::zero();
  double share_failing_ = 0;
};

}  // namespace cetane::detail

#pragma once

#include <backend/sim_engine.hpp>
#include <backend/sim_hosts.hpp>
#include <runtime/backend.hpp>

#include <cetane/backend/sim_names.hpp>

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace cetane::detail {

/// The name server of a simulated network, and what each host remembers of its answers.
class sim_names final : public simulated_names {
 public:
  sim_names(sim_engine& engine, const sim_hosts& hosts);

  name_answer look_up(const sim_host& asking, const std::string& name);
  /// A host forgets what it was told: its program has ended.
  void forget(const sim_host& host) noexcept;

  void set(std::string name, std::vector<address> addresses) override;
  void take(any_duration shortest, any_duration longest) override;
  void fail(double share) override;
  void fail(std::string name) override;
  void heal() noexcept override;

 private:
  struct remembered {
    std::vector<address> addresses;
    time_point begin;  // when the answer has come
    time_point end;
  };

  std::vector<address> find(const std::string& name) const;
  name_answer ask(const std::string& name);

  sim_engine& engine_;
  const sim_hosts& hosts_;
  sim_dice times_;
  sim_dice failures_;
  std::map<std::string, std::vector<address>> told_;
  std::set<std::string> failing_;
  std::map<std::pair<unsigned, std::string>, remembered> remembered_;  // by a host, by its number
  duration shortest_ = duration::zero();
  duration longest_ = duration::zero();
  double share_failing_ = 0;
};

}  // namespace cetane::detail

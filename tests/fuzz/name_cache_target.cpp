// Names and their addresses, against a list that is looked through from its end.
#include <fuzz/fuzz.hpp>

#include <net/name_cache.hpp>

#include <algorithm>

namespace cetane::fuzz::name_cache_target {

struct remembered {
  std::string name;
  std::vector<address> addresses;
  time_point end;
};

class plain_cache {
 public:
  plain_cache(std::size_t most, duration age) : most_(most), age_(age) {}

  const std::vector<address>* find(std::string_view name, time_point now) {
    std::erase_if(all_, [&](const remembered& each) { return each.end <= now; });
    for (const remembered& each : all_) {
      if (each.name == name) return &each.addresses;
    }
    return nullptr;
  }

  void keep(std::string_view name, const std::vector<address>& addresses, time_point now) {
    if (find(name, now) != nullptr) return;
    if (all_.size() == most_) all_.erase(all_.begin());
    all_.push_back({std::string(name), addresses, now + age_});
  }

  std::size_t size() const { return all_.size(); }

 private:
  std::size_t most_;
  duration age_;
  std::vector<remembered> all_;
};

std::vector<address> numbered(std::size_t number) {
  return {*address::parse_ip("192.0.2.1", static_cast<std::uint16_t>(number))};
}

const target here("name_cache", [](input in) {
  const std::size_t most = in.number(7) + 1;
  const duration age = std::chrono::seconds(in.number(60));
  detail::name_cache cache(most, age);
  plain_cache plain(most, age);
  time_point now{};
  for (std::size_t step = 0; !in.empty() && step < 1000; ++step) {
    const std::uint8_t what = in.byte();
    now += std::chrono::seconds(what >> 4U);
    const std::string_view name = in.line();
    if ((what & 1U) != 0) {
      cache.keep(name, numbered(step), now);
      plain.keep(name, numbered(step), now);
    }
    const auto* const found = cache.find(name, now);
    const auto* const wanted = plain.find(name, now);
    require_equal(found != nullptr, wanted != nullptr, "a name is known as long as it should be");
    if (found != nullptr) require(*found == *wanted, "a name has the addresses it was given");
    require_equal(cache.size(), plain.size(), "as many names are kept as should be");
    require(cache.size() <= most, "no more names than the limit");
  }
});

}  // namespace cetane::fuzz::name_cache_target

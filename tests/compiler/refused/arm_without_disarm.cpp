// says: a select_type derives from cetane::selectable and has poll, arm, disarm, commit and
#include <cetane/conc/selectable.hpp>
#include <cetane/coro/task.hpp>

#include <string>

class always {
 public:
  class select_type : public cetane::selectable {
   public:
    explicit select_type(const always&) {}
    bool poll() const noexcept { return true; }
    void arm() { wake(); }
#ifndef MISTAKE
    void disarm() noexcept {}
#endif
    void commit() {}
    std::string describe_wait() const { return "always"; }
  };
  cetane::sole_wait<select_type> operator co_await() const {
    return cetane::sole_wait<select_type>(*this);
  }
};

cetane::task<> waits() { co_await always(); }

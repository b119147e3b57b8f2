// Temporaries inside co_await expressions, as far as our rules allow them: see README.md.
#include "patterns.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace temporaries_test {

namespace {

const std::string long_text = "a text that is too long to be kept within a string object itself";

task<std::size_t> length(std::string text) {
  co_await yield();
  co_return text.size();
}
task<std::size_t> length_of(const std::string& text) {
  co_await yield();
  co_return text.size();
}
task<std::size_t> default_length(std::string text = long_text) {
  co_await yield();
  co_return text.size();
}
task<int> take(traced object) {
  co_await yield();
  co_return object.number();
}
task<int> look_at(const traced& object) {
  co_await yield();
  co_return object.number();
}
task<int> take_pointer(std::unique_ptr<traced> object) {
  co_await yield();
  co_return object->number();
}
task<int> take_shared(std::shared_ptr<traced> object) {
  co_await yield();
  co_return object->number();
}
task<int> take_optional(std::optional<traced> object) {
  co_await yield();
  co_return object ? object->number() : 0;
}
task<int> take_all(std::vector<traced> objects) {
  co_await yield();
  int sum = 0;
  for (const traced& each : objects) sum += each.number();
  co_return sum;
}
template <class... Parts>
task<int> take_parts(Parts... parts) {
  co_await yield();
  co_return (0 + ... + parts.number());
}
template <class... Parts>
task<int> look_at_parts(Parts&&... parts) {
  co_await yield();
  co_return (0 + ... + parts.number());
}
traced pass(traced object) { return object; }

// Options as the library writes them: with a constructor, set by words.
class options {
 public:
  explicit options(ledger& objects) : held_(objects, 1) {}
  options& name(std::string text) & {
    name_ = std::move(text);
    return *this;
  }
  options&& name(std::string text) && { return std::move(name(std::move(text))); }
  options with_size(int size) const {
    options copy(*this);
    copy.size_ = size;
    return copy;
  }
  task<std::size_t> use() const {
    co_await yield();
    co_return name_.size() + static_cast<std::size_t>(size_ + held_.number());
  }

 private:
  std::string name_;
  traced held_;
  int size_ = 0;
};

task<std::size_t> use_options(options given) { co_return co_await given.use(); }

}  // namespace

TEST_CASE("strings", "[compiler]") {
  run_pattern([](ledger&) -> task<> {
    const std::size_t size = long_text.size();
    equal(co_await length(std::string(100, 'x')), 100);
    equal(co_await length(long_text), size);
    equal(co_await length("a literal that is longer than what fits into a string"), 53);
    equal(co_await length(long_text + long_text), 2 * size);
    equal(co_await length_of(long_text + "!" + std::to_string(12)), size + 3);
    equal(co_await length_of(std::string(std::string_view(long_text).substr(1))), size - 1);
    equal(co_await default_length(), size);
#if !CETANE_TEST_GCC_12
    equal(co_await length(size > 0 ? long_text + "1" : std::string("no")), size + 1);
#endif
  });
}

TEST_CASE("objects with a constructor, by value and by reference", "[compiler]") {
  run_pattern([](ledger& objects) -> task<> {
    equal(co_await take(traced(objects, 1)), 1);
    equal(co_await look_at(traced(objects, 2)), 2);
    equal(co_await take(pass(traced(objects, 3))), 3);
    equal(co_await look_at(pass(pass(traced(objects, 4)))), 4);
    const traced named(objects, 5);
    equal(co_await take(named), 5);
    equal(co_await take(traced(named)), 5);
  });
}

TEST_CASE("objects in smart pointers and optionals", "[compiler]") {
  run_pattern([](ledger& objects) -> task<> {
    equal(co_await take_pointer(std::make_unique<traced>(objects, 1)), 1);
    equal(co_await take_shared(std::make_shared<traced>(objects, 2)), 2);
    equal(co_await take_optional(traced(objects, 3)), 3);
    equal(co_await take_optional(std::optional<traced>(std::in_place, objects, 4)), 4);
    equal(co_await take_optional(std::nullopt), 0);
  });
}

TEST_CASE("many arguments", "[compiler]") {
  run_pattern([](ledger& objects) -> task<> {
    equal(co_await take_parts(traced(objects, 1), traced(objects, 2), traced(objects, 4)), 7);
    equal(co_await look_at_parts(traced(objects, 1), traced(objects, 2), traced(objects, 4)), 7);
    const traced named(objects, 8);
    equal(co_await look_at_parts(traced(objects, 1), named, pass(named)), 17);
  });
}

TEST_CASE("a container that was built before", "[compiler]") {
  run_pattern([](ledger& objects) -> task<> {
    std::vector<traced> list;
    for (int n = 1; n <= 4; ++n) list.emplace_back(objects, n);
    equal(co_await take_all(list), 10);
    equal(co_await take_all(std::move(list)), 10);
  });
}

TEST_CASE("options set by words", "[compiler]") {
  run_pattern([](ledger& objects) -> task<> {
    const std::size_t size = long_text.size();
    equal(co_await use_options(options(objects)), 1);
    equal(co_await use_options(options(objects).name(long_text)), size + 1);
    equal(co_await use_options(options(objects).name(long_text).with_size(5)), size + 6);
    equal(co_await options(objects).name(long_text).with_size(7).use(), size + 8);
  });
}

TEST_CASE("a temporary that lives on while another operand is awaited", "[compiler]") {
  run_pattern([](ledger& objects) -> task<> {
    const std::string text =
        std::string("<") + std::to_string(co_await take(traced(objects, 1))) + ">";
    CHECK(text == "<1>");
    equal(pass(traced(objects, 2)).number() + co_await look_at(traced(objects, 3)), 5);
    equal(std::make_unique<traced>(objects, 4)->number() + co_await take(traced(objects, 5)), 9);
  });
}

}  // namespace temporaries_test

#include <cetane/base/intrusive_list.hpp>

#include <catch2/catch_test_macros.hpp>

#include <iterator>
#include <type_traits>
#include <vector>

namespace intrusive_list_test {

using cetane::intrusive_list;
using cetane::list_hook;

namespace {

struct by_age;

struct person : list_hook<>, list_hook<by_age> {
  explicit person(int number) : id(number) {}
  int id;
};

using people = intrusive_list<person>;
using people_by_age = intrusive_list<person, by_age>;

template <class List>
std::vector<int> ids(const List& list) {
  std::vector<int> result;
  for (const person& p : list) result.push_back(p.id);
  return result;
}

bool in_people(const person& p) { return p.list_hook<>::linked(); }

static_assert(!std::is_copy_constructible_v<people> && !std::is_move_constructible_v<people>);
static_assert(!std::is_copy_constructible_v<person> && !std::is_move_constructible_v<person>);
static_assert(std::bidirectional_iterator<people::iterator>);
static_assert(sizeof(list_hook<>) == 2 * sizeof(void*));

}  // namespace

TEST_CASE("a list keeps the order of its ends", "[base][intrusive_list]") {
  person one(1), two(2), three(3);
  people list;

  list.push_back(two);
  list.push_back(three);
  list.push_front(one);

  CHECK(ids(list) == std::vector{1, 2, 3});
  CHECK(list.front().id == 1);
  CHECK(list.back().id == 3);
}

TEST_CASE("pop_front gives the elements in order and then nothing", "[base][intrusive_list]") {
  person one(1), two(2);
  people list;
  list.push_back(one);
  list.push_back(two);

  CHECK(list.pop_front() == &one);
  CHECK_FALSE(in_people(one));
  CHECK(list.pop_front() == &two);
  CHECK(list.pop_front() == nullptr);
  CHECK(list.empty());
}

TEST_CASE("the first element moves to the end of another list", "[base][intrusive_list]") {
  person one(1), two(2), three(3);
  people list, other;
  list.push_back(one);
  list.push_back(two);
  other.push_back(three);

  CHECK(&list.move_front_to(other) == &one);
  CHECK(ids(list) == std::vector{2});
  CHECK(ids(other) == std::vector{3, 1});
  CHECK(&list.move_front_to(other) == &two);
  CHECK(list.empty());
  one.list_hook<>::unlink();
  CHECK(ids(other) == std::vector{3, 2});
}

TEST_CASE("an element leaves from anywhere without its list", "[base][intrusive_list]") {
  person one(1), two(2), three(3);
  people list;
  for (person* p : {&one, &two, &three}) list.push_back(*p);

  two.list_hook<>::unlink();
  CHECK(ids(list) == std::vector{1, 3});
  CHECK_FALSE(in_people(two));

  one.list_hook<>::unlink();
  three.list_hook<>::unlink();
  CHECK(list.empty());
}

TEST_CASE("unlinking what is in no list does nothing", "[base][intrusive_list]") {
  person one(1);

  one.list_hook<>::unlink();

  CHECK_FALSE(in_people(one));
}

TEST_CASE("an element can come back after it left", "[base][intrusive_list]") {
  person one(1), two(2);
  people list;
  list.push_back(one);
  list.push_back(two);

  one.list_hook<>::unlink();
  list.push_back(one);

  CHECK(ids(list) == std::vector{2, 1});
}

TEST_CASE("a destroyed element leaves its list", "[base][intrusive_list]") {
  people list;
  person one(1), three(3);
  list.push_back(one);
  {
    person two(2);
    list.push_back(two);
    list.push_back(three);
  }

  CHECK(ids(list) == std::vector{1, 3});
}

TEST_CASE("a destroyed list lets its elements go", "[base][intrusive_list]") {
  person one(1), two(2);
  {
    people list;
    list.push_back(one);
    list.push_back(two);
  }

  CHECK_FALSE(in_people(one));
  CHECK_FALSE(in_people(two));

  people other;
  other.push_back(one);
  CHECK(ids(other) == std::vector{1});
}

TEST_CASE("a class with two hooks is in two lists", "[base][intrusive_list]") {
  person one(1), two(2);
  people list;
  people_by_age aged;
  list.push_back(one);
  list.push_back(two);
  aged.push_back(two);
  aged.push_back(one);

  one.list_hook<>::unlink();

  CHECK(ids(list) == std::vector{2});
  CHECK(ids(aged) == std::vector{2, 1});
}

TEST_CASE("splice_back moves all elements in order", "[base][intrusive_list]") {
  person one(1), two(2), three(3), four(4);
  people list, other;
  list.push_back(one);
  list.push_back(two);
  other.push_back(three);
  other.push_back(four);

  list.splice_back(other);

  CHECK(ids(list) == std::vector{1, 2, 3, 4});
  CHECK(other.empty());

  SECTION("the emptied list works on") {
    four.list_hook<>::unlink();
    other.push_back(four);
    CHECK(ids(other) == std::vector{4});
    CHECK(ids(list) == std::vector{1, 2, 3});
  }
  SECTION("an empty list adds nothing") {
    list.splice_back(other);
    CHECK(ids(list) == std::vector{1, 2, 3, 4});
  }
  SECTION("into an empty list goes everything") {
    other.splice_back(list);
    CHECK(ids(other) == std::vector{1, 2, 3, 4});
    CHECK(list.empty());
  }
}

TEST_CASE("insert_before and after know the neighbours", "[base][intrusive_list]") {
  person one(1), two(2), three(3);
  people list;
  list.push_back(one);
  list.push_back(three);

  list.insert_before(three, two);

  CHECK(ids(list) == std::vector{1, 2, 3});
  CHECK(list.after(one) == &two);
  CHECK(list.after(three) == nullptr);
}

TEST_CASE("clear unlinks every element", "[base][intrusive_list]") {
  person one(1), two(2);
  people list;
  list.push_back(one);
  list.push_back(two);

  list.clear();

  CHECK(list.empty());
  CHECK_FALSE(in_people(one));
  CHECK_FALSE(in_people(two));
}

TEST_CASE("iteration may unlink the element it has stepped past", "[base][intrusive_list]") {
  person one(1), two(2), three(3);
  people list;
  for (person* p : {&one, &two, &three}) list.push_back(*p);

  for (auto at = list.begin(); at != list.end();) {
    person& p = *at++;
    if (p.id != 2) p.list_hook<>::unlink();
  }

  CHECK(ids(list) == std::vector{2});
  CHECK(std::prev(list.end())->id == 2);
}

}  // namespace intrusive_list_test

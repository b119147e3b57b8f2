// diesel's santa: Santa Claus sleeps until nine reindeer or three elves stand at his door.
//
// Run:   ./dev run diesel/santa               (--longest 0.01 makes everything quicker)
// See:   elves 0 are in the study             (elf 3, elf 7 and elf 1, as it happens)
//        elf 3 was helped
//        reindeer 0 pull the sleigh           (at last, and so on, until Christmas has been twice)
//
// It shows wait and fire in groups: the last one of a group knocks, and all of it wait for a name
// that only this group has. When both are at the door the reindeer go first: first() takes the arm
// that is named first.

#include <cetane/cetane.hpp>

#include <cetane/base/random.hpp>

using namespace std::chrono_literals;

// Where those of one kind come together, in groups.
struct door {
  door(std::string who, int size) : kind(std::move(who)), group_size(size) {}

  std::string kind;
  int group_size;
  int arrived = 0;
  cetane::queue<int> knocks;  // the numbers of the groups that are complete
};

struct north_pole {
  cetane::random_stream chance{1};
  cetane::duration longest{};
  door reindeer{"reindeer", 9};
  door elves{"elves", 3};
};

cetane::task<> busy(north_pole& pole) {
  co_await cetane::sleep(pole.chance.uniform(0s, pole.longest));
}

cetane::task<> helper(std::string name, north_pole& pole, door& at) {
  for (;;) {
    co_await busy(pole);
    const int group = at.arrived++ / at.group_size;
    if (at.arrived % at.group_size == 0) at.knocks.try_put(group);
    const std::string outcome = co_await cetane::wait(fmt::format("{} {} may go", at.kind, group));
    fmt::print("{} {}\n", name, outcome);
  }
}

cetane::task<> santa(north_pole& pole) {
  for (int christmas = 0; christmas < 2;) {
    auto turn = co_await cetane::first(pole.reindeer.knocks.get(), pole.elves.knocks.get());
    auto& [sleigh, study] = turn;
    if (sleigh) {
      fmt::print("reindeer {} pull the sleigh\n", *sleigh);
      co_await busy(pole);
      cetane::fire(fmt::format("reindeer {} may go", *sleigh), "is back");
      ++christmas;
    }
    if (study) {
      fmt::print("elves {} are in the study\n", *study);
      co_await busy(pole);
      cetane::fire(fmt::format("elves {} may go", *study), "was helped");
    }
    co_await cetane::yield();  // those who may go have their turn
  }
  cetane::quickstop();
}

int main(int argc, char** argv) {
  north_pole pole;
  cetane::application app(argc, argv);
  pole.longest = app.add_option("longest", 1s, "how long anything takes at most").span();
  app.add_task(santa, std::ref(pole));
  for (int number = 0; number < 9; ++number) {
    app.add_task(helper, fmt::format("reindeer {}", number), std::ref(pole),
                 std::ref(pole.reindeer));
  }
  for (int number = 0; number < 10; ++number) {
    app.add_task(helper, fmt::format("elf {}", number), std::ref(pole), std::ref(pole.elves));
  }
  return app.run();
}

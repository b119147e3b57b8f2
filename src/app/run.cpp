#include <cetane/app/run.hpp>

#include <app/application_core.hpp>

#include <cetane/base/errors.hpp>
#include <cetane/base/log.hpp>

namespace cetane::detail {
namespace {

constexpr int status_failed = 1;

int status_after(const main_outcome& outcome, int stop_signal) {
  if (!outcome.ended) return stop_signal != 0 ? status_of_signal(stop_signal) : status_failed;
  if (!outcome.error) return outcome.status;
  try {
    std::rethrow_exception(outcome.error);
  } catch (const cancelled& e) {
    if (stop_signal != 0) return status_of_signal(stop_signal);
    log::error("{}", e.what());
  } catch (const std::exception& e) {
    log::error("{}", e.what());
  } catch (...) {
    log::error("the program ended by an exception that is no std::exception");
  }
  return status_failed;
}

}  // namespace

int run_main(std::unique_ptr<unstarted_task> main, main_outcome& outcome) {
  application_core core(command_line(command_line::sources::environment), nullptr);
  core.want_signals();
  core.run_for([&outcome] { return outcome.ended; });
  core.add_task(std::move(main));
  const int status = core.run();
  return status != 0 ? status : status_after(outcome, core.stop_signal());
}

}  // namespace cetane::detail

#include <cetane/runtime/this_task.hpp>

#include <cetane/base/log.hpp>
#include <cetane/base/text.hpp>
#include <cetane/coro/promise.hpp>

#include <stdexcept>

namespace cetane::detail {
namespace {

const log::logger logger("task");

// "cetane::task<> {anonymous}::room::talk(connection&)" gives "room::talk"; a lambda's name ends in its number or signature.
std::string_view short_name(std::string_view signature) {
  std::size_t depth = 0;
  std::size_t begin = 0;
  std::size_t i = 0;
  for (; i < signature.size(); ++i) {
    const char c = signature[i];
    if (c == '<' || c == '{') ++depth;
    if ((c == '>' || c == '}') && depth > 0) --depth;
    if (depth > 0) continue;
    if (c == ' ') begin = i + 1;
    if (c == '(' && i > begin && signature.substr(i, 11) != "(anonymous ") break;
  }
  std::string_view name = signature.substr(begin, i - begin);
  for (const std::string_view unnamed : {"{anonymous}::", "(anonymous namespace)::"}) {
    if (name.starts_with(unnamed)) name.remove_prefix(unnamed.size());
  }
  return name.empty() ? signature : name;
}

std::string who(const task_context& task) {
  const std::string peer = task.peer();
  return peer.empty() ? task.label() : task.label() + " (" + peer + ")";
}

}  // namespace

event_loop& this_loop(const char* wanted) {
  if (event_loop* loop = event_loop::current()) return *loop;
  throw std::logic_error(std::string(wanted) +
                         ": no event loop runs on this thread; call it from a task, or from another thread through post()");
}

task_context& this_task(const char* wanted) {
  if (task_context* task = this_loop(wanted).running()) return *task;
  throw std::logic_error(std::string(wanted) + ": no task is running; call it from a coroutine");
}

std::string function_label(std::coroutine_handle<> root) {
  if (!root) return "task";
  return std::string(short_name(promise_base::of(root).location().function_name()));
}

void report_unhandled(const task_context& task, std::exception_ptr error) noexcept {
  try {
    std::rethrow_exception(error);
  } catch (const cancelled& e) {
    logger.debug("{}: {}", who(task), e.what());
  } catch (const std::exception& e) {
    logger.error("unhandled exception in {}: {}", who(task), e.what());
  } catch (...) {
    logger.error("unhandled exception in {}: it is no std::exception", who(task));
  }
}

}  // namespace cetane::detail

#include <cetane/runtime/this_task.hpp>

#include <cetane/base/log.hpp>
#include <cetane/base/text.hpp>
#include <cetane/coro/promise.hpp>

#include <stdexcept>

namespace cetane::detail {
namespace {

const log::logger task_log("task");

[[noreturn]] void refuse(std::string_view wanted, std::string_view why) {
  throw std::logic_error(std::string(wanted).append(why));
}

// Reads a function's signature as compilers write it down to the name that its author knows it by.
//
// clang-format off
//   cetane::task<void> {anonymous}::room::talk(connection&)                  room::talk
//   void serve(serve<int>(int)::_Z5serveIiEvT_.Frame*)                       serve (g++)
//   cetane::task<> app::inner::operator()()                                  app::inner
//   void body(...)::<lambda(int)>::operator()(...)                           lambda in body (g++)
//   auto body()::(anonymous class)::operator()(auto) const [auto:1 = int]    lambda in body (clang)
// clang-format on
class signature_reader {
 public:
  explicit signature_reader(std::string_view signature) : left_(signature) {}

  std::string name() {
    while (!left_.empty() && !ended_) step();
    trim_end("::operator()");
    return in_lambda_ ? "lambda in " + name_ : name_;
  }

 private:
  void step() {
    if (skip("{anonymous}::") || skip("(anonymous namespace)::")) return;
    if (left_.starts_with("<lambda") || left_.starts_with("(anonymous class)"))
      return end_in_lambda();
    if (name_.ends_with("operator") && skip("()")) {
      name_ += "()";
      return;
    }
    const char c = left_.front();
    if (c == '(') return skip_parameters();
    if (c == '<') return skip_brackets();
    if (c == ' ') {
      name_.clear();  // so far it was the result's type
    } else {
      name_ += c;
    }
    left_.remove_prefix(1);
  }

  void end_in_lambda() {
    trim_end("::");
    in_lambda_ = true;
    ended_ = true;
  }

  // What is behind the parameters matters only if it is something local to the function.
  void skip_parameters() {
    const bool in_type = name_.empty() || name_ == "decltype";
    skip_brackets();
    ended_ = !in_type && !left_.starts_with("::");
  }

  void skip_brackets() {
    std::size_t depth = 0;
    do {
      if (skip("->")) continue;
      const char c = left_.front();
      if (c == '(' || c == '<' || c == '[' || c == '{') ++depth;
      if (c == ')' || c == '>' || c == ']' || c == '}') --depth;
      left_.remove_prefix(1);
    } while (depth != 0 && !left_.empty());
  }

  bool skip(std::string_view word) {
    if (!left_.starts_with(word)) return false;
    left_.remove_prefix(word.size());
    return true;
  }

  void trim_end(std::string_view word) {
    if (name_.ends_with(word)) name_.resize(name_.size() - word.size());
  }

  std::string_view left_;
  std::string name_;
  bool in_lambda_ = false;
  bool ended_ = false;
};

std::string who(const task_context& task) {
  const std::string peer = task.peer();
  return peer.empty() ? task.label() : task.label() + " (" + peer + ")";
}

}  // namespace

void refuse_outside_of_loop(const char* wanted) {
  refuse(wanted,
         ": no event loop runs on this thread; call it from a task, or from another thread through "
         "post()");
}

void refuse_outside_of_task(const char* wanted) {
  refuse(wanted, ": no task is running; call it from a coroutine");
}

void throw_on_if_cancelled() {
  if (this_task("a catch block").cancel_state == cancel_reason::none) return;
  try {
    throw;
  } catch (const cancelled&) {
    throw;
  } catch (...) {
    return;
  }
}

std::string function_name(std::string_view signature) {
  const std::string name = signature_reader(signature).name();
  return name.empty() ? std::string(signature) : name;
}

std::string function_label(std::coroutine_handle<> frame) {
  return frame ? function_name(promise_base::of(frame).location().function_name()) : "task";
}

// Without memory for the line there is none.
namespace {

// Not by the task's loop: who holds a task's handle may have outlived that.
void count_unhandled() noexcept {
  if (event_loop* const loop = event_loop::current()) ++loop->counters().errors_unhandled;
}

}  // namespace

void report_unhandled(const task_context& task, std::exception_ptr error) noexcept try {
  try {
    std::rethrow_exception(error);
  } catch (const cancelled& e) {
    task_log.debug("{}: {}", who(task), e.what());
  } catch (const std::exception& e) {
    count_unhandled();
    task_log.error("unhandled exception in {}: {}", who(task), e.what());
  } catch (...) {
    count_unhandled();
    task_log.error("unhandled exception in {}: it is no std::exception", who(task));
  }
} catch (...) {
}

}  // namespace cetane::detail

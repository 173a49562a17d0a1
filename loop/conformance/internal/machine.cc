// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/conformance/internal/machine.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <cstddef>
#include <exception>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "evkit/base/check.h"
#include "evkit/base/syscalls.h"
#include "evkit/loop/conformance/internal/primitives.h"
#include "evkit/loop/conformance/internal/statements.h"
#include "evkit/loop/conformance/internal/tokens.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/error_context.h"
#include "evkit/loop/internal/exceptions.h"

namespace evkit::conformance {
namespace {

// How often a program may look at its descriptors before it counts as endless.
constexpr int kMaxTurns = 2000;

absl::Status OverError() { return absl::CancelledError("the program is over"); }

#if defined(__cpp_exceptions)
// What a callback throws that fails.
class CallbackError : public std::exception {
 public:
  explicit CallbackError(std::string token) : token_(std::move(token)) {}
  const char* what() const noexcept override { return token_.c_str(); }

 private:
  const std::string token_;
};
#endif

void AddSocketPair(std::deque<Socket>& sockets) {
  int fds[2];
  EVKIT_CHECK(
      sys::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
                      fds) == 0,
      "socketpair failed");
  for (const int fd : fds) sockets.emplace_back(fd);
}

void Fail(const absl::Status& error) {
#if defined(__cpp_exceptions)
  throw CallbackError(ErrorToken(error));
#else
  EVKIT_CHECK(error.ok(), "callbacks cannot fail without exceptions");
#endif
}

}  // namespace

Machine::Machine(const Program& program)
    : primitives(std::make_unique<Primitives>(program)),
      program_(program),
      start_(test_.clock().Now()) {
  test_.selector().SetSleepHook([this](absl::Duration timeout) {
    if (!Continues()) return;
    if (timeout < absl::InfiniteDuration()) {
      clock().AdvanceBy(timeout);
    } else {
      End("deadlock");
    }
  });
  loop().SetExceptionHandler(
      [this](AbstractEventLoop&, const ErrorContext& error) {
        if (error.exception == nullptr) return;
        Log(absl::StrCat("handler:",
                         loop_internal::DescribeException(error.exception)));
      });
  vars.resize(static_cast<size_t>(program.declared_number("vars")));
  for (int i = 0; i < program.declared_number("futures"); ++i) {
    SetRef(absl::StrCat("f", i), CreateFuture<int>(loop()));
  }
  const Json& defaults = program.declared("ctxvars");
  if (!defaults.is_null()) {
    for (const Json& value : defaults.items()) {
      context_vars.emplace_back("v", value.integer());
    }
  }
  for (int i = 0; i < program.declared_number("pairs"); ++i) {
    AddSocketPair(sockets);
  }
  // asyncio always watches its wake-up descriptor, and so looks at its
  // descriptors in every turn, which is what an endless program is told by. A
  // loop of evkit's that watches nothing does not look while it is busy.
  AddSocketPair(silent_);
  EVKIT_CHECK(loop().AddReader(silent_.front().fd.get(), [] {}).ok(),
              "a socket cannot be watched");
}

Machine::~Machine() {
  over_ = true;
  for (const Ref& ref : kept_) {
    if (ref.any().done()) ref.any().Error().IgnoreError();
  }
  EVKIT_CHECK(loop().Close().ok(), "the loop is still running");
}

void Machine::Run() {
  Frame frame;
  Context().Run([&] { return Execute(frame, program_.main()); }).IgnoreError();
  End("end");
}

void Machine::End(absl::string_view entry) {
  if (over_) return;
  over_ = true;
  trace_.emplace_back(entry);
  loop().Stop();
}

void Machine::Skip(std::string reason) {
  if (over_) return;
  skipped_ = std::move(reason);
  End("skipped");
}

bool Machine::Continues() {
  if (!over_ && !loop().IsClosed() &&
      test_.selector().select_count() > kMaxTurns) {
    End("runaway");
  }
  return !over_;
}

void Machine::Log(std::string entry) {
  if (!over_) trace_.push_back(std::move(entry));
}

void Machine::Log(const Json& label, absl::string_view token) {
  Log(absl::StrCat(label.string(), ":", token));
}

absl::Status Machine::Execute(Frame& frame, const Json& block) {
  for (const Json& statement : block.items()) {
    if (!Continues()) return OverError();
    const std::string& name = statement[0].string();
    const Statement* const found = StatementTable::Get().Find(name);
    if (found == nullptr ||
        (found->plain == nullptr && found->failing == nullptr)) {
      Skip(absl::StrCat("no statement ", name, " outside of coroutines"));
      return OverError();
    }
    if (found->plain != nullptr) {
      found->plain(*this, frame, statement);
    } else if (absl::Status status = found->failing(*this, frame, statement);
               !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

Coro<Flow> Machine::ExecuteAsync(Machine* machine, Frame* frame,
                                 const Json* block) {
  for (const Json& statement : block->items()) {
    if (!machine->Continues()) co_return OverError();
    const std::string& name = statement[0].string();
    const Statement* const found = StatementTable::Get().Find(name);
    if (found == nullptr) {
      machine->Skip(absl::StrCat("no statement ", name));
      co_return OverError();
    }
    if (found->suspending != nullptr) {
      Flow flow =
          co_await OrReturn(found->suspending(machine, frame, &statement));
      if (flow.returned.has_value()) co_return flow;
    } else if (found->plain != nullptr) {
      found->plain(*machine, *frame, statement);
    } else {
      absl::Status status = found->failing(*machine, *frame, statement);
      if (!status.ok()) co_return status;
    }
  }
  co_return Flow();
}

Coro<int> Machine::Call(Machine* machine, int body) {
  Frame frame;
  const Flow flow = co_await OrReturn(
      ExecuteAsync(machine, &frame, &machine->program_.coroutine(body)));
  co_return flow.returned.value_or(0);
}

void Machine::RunCallback(int callback, Frame frame) {
  if (!Continues()) return;
  const absl::Status status = Execute(frame, program_.callback(callback));
  if (!over_ && !status.ok()) Fail(status);
}

const Ref* Machine::FindByName(const std::string& name, const Json* label) {
  const auto found = refs_.find(name);
  if (found != refs_.end()) return &found->second;
  if (label != nullptr) Log(*label, "unset");
  return nullptr;
}

const Ref* Machine::Find(const Json& name, const Json* label) {
  return FindByName(name.string(), label);
}

const Ref* Machine::FindTask(const Json& number, const Json* label) {
  return FindByName(absl::StrCat("t", number.integer()), label);
}

void Machine::SetTask(const Json& number, Task<int> task) {
  SetRef(absl::StrCat("t", number.integer()), std::move(task));
}

void Machine::SetRef(const std::string& name, Ref ref) {
  Keep(ref);
  refs_.insert_or_assign(name, std::move(ref));
}

int Machine::CalledBody(const Json& name) {
  int body = -1;
  EVKIT_CHECK(absl::SimpleAtoi(name.string().substr(1), &body),
              "the program refers to a body without a number");
  return body;
}

TaskOptions Machine::OptionsOfTask(const Json& number) {
  TaskOptions options;
  options.name = absl::StrCat("t", number.integer());
  return options;
}

const StatementTable& StatementTable::Get() {
  static const StatementTable* const table = [] {
    auto* const made = new StatementTable();
    AddFlowStatements(*made);
    AddLoopStatements(*made);
    AddSocketStatements(*made);
    AddFutureStatements(*made);
    AddTaskStatements(*made);
    AddAwaitStatements(*made);
    AddCombinatorStatements(*made);
    AddScopeStatements(*made);
    AddLockStatements(*made);
    AddQueueStatements(*made);
    AddBarrierStatements(*made);
    return made;
  }();
  return *table;
}

}  // namespace evkit::conformance

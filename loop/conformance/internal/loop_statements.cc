// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "evkit/loop/conformance/internal/json.h"
#include "evkit/loop/conformance/internal/machine.h"
#include "evkit/loop/conformance/internal/statements.h"
#include "evkit/loop/conformance/internal/tokens.h"
#include "evkit/loop/context.h"
#include "evkit/loop/coro/run_until_complete.h"
#include "evkit/loop/handle.h"

namespace evkit::conformance {
namespace {

std::function<void()> Callback(Machine& machine, const Json& number) {
  return [&machine, callback = number.integer()] {
    machine.RunCallback(callback, Frame());
  };
}

// Puts a handle into a slot, unless the loop refused the callback.
template <typename H>
void Store(Machine& machine, const Json& slot, H handle) {
  if (machine.loop().IsClosed() && handle.cancelled()) {
    machine.Log("closed");
    return;
  }
  machine.handles.insert_or_assign(slot.integer(),
                                   ScheduledCallback(std::move(handle)));
}

void CallSoonThreadsafe(Machine& machine, Frame&, const Json& s) {
  auto cancelled = std::make_shared<bool>(false);
  const absl::Status status = machine.loop().CallSoonThreadsafe(
      [cancelled, callback = Callback(machine, s[2])] {
        if (!*cancelled) callback();
      });
  if (!status.ok()) {
    machine.Log("closed");
    return;
  }
  machine.handles.insert_or_assign(s[1].integer(),
                                   ScheduledCallback(std::move(cancelled)));
}

void CallSoonInContext(Machine& machine, Frame&, const Json& s) {
  const auto context = machine.contexts.find(s[3].integer());
  if (context == machine.contexts.end()) {
    machine.Log("unset");
    return;
  }
  Store(machine, s[1],
        machine.loop().CallSoon(Callback(machine, s[2]), context->second));
}

// Logs what `token` says of the handle in a slot.
template <typename F>
void LogHandle(Machine& machine, const Json& s, F token) {
  const auto handle = machine.handles.find(s[1].integer());
  machine.Log(s[2], handle == machine.handles.end() ? std::string("unset")
                                                    : token(handle->second));
}

void RunUntil(Machine& machine, Frame&, const Json& s) {
  if (!Machine::IsCall(s[1])) {
    const Ref* const ref = machine.Find(s[1], &s[2]);
    if (ref == nullptr) return;
    const std::string token = ref->Visit([&](auto future) {
      return OutcomeToken(RunUntilComplete(machine.loop(), std::move(future)));
    });
    machine.Log(s[2], token);
    return;
  }
  TaskOptions options;
  options.name = "main";
  const Task<int> task =
      CreateTask(machine.loop(), machine.CallBody(Machine::CalledBody(s[1])),
                 std::move(options));
  machine.SetRef("main", task);
  machine.Log(s[2], OutcomeToken(RunUntilComplete<int>(machine.loop(), task)));
}

const ContextVar<int>& Variable(Machine& machine, const Json& number) {
  return machine.context_vars.at(static_cast<size_t>(number.integer()));
}

void AddScheduling(StatementTable& table) {
  table.Add("call_soon", [](Machine& machine, Frame&, const Json& s) {
    Store(machine, s[1], machine.loop().CallSoon(Callback(machine, s[2])));
  });
  table.Add("call_soon_ts", CallSoonThreadsafe);
  table.Add("call_soon_ctx", CallSoonInContext);
  table.Add("call_later", [](Machine& machine, Frame&, const Json& s) {
    Store(machine, s[1],
          machine.loop().CallLater(Machine::Ticks(s[2]),
                                   Callback(machine, s[3])));
  });
  table.Add("call_at", [](Machine& machine, Frame&, const Json& s) {
    Store(machine, s[1],
          machine.loop().CallAt(machine.AtTick(s[2]), Callback(machine, s[3])));
  });
  table.Add("cancel_handle", [](Machine& machine, Frame&, const Json& s) {
    const auto handle = machine.handles.find(s[1].integer());
    if (handle != machine.handles.end()) handle->second.Cancel();
  });
  table.Add("handle", [](Machine& machine, Frame&, const Json& s) {
    LogHandle(machine, s, [](const ScheduledCallback& handle) {
      return BoolToken(handle.cancelled());
    });
  });
  table.Add("when", [](Machine& machine, Frame&, const Json& s) {
    LogHandle(machine, s, [&](const ScheduledCallback& handle) {
      return absl::StrCat(machine.ToTick(handle.when()));
    });
  });
}

}  // namespace

void AddLoopStatements(StatementTable& table) {
  AddScheduling(table);

  table.Add("time", [](Machine& machine, Frame&, const Json& s) {
    machine.Log(s[1], absl::StrCat(machine.ToTick(machine.loop().Time())));
  });
  table.Add("advance", [](Machine& machine, Frame&, const Json& s) {
    machine.clock().AdvanceBy(Machine::Ticks(s[1]));
  });
  table.Add("stop", [](Machine& machine, Frame&, const Json&) {
    machine.loop().Stop();
  });
  table.Add("is_running", [](Machine& machine, Frame&, const Json& s) {
    machine.Log(s[1], BoolToken(machine.loop().IsRunning()));
  });
  table.Add("is_closed", [](Machine& machine, Frame&, const Json& s) {
    machine.Log(s[1], BoolToken(machine.loop().IsClosed()));
  });
  table.Add("run_forever", [](Machine& machine, Frame&, const Json&) {
    const absl::Status status = machine.loop().RunForever();
    if (!status.ok()) machine.Log(absl::StrCat("run:", ErrorToken(status)));
  });
  table.Add("run_until", RunUntil);
  table.Add("close", [](Machine& machine, Frame&, const Json&) {
    machine.loop().Close().IgnoreError();
  });

  table.Add("ctx_set", [](Machine& machine, Frame&, const Json& s) {
    Variable(machine, s[1]).Set(s[2].integer());
  });
  table.Add("ctx_get", [](Machine& machine, Frame&, const Json& s) {
    machine.Log(s[2], absl::StrCat(Variable(machine, s[1]).Get().value()));
  });
  table.Add("ctx_copy", [](Machine& machine, Frame&, const Json& s) {
    machine.contexts.insert_or_assign(s[1].integer(), Context::CopyCurrent());
  });
}

}  // namespace evkit::conformance

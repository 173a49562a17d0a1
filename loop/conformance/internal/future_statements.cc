// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "evkit/loop/conformance/internal/json.h"
#include "evkit/loop/conformance/internal/machine.h"
#include "evkit/loop/conformance/internal/statements.h"
#include "evkit/loop/conformance/internal/tokens.h"
#include "evkit/loop/context.h"
#include "evkit/loop/coro/future.h"

namespace evkit::conformance {
namespace {

Future<int> DeclaredFuture(Machine& machine, const Json& number) {
  return machine.FindByName(absl::StrCat("f", number.integer()))->As<int>();
}

void AddCallback(Machine& machine, const Json& name, const Json& number,
                 const Context* context) {
  const Ref* const ref = machine.Find(name);
  if (ref == nullptr) return;
  const int callback = number.integer();
  auto function = [&machine, callback, kind = ref->kind()](AnyFuture future) {
    machine.RunCallback(callback, Frame(Ref(kind, std::move(future))));
  };
  machine.done_callbacks[{ref->any().state(), callback}].push_back(
      context == nullptr
          ? ref->any().AddDoneCallback(std::move(function))
          : ref->any().AddDoneCallback(std::move(function), *context));
}

void RemoveCallback(Machine& machine, Frame&, const Json& s) {
  const Ref* const ref = machine.Find(s[1], &s[3]);
  if (ref == nullptr) return;
  int removed = 0;
  for (const DoneCallbackHandle& handle : std::exchange(
           machine.done_callbacks[{ref->any().state(), s[2].integer()}], {})) {
    removed += ref->any().RemoveDoneCallback(handle);
  }
  machine.Log(s[3], absl::StrCat(removed));
}

// Logs what `token` says of what a reference names.
template <typename F>
void LogRef(Machine& machine, const Json& s, F token) {
  const Ref* const ref = machine.Find(s[1], &s[2]);
  if (ref != nullptr) machine.Log(s[2], token(*ref));
}

}  // namespace

void AddFutureStatements(StatementTable& table) {
  table.Add("set_result", [](Machine& machine, Frame&, const Json& s) {
    const Future<int> future = DeclaredFuture(machine, s[1]);
    machine.Log(s[3], StatusToken(future.SetResult(s[2].integer())));
  });
  table.Add("set_error", [](Machine& machine, Frame&, const Json& s) {
    const Future<int> future = DeclaredFuture(machine, s[1]);
    machine.Log(s[3],
                StatusToken(future.SetError(ProgramError(s[2].integer()))));
  });
  table.Add("cancel", [](Machine& machine, Frame&, const Json& s) {
    LogRef(machine, s,
           [](const Ref& ref) { return BoolToken(ref.any().Cancel()); });
  });
  table.Add("cancel_msg", [](Machine& machine, Frame&, const Json& s) {
    const Ref* const ref = machine.Find(s[1], &s[3]);
    if (ref == nullptr) return;
    machine.Log(s[3], BoolToken(ref->any().Cancel(s[2].string())));
  });
  table.Add("add_cb", [](Machine& machine, Frame&, const Json& s) {
    AddCallback(machine, s[1], s[2], nullptr);
  });
  table.Add("add_cb_ctx", [](Machine& machine, Frame&, const Json& s) {
    const auto context = machine.contexts.find(s[3].integer());
    if (context == machine.contexts.end()) return;
    AddCallback(machine, s[1], s[2], &context->second);
  });
  table.Add("remove_cb", RemoveCallback);
  table.Add("state", [](Machine& machine, Frame&, const Json& s) {
    LogRef(machine, s, StateToken);
  });
  table.Add("done", [](Machine& machine, Frame&, const Json& s) {
    LogRef(machine, s,
           [](const Ref& ref) { return BoolToken(ref.any().done()); });
  });
  table.Add("cancelled", [](Machine& machine, Frame&, const Json& s) {
    LogRef(machine, s,
           [](const Ref& ref) { return BoolToken(ref.any().cancelled()); });
  });
  table.Add("result", [](Machine& machine, Frame&, const Json& s) {
    LogRef(machine, s, ResultToken);
  });
  table.Add("exception", [](Machine& machine, Frame&, const Json& s) {
    LogRef(machine, s, ExceptionToken);
  });
  table.Add("arg", [](Machine& machine, Frame& frame, const Json& s) {
    machine.Log(s[1], frame.argument.has_value() ? StateToken(*frame.argument)
                                                 : "none");
  });
}

}  // namespace evkit::conformance

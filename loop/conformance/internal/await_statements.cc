// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "evkit/loop/conformance/internal/json.h"
#include "evkit/loop/conformance/internal/machine.h"
#include "evkit/loop/conformance/internal/statements.h"
#include "evkit/loop/conformance/internal/tokens.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/future.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/sleep.h"
#include "evkit/loop/coro/task.h"

namespace evkit::conformance {
namespace {

Coro<Flow> SleepStatement(Machine*, Frame*, const Json* s) {
  co_await OrReturn(Sleep(Machine::Ticks((*s)[1])));
  co_return Flow();
}

template <typename T>
Coro<Flow> AwaitAndLog(Machine* machine, Future<T> future, const Json* label) {
  const T value = co_await OrReturn(future);
  machine->Log(*label, ValueToken(value));
  co_return Flow();
}

Coro<Flow> Await(Machine* machine, Frame*, const Json* s) {
  const Ref* const ref = machine->Find((*s)[1], &(*s)[2]);
  if (ref == nullptr) co_return Flow();
  auto wait = [machine, s](auto future) {
    return AwaitAndLog(machine, std::move(future), &(*s)[2]);
  };
  co_return co_await ref->Visit(wait);
}

Coro<Flow> AwaitSelf(Machine*, Frame*, const Json*) {
  const Future<int> self{loop_internal::FutureRef(CurrentTask().state())};
  co_await OrReturn(self);
  co_return Flow();
}

Coro<Flow> CallStatement(Machine* machine, Frame*, const Json* s) {
  const int value = co_await OrReturn(machine->CallBody((*s)[1].integer()));
  machine->Log((*s)[2], ValueToken(value));
  co_return Flow();
}

}  // namespace

void AddAwaitStatements(StatementTable& table) {
  table.Add("sleep", SleepStatement);
  table.Add("await", Await);
  table.Add("await_self", AwaitSelf);
  table.Add("call", CallStatement);
}

}  // namespace evkit::conformance

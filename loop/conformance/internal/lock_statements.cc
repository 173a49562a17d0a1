// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include <cstddef>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "evkit/loop/conformance/internal/json.h"
#include "evkit/loop/conformance/internal/machine.h"
#include "evkit/loop/conformance/internal/primitives.h"
#include "evkit/loop/conformance/internal/statements.h"
#include "evkit/loop/conformance/internal/tokens.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/sync/condition.h"
#include "evkit/loop/sync/event.h"
#include "evkit/loop/sync/lock.h"
#include "evkit/loop/sync/semaphore.h"

namespace evkit::conformance {
namespace {

size_t Index(const Json& number) {
  return static_cast<size_t>(number.integer());
}
Lock& LockOf(Machine& machine, const Json& number) {
  return machine.primitives->locks.at(Index(number));
}
Event& EventOf(Machine& machine, const Json& number) {
  return machine.primitives->events.at(Index(number));
}
Condition& ConditionOf(Machine& machine, const Json& number) {
  return machine.primitives->conditions.at(Index(number));
}
Semaphore& SemaphoreOf(Machine& machine, const Json& number) {
  return *machine.primitives->semaphores.at(Index(number));
}

// Waits, and goes on with the next statement.
Coro<Flow> Then(Coro<void> wait) {
  co_await OrReturn(std::move(wait));
  co_return Flow();
}

// Acquires what has a release, executes a block, and releases.
template <typename P>
Coro<Flow> With(P* primitive, Machine* machine, Frame* frame,
                const Json* block) {
  co_await OrReturn(primitive->Acquire());
  absl::StatusOr<Flow> flow =
      co_await Machine::ExecuteAsync(machine, frame, block);
  co_await OrReturn(primitive->Release());
  co_return flow;
}

Coro<Flow> WaitForVariable(Machine* machine, Frame*, const Json* s) {
  auto enough = [&variable = machine->vars.at(Index((*s)[2])),
                 least = (*s)[3].integer()] { return variable >= least; };
  co_await OrReturn(ConditionOf(*machine, (*s)[1]).WaitFor(std::move(enough)));
  co_return Flow();
}

void AddLocksAndEvents(StatementTable& table) {
  table.Add("release", [](Machine& machine, Frame&, const Json& s) {
    machine.Log(s[2], StatusToken(LockOf(machine, s[1]).Release()));
  });
  table.Add("locked", [](Machine& machine, Frame&, const Json& s) {
    machine.Log(s[2], BoolToken(LockOf(machine, s[1]).locked()));
  });
  table.Add("acquire", [](Machine* machine, Frame*, const Json* s) {
    return Then(LockOf(*machine, (*s)[1]).Acquire());
  });
  table.Add("with_lock", [](Machine* machine, Frame* frame, const Json* s) {
    return With(&LockOf(*machine, (*s)[1]), machine, frame, &(*s)[2]);
  });
  table.Add("ev_set", [](Machine& machine, Frame&, const Json& s) {
    EventOf(machine, s[1]).Set();
  });
  table.Add("ev_clear", [](Machine& machine, Frame&, const Json& s) {
    EventOf(machine, s[1]).Clear();
  });
  table.Add("ev_is", [](Machine& machine, Frame&, const Json& s) {
    machine.Log(s[2], BoolToken(EventOf(machine, s[1]).is_set()));
  });
  table.Add("ev_wait", [](Machine* machine, Frame*, const Json* s) {
    return Then(EventOf(*machine, (*s)[1]).Wait());
  });
}

void AddConditions(StatementTable& table) {
  table.Add("notify", [](Machine& machine, Frame&, const Json& s) {
    machine.Log(s[3],
                StatusToken(ConditionOf(machine, s[1]).Notify(s[2].integer())));
  });
  table.Add("notify_all", [](Machine& machine, Frame&, const Json& s) {
    machine.Log(s[2], StatusToken(ConditionOf(machine, s[1]).NotifyAll()));
  });
  table.Add("with_cond", [](Machine* machine, Frame* frame, const Json* s) {
    return With(&ConditionOf(*machine, (*s)[1]), machine, frame, &(*s)[2]);
  });
  table.Add("cond_wait", [](Machine* machine, Frame*, const Json* s) {
    return Then(ConditionOf(*machine, (*s)[1]).Wait());
  });
  table.Add("cond_wait_for", WaitForVariable);
}

void AddSemaphores(StatementTable& table) {
  table.Add("sem_release", [](Machine& machine, Frame&, const Json& s) {
    machine.Log(s[2], StatusToken(SemaphoreOf(machine, s[1]).Release()));
  });
  table.Add("sem_locked", [](Machine& machine, Frame&, const Json& s) {
    machine.Log(s[2], BoolToken(SemaphoreOf(machine, s[1]).locked()));
  });
  table.Add("sem_acquire", [](Machine* machine, Frame*, const Json* s) {
    return Then(SemaphoreOf(*machine, (*s)[1]).Acquire());
  });
  table.Add("with_sem", [](Machine* machine, Frame* frame, const Json* s) {
    return With(&SemaphoreOf(*machine, (*s)[1]), machine, frame, &(*s)[2]);
  });
}

}  // namespace

void AddLockStatements(StatementTable& table) {
  AddLocksAndEvents(table);
  AddConditions(table);
  AddSemaphores(table);
}

}  // namespace evkit::conformance

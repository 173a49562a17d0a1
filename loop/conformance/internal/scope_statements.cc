// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Timeouts and task groups.

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "evkit/loop/conformance/internal/json.h"
#include "evkit/loop/conformance/internal/machine.h"
#include "evkit/loop/conformance/internal/statements.h"
#include "evkit/loop/conformance/internal/tokens.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/coro/task_group.h"
#include "evkit/loop/coro/timeout.h"
#include "evkit/timers/clock.h"

namespace evkit::conformance {
namespace {

Coro<Flow> RunInTimeout(std::shared_ptr<Timeout> timeout, Machine* machine,
                        Frame* frame, const Json* s) {
  machine->timeouts[(*s)[1].integer()] = timeout;
  co_return co_await timeout->Run(
      Machine::ExecuteAsync(machine, frame, &(*s)[3]));
}

Coro<Flow> TimeoutAfter(Machine* machine, Frame* frame, const Json* s) {
  return RunInTimeout(std::make_shared<Timeout>(Machine::Timeout((*s)[2])),
                      machine, frame, s);
}

Coro<Flow> TimeoutAt(Machine* machine, Frame* frame, const Json* s) {
  return RunInTimeout(std::shared_ptr<Timeout>(
                          new Timeout(Timeout::At(machine->AtTick((*s)[2])))),
                      machine, frame, s);
}

// The timeout in a slot; null, and says so, if there is none.
Timeout* FindTimeout(Machine& machine, const Json& slot, const Json& label) {
  const auto found = machine.timeouts.find(slot.integer());
  if (found != machine.timeouts.end()) return found->second.get();
  machine.Log(label, "unset");
  return nullptr;
}

void Reschedule(Machine& machine, Frame&, const Json& s) {
  Timeout* const timeout = FindTimeout(machine, s[1], s[3]);
  if (timeout == nullptr) return;
  std::optional<MonotonicTime> when;
  if (!s[2].is_null()) when = machine.loop().Time() + Machine::Ticks(s[2]);
  machine.Log(s[3], StatusToken(timeout->Reschedule(when)));
}

void LogExpired(Machine& machine, Frame&, const Json& s) {
  const Timeout* const timeout = FindTimeout(machine, s[1], s[2]);
  if (timeout != nullptr) machine.Log(s[2], BoolToken(timeout->expired()));
}

void LogDeadline(Machine& machine, Frame&, const Json& s) {
  const Timeout* const timeout = FindTimeout(machine, s[1], s[2]);
  if (timeout == nullptr) return;
  const std::optional<MonotonicTime> when = timeout->when();
  machine.Log(s[2],
              when.has_value() ? absl::StrCat(machine.ToTick(*when)) : "none");
}

Coro<Flow> GroupBody(std::shared_ptr<TaskGroup> group, Machine* machine,
                     Frame* frame, const Json* s) {
  machine->groups[(*s)[1].integer()] = std::move(group);
  co_return co_await Machine::ExecuteAsync(machine, frame, &(*s)[2]);
}

Coro<Flow> Group(Machine* machine, Frame* frame, const Json* s) {
  const auto group = std::make_shared<TaskGroup>();
  co_return co_await group->Run(GroupBody(group, machine, frame, s));
}

void CreateInGroup(Machine& machine, Frame&, const Json& s) {
  const auto group = machine.groups.find(s[1].integer());
  if (group == machine.groups.end()) {
    machine.Log(s[4], "unset");
    return;
  }
  const bool accepting = group->second->accepting();
  const Task<int> task = group->second->CreateTask(
      machine.CallBody(s[3].integer()), Machine::OptionsOfTask(s[2]));
  if (accepting) machine.SetTask(s[2], task);
  machine.Log(s[4], accepting ? "ok" : ErrorToken(task.Error()));
}

}  // namespace

void AddScopeStatements(StatementTable& table) {
  table.Add("timeout", TimeoutAfter);
  table.Add("timeout_at", TimeoutAt);
  table.Add("reschedule", Reschedule);
  table.Add("expired", LogExpired);
  table.Add("tm_when", LogDeadline);
  table.Add("group", Group);
  table.Add("group_create", CreateInGroup);
}

}  // namespace evkit::conformance

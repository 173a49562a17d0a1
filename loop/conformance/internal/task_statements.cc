// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "evkit/loop/conformance/internal/json.h"
#include "evkit/loop/conformance/internal/machine.h"
#include "evkit/loop/conformance/internal/statements.h"
#include "evkit/loop/conformance/internal/tokens.h"
#include "evkit/loop/coro/task.h"

namespace evkit::conformance {
namespace {

void Create(Machine& machine, const Json& slot, const Json& body,
            TaskOptions options) {
  machine.SetTask(slot,
                  CreateTask(machine.loop(), machine.CallBody(body.integer()),
                             std::move(options)));
}

std::string NameOf(const AnyTask& task) {
  std::string name = task.name();
  return absl::StartsWith(name, "Task-") ? "anon" : name;
}

// Logs what `token` says of the task in a slot.
template <typename F>
void LogTask(Machine& machine, const Json& s, F token) {
  const Ref* const ref = machine.FindTask(s[1], &s[2]);
  if (ref != nullptr) machine.Log(s[2], token(ref->task()));
}

void LogAllTasks(Machine& machine, Frame&, const Json& s) {
  std::vector<std::string> names;
  for (const AnyTask& task : AllTasks(machine.loop())) {
    names.push_back(NameOf(task));
  }
  std::sort(names.begin(), names.end());
  machine.Log(s[1], absl::StrCat("[", absl::StrJoin(names, ","), "]"));
}

}  // namespace

void AddTaskStatements(StatementTable& table) {
  table.Add("create", [](Machine& machine, Frame&, const Json& s) {
    Create(machine, s[1], s[2], Machine::OptionsOfTask(s[1]));
  });
  table.Add("create_eager", [](Machine& machine, Frame&, const Json& s) {
    TaskOptions options = Machine::OptionsOfTask(s[1]);
    options.eager_start = true;
    Create(machine, s[1], s[2], std::move(options));
  });
  table.Add("create_ctx", [](Machine& machine, Frame&, const Json& s) {
    const auto context = machine.contexts.find(s[3].integer());
    if (context == machine.contexts.end()) return;
    TaskOptions options = Machine::OptionsOfTask(s[1]);
    options.context = context->second;
    Create(machine, s[1], s[2], std::move(options));
  });
  table.Add("name", [](Machine& machine, Frame&, const Json& s) {
    LogTask(machine, s, NameOf);
  });
  table.Add("set_name", [](Machine& machine, Frame&, const Json& s) {
    const Ref* const ref = machine.FindTask(s[1]);
    if (ref != nullptr) ref->task().set_name(s[2].string());
  });
  table.Add("cancelling", [](Machine& machine, Frame&, const Json& s) {
    LogTask(machine, s, [](const AnyTask& task) {
      return absl::StrCat(task.cancelling());
    });
  });
  table.Add("uncancel", [](Machine& machine, Frame&, const Json& s) {
    LogTask(machine, s,
            [](const AnyTask& task) { return absl::StrCat(task.Uncancel()); });
  });
  table.Add("current", [](Machine& machine, Frame&, const Json& s) {
    const AnyTask task = CurrentTask();
    machine.Log(s[1], task.valid() ? NameOf(task) : "none");
  });
  table.Add("all_tasks", LogAllTasks);
  table.Add("cancel_self", [](Machine& machine, Frame&, const Json& s) {
    machine.Log(s[1], BoolToken(CurrentTask().Cancel()));
  });
  table.Add("uncancel_self", [](Machine& machine, Frame&, const Json& s) {
    machine.Log(s[1], absl::StrCat(CurrentTask().Uncancel()));
  });
  table.Add("cancelling_self", [](Machine& machine, Frame&, const Json& s) {
    machine.Log(s[1], absl::StrCat(CurrentTask().cancelling()));
  });
}

}  // namespace evkit::conformance

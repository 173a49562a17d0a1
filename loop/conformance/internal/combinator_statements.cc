// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "evkit/base/check.h"
#include "evkit/loop/conformance/internal/json.h"
#include "evkit/loop/conformance/internal/machine.h"
#include "evkit/loop/conformance/internal/statements.h"
#include "evkit/loop/conformance/internal/tokens.h"
#include "evkit/loop/coro/as_completed.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/future.h"
#include "evkit/loop/coro/gather.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/shield.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/coro/wait.h"
#include "evkit/loop/coro/wait_for.h"

namespace evkit::conformance {
namespace {

// A reference to a future, and its name.
class Named {
 public:
  Named(std::string named, AnyFuture referred)
      : name(std::move(named)), future(std::move(referred)) {}
  std::string name;
  AnyFuture future;
};

// What is in the slots of a list; each object once.
std::vector<Named> Distinct(Machine& machine, const Json& names) {
  std::vector<Named> found;
  for (const Json& name : names.items()) {
    const Ref* const ref = machine.Find(name);
    if (ref == nullptr) continue;
    const bool known = std::any_of(
        found.begin(), found.end(),
        [&](const Named& other) { return other.future == ref->any(); });
    if (!known) found.emplace_back(name.string(), ref->any());
  }
  return found;
}

std::string NamesOf(const std::vector<Named>& all,
                    const std::vector<AnyFuture>& some) {
  return absl::StrJoin(
      some, ",", [&](std::string* out, const AnyFuture& future) {
        const auto named = std::find_if(
            all.begin(), all.end(),
            [&](const Named& candidate) { return candidate.future == future; });
        EVKIT_CHECK(named != all.end(), "a future that nobody waited for");
        out->append(named->name);
      });
}

// The futures of a gather, calls made tasks. False, and the program is skipped,
// if it gathers gathers.
bool Children(Machine& machine, const Json& names,
              std::vector<Future<int>>* children) {
  for (const Json& name : names.items()) {
    if (Machine::IsCall(name)) {
      children->push_back(
          CreateTask(machine.CallBody(Machine::CalledBody(name))));
      machine.Keep(children->back());
      continue;
    }
    const Ref* const ref = machine.Find(name);
    if (ref == nullptr) continue;
    if (!ref->is_int()) {
      machine.Skip("a gather of gathers, whose type is not known beforehand");
      return false;
    }
    children->push_back(ref->As<int>());
  }
  return true;
}

template <typename T>
Coro<Flow> AwaitAndLog(Machine* machine, Future<T> future, const Json* label) {
  const T value = co_await OrReturn(future);
  machine->Log(*label, ValueToken(value));
  co_return Flow();
}

Coro<Flow> GatherStatement(Machine* machine, Frame*, const Json* s) {
  std::vector<Future<int>> children;
  if (!Children(*machine, (*s)[1], &children)) co_return Flow();
  if (children.empty()) {
    machine->Log((*s)[3], "unset");
  } else if ((*s)[2].integer() != 0) {
    co_return co_await AwaitAndLog(machine, GatherOutcomes(std::move(children)),
                                   &(*s)[3]);
  } else {
    co_return co_await AwaitAndLog(machine, Gather(std::move(children)),
                                   &(*s)[3]);
  }
  co_return Flow();
}

void MakeGather(Machine& machine, Frame&, const Json& s) {
  std::vector<Future<int>> children;
  if (!Children(machine, s[2], &children) || children.empty()) return;
  const std::string name = absl::StrCat("g", s[1].integer());
  if (s[3].integer() != 0) {
    machine.SetRef(name, GatherOutcomes(std::move(children)));
  } else {
    machine.SetRef(name, Gather(std::move(children)));
  }
}

ReturnWhen Mode(const std::string& mode) {
  if (mode == "FIRST") return ReturnWhen::kFirstCompleted;
  if (mode == "ERROR") return ReturnWhen::kFirstException;
  EVKIT_CHECK(mode == "ALL", "the program waits in an unknown mode");
  return ReturnWhen::kAllCompleted;
}

Coro<Flow> WaitStatement(Machine* machine, Frame*, const Json* s) {
  const std::vector<Named> named = Distinct(*machine, (*s)[1]);
  if (named.empty()) {
    machine->Log((*s)[4], "unset");
    co_return Flow();
  }
  std::vector<AnyFuture> futures;
  for (const Named& one : named) futures.push_back(one.future);
  WaitOptions options;
  options.return_when = Mode((*s)[2].string());
  options.timeout = Machine::Timeout((*s)[3]);
  const WaitResult<AnyFuture> result =
      co_await OrReturn(Wait(std::move(futures), options));
  machine->Log((*s)[4],
               absl::StrCat("done[", NamesOf(named, result.done), "]pending[",
                            NamesOf(named, result.pending), "]"));
  co_return Flow();
}

template <typename T>
Coro<Flow> WaitForAndLog(Machine* machine, T awaited, const Json* s) {
  const auto value =
      co_await OrReturn(WaitFor(std::move(awaited), Machine::Timeout((*s)[2])));
  machine->Log((*s)[3], ValueToken(value));
  co_return Flow();
}

Coro<Flow> WaitForStatement(Machine* machine, Frame*, const Json* s) {
  if (Machine::IsCall((*s)[1])) {
    Coro<int> call = machine->CallBody(Machine::CalledBody((*s)[1]));
    co_return co_await WaitForAndLog(machine, std::move(call), s);
  }
  const Ref* const ref = machine->Find((*s)[1], &(*s)[3]);
  if (ref == nullptr) co_return Flow();
  auto wait = [machine, s](auto future) {
    return WaitForAndLog(machine, std::move(future), s);
  };
  co_return co_await ref->Visit(wait);
}

Coro<Flow> ShieldStatement(Machine* machine, Frame*, const Json* s) {
  if (Machine::IsCall((*s)[1])) {
    Coro<int> call = machine->CallBody(Machine::CalledBody((*s)[1]));
    co_return co_await AwaitAndLog(machine, Shield(std::move(call)), &(*s)[2]);
  }
  const Ref* const ref = machine->Find((*s)[1], &(*s)[2]);
  if (ref == nullptr) co_return Flow();
  auto wait = [machine, s](auto future) {
    return AwaitAndLog(machine, Shield(std::move(future)), &(*s)[2]);
  };
  co_return co_await ref->Visit(wait);
}

void MakeShield(Machine& machine, Frame&, const Json& s) {
  const Ref* const ref = machine.Find(s[2]);
  if (ref == nullptr) return;
  machine.SetRef(absl::StrCat("s", s[1].integer()), ref->Visit([](auto future) {
    return Ref(Shield(std::move(future)));
  }));
}

// The futures of an `as_completed`, which are of one type. False, and the
// program is skipped, if they are not.
bool Ints(Machine& machine, const Json& names,
          std::vector<Future<int>>* futures) {
  for (const Json& name : names.items()) {
    const Ref* const ref = machine.Find(name);
    if (ref == nullptr) continue;
    if (!ref->is_int()) {
      machine.Skip("as_completed of gathers, whose type is another");
      return false;
    }
    futures->push_back(ref->As<int>());
  }
  return true;
}

Coro<Flow> LogResultsAsCompleted(Machine* machine, Frame*, const Json* s) {
  std::vector<Future<int>> futures;
  if (!Ints(*machine, (*s)[1], &futures)) co_return Flow();
  AsCompleted<int> items(std::move(futures), Machine::Timeout((*s)[2]));
  while (items.remaining() > 0) {
    const absl::StatusOr<int> item = co_await items.Next();
    if (absl::IsCancelled(item.status())) co_return item.status();
    machine->Log((*s)[3], OutcomeToken(item));
  }
  co_return Flow();
}

Coro<Flow> LogRefsAsCompleted(Machine* machine, Frame*, const Json* s) {
  const std::vector<Named> named = Distinct(*machine, (*s)[1]);
  std::vector<Future<int>> futures;
  if (!Ints(*machine, (*s)[1], &futures)) co_return Flow();
  AsCompleted<int> items(std::move(futures), Machine::Timeout((*s)[2]));
  while (items.remaining() > 0) {
    const Future<int> item = co_await OrReturn(items.NextFuture());
    machine->Log((*s)[3], NamesOf(named, {item}));
  }
  co_return Flow();
}

}  // namespace

void AddCombinatorStatements(StatementTable& table) {
  table.Add("gather", GatherStatement);
  table.Add("mk_gather", MakeGather);
  table.Add("wait", WaitStatement);
  table.Add("wait_for", WaitForStatement);
  table.Add("as_completed", LogResultsAsCompleted);
  table.Add("as_completed_refs", LogRefsAsCompleted);
  table.Add("shield", ShieldStatement);
  table.Add("mk_shield", MakeShield);
}

}  // namespace evkit::conformance

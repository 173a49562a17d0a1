// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What each statement of a program does: a table of functions by name. Each is
// given the machine, the call of the body that it is executed in, and the
// statement, an array whose first item is the name.

#ifndef EVKIT_LOOP_CONFORMANCE_INTERNAL_STATEMENTS_H_
#define EVKIT_LOOP_CONFORMANCE_INTERNAL_STATEMENTS_H_

#include <string>
#include <unordered_map>

#include "absl/status/status.h"
#include "evkit/loop/conformance/internal/json.h"
#include "evkit/loop/conformance/internal/machine.h"
#include "evkit/loop/coro/coro.h"

namespace evkit::conformance {

class Statement {
 public:
  // One that cannot fail; one that can; one for coroutines only. The third
  // takes precedence there, so that `if` can be of both kinds.
  using Plain = void (*)(Machine& machine, Frame& frame, const Json& statement);
  using Failing = absl::Status (*)(Machine& machine, Frame& frame,
                                   const Json& statement);
  using Suspending = Coro<Flow> (*)(Machine* machine, Frame* frame,
                                    const Json* statement);

  Plain plain = nullptr;
  Failing failing = nullptr;
  Suspending suspending = nullptr;
};

class StatementTable {
 public:
  static const StatementTable& Get();

  void Add(const char* name, Statement::Plain function) {
    statements_[name].plain = function;
  }
  void Add(const char* name, Statement::Failing function) {
    statements_[name].failing = function;
  }
  void Add(const char* name, Statement::Suspending function) {
    statements_[name].suspending = function;
  }

  // Null if there is no such statement.
  const Statement* Find(const std::string& name) const {
    const auto found = statements_.find(name);
    return found == statements_.end() ? nullptr : &found->second;
  }

 private:
  std::unordered_map<std::string, Statement> statements_;
};

// The trace, variables, blocks, failing and handling failures.
void AddFlowStatements(StatementTable& table);
// The clock, callbacks, running the loop; contexts.
void AddLoopStatements(StatementTable& table);
// Readers and writers, sending and receiving.
void AddSocketStatements(StatementTable& table);
// Futures and tasks, but for waiting.
void AddFutureStatements(StatementTable& table);
void AddTaskStatements(StatementTable& table);
// Awaiting one thing.
void AddAwaitStatements(StatementTable& table);
// Waiting for several, or for one in another way.
void AddCombinatorStatements(StatementTable& table);
// Timeouts and task groups.
void AddScopeStatements(StatementTable& table);
// Locks, events, conditions, semaphores.
void AddLockStatements(StatementTable& table);
void AddQueueStatements(StatementTable& table);
void AddBarrierStatements(StatementTable& table);

}  // namespace evkit::conformance

#endif  // EVKIT_LOOP_CONFORMANCE_INTERNAL_STATEMENTS_H_

// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include <cstddef>
#include <string>

#include "absl/strings/str_cat.h"
#include "evkit/loop/conformance/internal/json.h"
#include "evkit/loop/conformance/internal/machine.h"
#include "evkit/loop/conformance/internal/primitives.h"
#include "evkit/loop/conformance/internal/statements.h"
#include "evkit/loop/conformance/internal/tokens.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/sync/barrier.h"
#include "evkit/loop/sync/queue.h"

namespace evkit::conformance {
namespace {

Queue<int>& QueueOf(Machine& machine, const Json& number) {
  return *machine.primitives->queues.at(static_cast<size_t>(number.integer()));
}
Barrier& BarrierOf(Machine& machine, const Json& number) {
  return machine.primitives->barriers.at(static_cast<size_t>(number.integer()));
}

Coro<Flow> Put(Machine* machine, Frame*, const Json* s) {
  co_await OrReturn(QueueOf(*machine, (*s)[1]).Put((*s)[2].integer()));
  co_return Flow();
}

Coro<Flow> Get(Machine* machine, Frame*, const Json* s) {
  const int item = co_await OrReturn(QueueOf(*machine, (*s)[1]).Get());
  machine->Log((*s)[2], ValueToken(item));
  co_return Flow();
}

Coro<Flow> Join(Machine* machine, Frame*, const Json* s) {
  co_await OrReturn(QueueOf(*machine, (*s)[1]).Join());
  co_return Flow();
}

std::string QueueInfo(const Queue<int>& queue) {
  return absl::StrCat(queue.size(), queue.empty() ? "-empty" : "",
                      queue.full() ? "-full" : "");
}

Coro<Flow> WaitAtBarrier(Machine* machine, Frame*, const Json* s) {
  const int index = co_await OrReturn(BarrierOf(*machine, (*s)[1]).Wait());
  machine->Log((*s)[2], absl::StrCat(index));
  co_return Flow();
}

Coro<Flow> Abort(Machine* machine, Frame*, const Json* s) {
  co_await OrReturn(BarrierOf(*machine, (*s)[1]).Abort());
  co_return Flow();
}

Coro<Flow> Reset(Machine* machine, Frame*, const Json* s) {
  co_await OrReturn(BarrierOf(*machine, (*s)[1]).Reset());
  co_return Flow();
}

std::string BarrierInfo(const Barrier& barrier) {
  return absl::StrCat(barrier.waiting(), "/", barrier.parties(),
                      barrier.broken() ? "-broken" : "");
}

}  // namespace

void AddQueueStatements(StatementTable& table) {
  table.Add("q_put", Put);
  table.Add("q_get", Get);
  table.Add("q_join", Join);
  table.Add("q_put_now", [](Machine& machine, Frame&, const Json& s) {
    machine.Log(s[3],
                StatusToken(QueueOf(machine, s[1]).PutNowait(s[2].integer())));
  });
  table.Add("q_get_now", [](Machine& machine, Frame&, const Json& s) {
    machine.Log(s[2], OutcomeToken(QueueOf(machine, s[1]).GetNowait()));
  });
  table.Add("q_done", [](Machine& machine, Frame&, const Json& s) {
    machine.Log(s[2], StatusToken(QueueOf(machine, s[1]).TaskDone()));
  });
  table.Add("q_shutdown", [](Machine& machine, Frame&, const Json& s) {
    QueueOf(machine, s[1]).Shutdown(s[2].integer() != 0);
  });
  table.Add("q_info", [](Machine& machine, Frame&, const Json& s) {
    machine.Log(s[2], QueueInfo(QueueOf(machine, s[1])));
  });
}

void AddBarrierStatements(StatementTable& table) {
  table.Add("bar_wait", WaitAtBarrier);
  table.Add("bar_abort", Abort);
  table.Add("bar_reset", Reset);
  table.Add("bar_info", [](Machine& machine, Frame&, const Json& s) {
    machine.Log(s[2], BarrierInfo(BarrierOf(machine, s[1])));
  });
}

}  // namespace evkit::conformance

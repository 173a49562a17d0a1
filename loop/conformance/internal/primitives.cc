// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/conformance/internal/primitives.h"

#include <string>

#include "evkit/base/check.h"
#include "evkit/loop/conformance/internal/json.h"

namespace evkit::conformance {
namespace {

// What is declared of a kind, one by one.
const std::vector<Json>& Each(const Program& program, const char* kind) {
  static const auto* const kNone = new std::vector<Json>();
  const Json& declared = program.declared(kind);
  return declared.is_null() ? *kNone : declared.items();
}

std::shared_ptr<Semaphore> MakeSemaphore(int value, bool bounded) {
  if (bounded) return std::make_shared<BoundedSemaphore>(value);
  return std::make_shared<Semaphore>(value);
}

std::shared_ptr<Queue<int>> MakeQueue(const std::string& kind, size_t maxsize) {
  if (kind == "lifo") return std::make_shared<LifoQueue<int>>(maxsize);
  if (kind == "prio") return std::make_shared<PriorityQueue<int>>(maxsize);
  EVKIT_CHECK(kind == "fifo", "the program declares an unknown kind of queue");
  return std::make_shared<Queue<int>>(maxsize);
}

}  // namespace

Primitives::Primitives(const Program& program)
    : locks(static_cast<size_t>(program.declared_number("locks"))),
      events(static_cast<size_t>(program.declared_number("events"))) {
  for (const Json& lock : Each(program, "conds")) {
    if (lock.integer() < 0) {
      conditions.emplace_back();
    } else {
      conditions.emplace_back(&locks.at(static_cast<size_t>(lock.integer())));
    }
  }
  for (const Json& semaphore : Each(program, "sems")) {
    semaphores.push_back(
        MakeSemaphore(semaphore[0].integer(), semaphore[1].integer() != 0));
  }
  for (const Json& parties : Each(program, "barriers")) {
    barriers.emplace_back(parties.integer());
  }
  for (const Json& queue : Each(program, "queues")) {
    queues.push_back(
        MakeQueue(queue[0].string(), static_cast<size_t>(queue[1].integer())));
  }
}

}  // namespace evkit::conformance

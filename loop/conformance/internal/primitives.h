// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The synchronisation primitives that a program declares.

#ifndef EVKIT_LOOP_CONFORMANCE_INTERNAL_PRIMITIVES_H_
#define EVKIT_LOOP_CONFORMANCE_INTERNAL_PRIMITIVES_H_

#include <cstddef>
#include <deque>
#include <memory>
#include <vector>

#include "evkit/loop/conformance/program.h"
#include "evkit/loop/sync/barrier.h"
#include "evkit/loop/sync/condition.h"
#include "evkit/loop/sync/event.h"
#include "evkit/loop/sync/lock.h"
#include "evkit/loop/sync/queue.h"
#include "evkit/loop/sync/semaphore.h"

namespace evkit::conformance {

class Primitives {
 public:
  explicit Primitives(const Program& program);

  // By number.
  std::deque<Lock> locks;
  std::deque<Event> events;
  std::deque<Condition> conditions;
  // Pointers, since the kinds differ; each has this one owner.
  std::vector<std::shared_ptr<Semaphore>> semaphores;
  std::deque<Barrier> barriers;
  std::vector<std::shared_ptr<Queue<int>>> queues;
};

}  // namespace evkit::conformance

#endif  // EVKIT_LOOP_CONFORMANCE_INTERNAL_PRIMITIVES_H_

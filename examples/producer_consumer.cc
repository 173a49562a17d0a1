// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// A queue between tasks: a producer that is faster than its consumers waits
// for them, and says at the end that no more will come.
//
//   $ bazel run //examples:producer_consumer
//   put 1
//   put 2
//   put 3: the queue was full, waited for room
//   ...
//   bea is done: OUT_OF_RANGE: queue is shut down
//   6 items, sum 21

#include <iostream>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "evkit/evkit.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/run_until_complete.h"
#include "evkit/loop/coro/sleep.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/sync/queue.h"

namespace {

class Totals {
 public:
  Totals() = default;
  int items = 0;
  int sum = 0;
};

evkit::Coro<void> Produce(evkit::Queue<int>& queue, int count) {
  for (int item = 1; item <= count; ++item) {
    const bool full = queue.full();
    co_await evkit::OrReturn(queue.Put(item));  // Waits for room.
    std::cout << "put " << item
              << (full ? ": the queue was full, waited for room\n" : "\n");
  }
  queue.Shutdown();  // What is in it will still be got.
  co_return absl::OkStatus();
}

evkit::Coro<void> Consume(evkit::Queue<int>& queue, std::string name,
                          Totals& totals) {
  for (;;) {
    const absl::StatusOr<int> item = co_await queue.Get();
    if (!item.ok()) {
      std::cout << name << " is done: " << item.status() << "\n";
      break;
    }
    co_await evkit::OrReturn(evkit::Sleep(absl::Milliseconds(10)));  // Work.
    ++totals.items;
    totals.sum += *item;
    co_await evkit::OrReturn(queue.TaskDone());
  }
  co_return absl::OkStatus();
}

evkit::Coro<void> Run(Totals& totals) {
  evkit::Queue<int> queue(/*maxsize=*/2);
  auto producer = evkit::CreateTask(Produce(queue, 6));
  auto ann = evkit::CreateTask(Consume(queue, "ann", totals));
  auto bea = evkit::CreateTask(Consume(queue, "bea", totals));
  co_await evkit::OrReturn(producer);
  co_await evkit::OrReturn(queue.Join());  // All items are worked on.
  co_await evkit::OrReturn(ann);
  co_await evkit::OrReturn(bea);
  co_return absl::OkStatus();
}

}  // namespace

int main() {
  auto loop = evkit::NewDefaultEventLoop();
  if (!loop.ok()) {
    std::cerr << loop.status() << "\n";
    return 1;
  }
  Totals totals;
  const absl::Status status = evkit::RunUntilComplete(**loop, Run(totals));
  if (!status.ok()) {
    std::cerr << status << "\n";
    return 1;
  }
  std::cout << totals.items << " items, sum " << totals.sum << "\n";
  return 0;
}

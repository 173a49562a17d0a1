// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/coro/wait.h"

#include "absl/container/flat_hash_set.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/coro/internal/task_state.h"

namespace evkit::loop_internal {

absl::Status WaitState::Begin(const std::vector<FutureState*>& futures,
                              std::vector<bool>* repeated) {
  if (futures.empty()) {
    return absl::InvalidArgumentError("Wait: no futures to wait for");
  }
  TaskState* const task = TaskState::Current();
  if (options_.timeout != absl::InfiniteDuration()) {
    timer_ = task->loop()->CallLater(options_.timeout,
                                     [this] { waiter_.Complete(); });
  }
  repeated->resize(futures.size());
  absl::flat_hash_set<const FutureState*> seen;
  seen.reserve(futures.size());
  callbacks_.reserve(futures.size());
  for (size_t i = 0; i < futures.size(); ++i) {
    (*repeated)[i] = !seen.insert(futures[i]).second;
    if ((*repeated)[i]) continue;
    ++left_;
    callbacks_.emplace_back(*futures[i], task,
                            [this](FutureState& done) { OnDone(done); });
  }
  return absl::OkStatus();
}

void WaitState::OnDone(FutureState& future) {
  --left_;
  bool over = left_ == 0 || options_.return_when == ReturnWhen::kFirstCompleted;
  if (!over && options_.return_when == ReturnWhen::kFirstException &&
      !future.cancelled()) {
    future.MarkRetrieved();
    over = future.failed();
  }
  if (!over) return;
  timer_.Cancel();
  waiter_.Complete();
}

}  // namespace evkit::loop_internal

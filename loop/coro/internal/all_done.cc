// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/coro/internal/all_done.h"

#include <cstddef>
#include <memory>

namespace evkit::loop_internal {

Future<void> AllDone(AbstractEventLoop& loop,
                     const std::vector<AnyTask>& tasks) {
  Future<void> all = CreateFuture<void>(loop);
  if (tasks.empty()) all.SetResult().IgnoreError();
  // Shared by the callbacks.
  const auto left = std::make_shared<size_t>(tasks.size());
  for (const AnyTask& task : tasks) {
    task.AddDoneCallback([all, left] {
      // Cancelled, if nobody waits any more.
      if (--*left == 0) all.SetResult().IgnoreError();
    });
  }
  return all;
}

}  // namespace evkit::loop_internal

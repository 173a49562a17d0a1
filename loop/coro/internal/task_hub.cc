// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/coro/internal/task_hub.h"

#include "absl/strings/str_cat.h"
#include "evkit/loop/coro/internal/task_state.h"
#include "evkit/loop/loop_local.h"

namespace evkit::loop_internal {

class TaskHub::Owner {
 public:
  explicit Owner(AbstractEventLoop& loop) : hub_(new TaskHub(&loop)) {}
  Owner(const Owner&) = delete;
  Owner& operator=(const Owner&) = delete;
  ~Owner() {
    hub_->Close();
    hub_->Unref();
  }

  TaskHub& hub() { return *hub_; }

 private:
  TaskHub* const hub_;
};

TaskHub::TaskHub(AbstractEventLoop* loop, bool detached)
    : loop_(loop), detached_(detached) {}
TaskHub::~TaskHub() = default;

RefPtr<TaskHub> TaskHub::Of(AbstractEventLoop& loop) {
  static constexpr LoopLocal<Owner> kOwners;
  Owner* owner = kOwners.GetIfExists(loop);
  if (owner == nullptr) {
    if (loop.IsClosed()) return RefPtr<TaskHub>::Adopt(new TaskHub(nullptr));
    owner = &kOwners.Get(loop);
  }
  return RefPtr<TaskHub>(&owner->hub());
}

void TaskHub::Close() {
  AbstractEventLoop& loop = *loop_;
  while (first_ != nullptr) {
    TaskState& task = *first_;
    ErrorContext report("Task was destroyed but it is pending!");
    report.details["task"] = task.DebugString();
    report.context = task.context();
    loop.CallExceptionHandler(report);
    if (first_ != &task) continue;
    Remove(task);
    task.Abandon();
  }
  sleep_timers_.Close();
  task_factory_ = nullptr;
  loop_ = nullptr;
}

}  // namespace evkit::loop_internal

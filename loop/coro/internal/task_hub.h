// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What a loop keeps for its futures and tasks.

#ifndef EVKIT_LOOP_CORO_INTERNAL_TASK_HUB_H_
#define EVKIT_LOOP_CORO_INTERNAL_TASK_HUB_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/coro/internal/sleep_timer.h"

namespace evkit::loop_internal {

class TaskFactoryHolder;
class TaskState;

// A counted reference to a TaskHub, FutureState or TaskState.
template <typename T>
class RefPtr {
 public:
  RefPtr() = default;
  // Takes over one reference.
  static RefPtr Adopt(T* object) {
    RefPtr ref;
    ref.object_ = object;
    return ref;
  }
  // Adds one.
  explicit RefPtr(T* object) : object_(object) {
    if (object_ != nullptr) object_->Ref();
  }
  RefPtr(const RefPtr& other) : RefPtr(other.object_) {}
  RefPtr(RefPtr&& other) noexcept : object_(other.object_) {
    other.object_ = nullptr;
  }
  RefPtr& operator=(RefPtr other) noexcept {
    T* const mine = object_;
    object_ = other.object_;
    other.object_ = mine;
    return *this;
  }
  ~RefPtr() {
    if (object_ != nullptr) object_->Unref();
  }

  T* get() const { return object_; }
  T& operator*() const { return *object_; }
  T* operator->() const { return object_; }
  explicit operator bool() const { return object_ != nullptr; }

 private:
  T* object_ = nullptr;
};

// One for each loop, made when first needed. Owned by the loop until it is
// closed, and then by the futures that are left, which find no loop in it any
// more. Belongs to the loop's thread.
class TaskHub {
 public:
  // That of `loop`; one without a loop if that is closed and has none.
  static RefPtr<TaskHub> Of(AbstractEventLoop& loop);
  // One without a loop, for the task that could not be created.
  static RefPtr<TaskHub> Detached() {
    return RefPtr<TaskHub>::Adopt(new TaskHub(nullptr, /*detached=*/true));
  }

  TaskHub(const TaskHub&) = delete;
  TaskHub& operator=(const TaskHub&) = delete;

  void Ref() { ++references_; }
  void Unref() {
    if (--references_ == 0) delete this;
  }

  // Null once the loop is closed, and if there never was one.
  AbstractEventLoop* loop() const { return loop_; }
  bool detached() const { return detached_; }

  // The tasks that have not ended, in the order of their creation.
  void Add(TaskState& task);
  void Remove(TaskState& task);
  TaskState* first_task() const { return first_; }
  size_t task_count() const { return task_count_; }

  SleepTimers& sleep_timers() { return sleep_timers_; }

  // What makes this loop's tasks; null for the default.
  std::shared_ptr<TaskFactoryHolder>& task_factory() { return task_factory_; }

 private:
  class Owner;

  explicit TaskHub(AbstractEventLoop* loop, bool detached = false);
  ~TaskHub();

  // The loop closes: destroys the tasks that have not ended.
  void Close();

  AbstractEventLoop* loop_;
  const bool detached_;
  uint32_t references_ = 1;
  TaskState* first_ = nullptr;
  TaskState* last_ = nullptr;
  size_t task_count_ = 0;
  SleepTimers sleep_timers_;
  // Shared with a call of it that is under way, which may replace it.
  std::shared_ptr<TaskFactoryHolder> task_factory_;
};

}  // namespace evkit::loop_internal

#endif  // EVKIT_LOOP_CORO_INTERNAL_TASK_HUB_H_

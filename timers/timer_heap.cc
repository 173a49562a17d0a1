// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/timers/timer_heap.h"

#include <algorithm>

#include "evkit/base/check.h"

namespace evkit {
namespace {

constexpr size_t kChildren = 4;

}  // namespace

TimerHeap::~TimerHeap() {
  EVKIT_CHECK(!advancing_, "destroyed from on_expired");
  for (const Entry& entry : heap_) entry.timer->heap_ = nullptr;
}

void TimerHeap::Arm(Timer& timer, MonotonicTime deadline) {
  Disarm(timer);
  timer.heap_ = this;
  timer.deadline_ = deadline;
  ++size_;
  heap_.emplace_back();
  SiftUp(heap_.size() - 1, Entry{deadline, next_sequence_++, &timer});
}

void TimerHeap::Disarm(Timer& timer) {
  if (timer.heap_ == nullptr) return;
  EVKIT_CHECK(timer.heap_ == this, "the timer is armed in another heap");
  if (timer.due_) {
    due_[timer.place_] = nullptr;
    timer.due_ = false;
  } else {
    Remove(timer.place_);
  }
  timer.heap_ = nullptr;
  --size_;
}

std::optional<MonotonicTime> TimerHeap::NextWakeup() {
  if (heap_.empty() ||
      heap_.front().deadline == MonotonicTime::InfiniteFuture()) {
    return std::nullopt;
  }
  return heap_.front().deadline;
}

size_t TimerHeap::Advance(MonotonicTime now,
                          absl::FunctionRef<void(Timer&)> on_expired) {
  EVKIT_CHECK(!advancing_, "Advance() called from on_expired");
  now_ = std::max(now_, now);
  while (!heap_.empty() && heap_.front().deadline <= now_ &&
         heap_.front().deadline != MonotonicTime::InfiniteFuture()) {
    Timer* const timer = heap_.front().timer;
    Remove(0);
    timer->due_ = true;
    timer->place_ = due_.size();
    due_.push_back(timer);
  }
  advancing_ = true;
  size_t count = 0;
  for (size_t i = 0; i < due_.size(); ++i) {
    if (due_[i] == nullptr) continue;
    Timer& timer = *due_[i];
    timer.due_ = false;
    timer.heap_ = nullptr;
    --size_;
    ++count;
    on_expired(timer);
  }
  due_.clear();
  advancing_ = false;
  return count;
}

bool TimerHeap::Before(const Entry& a, const Entry& b) {
  if (a.deadline != b.deadline) return a.deadline < b.deadline;
  return a.sequence < b.sequence;
}

void TimerHeap::Put(size_t place, const Entry& entry) {
  heap_[place] = entry;
  entry.timer->place_ = place;
}

void TimerHeap::SiftUp(size_t place, const Entry& entry) {
  while (place > 0) {
    const size_t parent = (place - 1) / kChildren;
    if (!Before(entry, heap_[parent])) break;
    Put(place, heap_[parent]);
    place = parent;
  }
  Put(place, entry);
}

void TimerHeap::SiftDown(size_t place, const Entry& entry) {
  while (true) {
    const size_t begin = place * kChildren + 1;
    if (begin >= heap_.size()) break;
    const size_t end = std::min(begin + kChildren, heap_.size());
    size_t least = begin;
    for (size_t child = begin + 1; child < end; ++child) {
      if (Before(heap_[child], heap_[least])) least = child;
    }
    if (!Before(heap_[least], entry)) break;
    Put(place, heap_[least]);
    place = least;
  }
  Put(place, entry);
}

void TimerHeap::Remove(size_t place) {
  const Entry last = heap_.back();
  heap_.pop_back();
  if (place == heap_.size()) return;
  if (place > 0 && Before(last, heap_[(place - 1) / kChildren])) {
    SiftUp(place, last);
  } else {
    SiftDown(place, last);
  }
}

}  // namespace evkit

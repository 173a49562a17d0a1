// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// A 4-ary heap with the interface of TimerWheel: the check on it in tests and
// the baseline in benchmarks, so that the wheel's worth stays proven.
//
// It is the heap as good libraries have it (libev's layout): deadlines lie in
// one array beside the pointers, so that sifting touches no timer but to write
// its new place, and each timer knows its place, so that cancelling is
// immediate.

#ifndef EVKIT_TIMERS_TIMER_HEAP_H_
#define EVKIT_TIMERS_TIMER_HEAP_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/functional/function_ref.h"
#include "evkit/timers/clock.h"

namespace evkit {

// Not thread-safe. Allocates when it grows; otherwise each function promises
// what TimerWheel's of that name does, and NextWakeup() is always the first
// deadline. To be destroyed after an Advance(), not in it.
class TimerHeap {
 public:
  class Timer {
   public:
    Timer() = default;
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;
    ~Timer() {
      if (heap_ != nullptr) heap_->Disarm(*this);
    }

    bool armed() const { return heap_ != nullptr; }
    MonotonicTime deadline() const { return deadline_; }

   private:
    friend class TimerHeap;
    TimerHeap* heap_ = nullptr;
    MonotonicTime deadline_;
    size_t place_ = 0;
    bool due_ = false;  // place_ is in due_, not in heap_.
  };

  explicit TimerHeap(MonotonicTime now) : now_(now) {}
  TimerHeap(const TimerHeap&) = delete;
  TimerHeap& operator=(const TimerHeap&) = delete;
  ~TimerHeap();

  void Arm(Timer& timer, MonotonicTime deadline);
  void Disarm(Timer& timer);
  std::optional<MonotonicTime> NextWakeup();
  size_t Advance(MonotonicTime now, absl::FunctionRef<void(Timer&)> on_expired);

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

 private:
  struct Entry {
    MonotonicTime deadline;
    uint64_t sequence;
    Timer* timer;
  };

  static bool Before(const Entry& a, const Entry& b);
  void Put(size_t place, const Entry& entry);
  void SiftUp(size_t place, const Entry& entry);
  void SiftDown(size_t place, const Entry& entry);
  void Remove(size_t place);

  MonotonicTime now_;
  uint64_t next_sequence_ = 0;
  size_t size_ = 0;
  bool advancing_ = false;
  std::vector<Entry> heap_;
  std::vector<Timer*> due_;  // Null: disarmed while waiting to be reported.
};

}  // namespace evkit

#endif  // EVKIT_TIMERS_TIMER_HEAP_H_

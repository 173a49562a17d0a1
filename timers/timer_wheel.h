// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// A hierarchical timer wheel: arm and disarm in O(1), whatever the number of
// timers, with deadlines kept to the nanosecond.
//
// The wheel keeps deadlines; it runs no code of its own, reads no clock, makes
// no system call and never allocates. Its owner asks when it must wake
// (`NextWakeup()`), sleeps as it likes, and then says what time it is
// (`Advance()`); the expired timers are handed back in order of deadline. That
// makes it usable under any event loop, and testable without waiting.
//
//   TimerWheel wheel(clock.Now());
//   TimerWheel::Timer idle;                       // embed it in what it times
//   wheel.Arm(idle, clock.Now() + absl::Seconds(30));
//   ...
//   wheel.Advance(clock.Now(), [&](TimerWheel::Timer& timer) { ... });
//
// See docs/timers.md for why a wheel and not a heap, with measurements.

#ifndef EVKIT_TIMERS_TIMER_WHEEL_H_
#define EVKIT_TIMERS_TIMER_WHEEL_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>

#include "absl/functional/function_ref.h"
#include "evkit/base/check.h"
#include "evkit/timers/clock.h"

namespace evkit {

// Not thread-safe: a wheel and its timers belong to one thread. About 11 KiB.
class TimerWheel {
  struct Link {
    Link* next = nullptr;
    Link* prev = nullptr;
  };

 public:
  // One deadline. Embed it in the object that it times: the wheel links timers
  // in place. Destroying an armed timer disarms it. Neither copyable nor
  // movable, because the wheel holds its address.
  class Timer : private Link {
   public:
    Timer() = default;
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;
    ~Timer() { Disarm(); }

    bool armed() const { return wheel_ != nullptr; }

    // As the wheel's.
    void Disarm() {
      if (wheel_ != nullptr) wheel_->Unarm(*this);
    }

    // The time passed to the last `Arm()`, exactly.
    MonotonicTime deadline() const { return FromKey(key_); }

   private:
    friend class TimerWheel;
    TimerWheel* wheel_ = nullptr;
    uint64_t key_ = kEpochKey;
    uint64_t sequence_ = 0;  // Breaks ties: first armed, first reported.
    bool due_ = false;       // About to be reported: in no slot.
  };

  explicit TimerWheel(MonotonicTime now);
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  // Disarms the timers still armed; they are not reported. May be called from
  // `on_expired`.
  ~TimerWheel();

  // Sets `timer` to expire at `deadline`, in place of any deadline it had; in
  // the order of arming it then comes last. A deadline already past expires in
  // the next `Advance()`; `MonotonicTime::InfiniteFuture()` never does.
  //
  // Postponing a timer is cheaper still than arming it: it is moved only when
  // its old place comes up. Requires that `timer`, if armed, is armed in this
  // wheel.
  void Arm(Timer& timer, MonotonicTime deadline);

  // Does nothing if `timer` is not armed. Requires that `timer`, if armed, is
  // armed in this wheel.
  void Disarm(Timer& timer) {
    if (timer.wheel_ == nullptr) return;
    EVKIT_CHECK(timer.wheel_ == this, "the timer is armed in another wheel");
    Unarm(timer);
  }

  // When to call `Advance()` next: the first deadline. Only where many timers
  // lie close together in the distance it is an earlier time, at which
  // `Advance()` sorts them more finely; it is never later than the first
  // deadline. In the past if a timer is overdue. Empty if no timer will ever
  // expire. Called from `on_expired`, it leaves out what is about to be
  // reported.
  //
  // Remembers its answer: asking again after arming later timers costs nothing.
  std::optional<MonotonicTime> NextWakeup() {
    if (next_key_ == kUnknown) next_key_ = FindNextKey();
    if (next_key_ == kNever) return std::nullopt;
    return FromKey(next_key_);
  }

  // Moves the wheel to `now` and calls `on_expired` once for each timer whose
  // deadline is at or before `now`, in order of deadline, then of arming, each
  // disarmed before its call. `on_expired` may arm, disarm and destroy any
  // timer (what it arms is for a later `Advance()`, what it disarms is not
  // reported), but not call `Advance()`. If it throws, the rest is for the next
  // `Advance()`. A `now` before the last one counts as the last one. Returns
  // how many timers were reported.
  size_t Advance(MonotonicTime now, absl::FunctionRef<void(Timer&)> on_expired);

  // Disarms all timers, in no particular order, and calls `on_disarmed` with
  // each; it may do what `on_expired` may, but for arming. Not to be called
  // from `on_expired`.
  void Clear(absl::FunctionRef<void(Timer&)> on_disarmed);

  // How many timers are armed.
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // How often a timer has been moved to another slot so far: the price of O(1).
  // At most `kLevels` moves for each `Arm()`.
  uint64_t moves() const { return moves_; }

  // 64 slots each, of 1 ns, 64 ns, 4 us, 262 us, 17 ms, 1.1 s, 69 s ...
  static constexpr int kLevels = 11;

 private:
  static constexpr int kBits = 6;
  static constexpr int kSlotsPerLevel = 1 << kBits;
  static constexpr int kNeverSlot = kLevels * kSlotsPerLevel;
  static constexpr int kDueSlot = kNeverSlot + 1;  // Empty but in Advance().

  // Times as unsigned numbers in the same order.
  static constexpr uint64_t kEpochKey = uint64_t{1} << 63;
  static constexpr uint64_t kNever = std::numeric_limits<uint64_t>::max();
  static constexpr uint64_t kUnknown = 0;
  static constexpr uint64_t ToKey(MonotonicTime time) {
    return static_cast<uint64_t>(time.ToNanos()) ^ kEpochKey;
  }
  static constexpr MonotonicTime FromKey(uint64_t key) {
    return MonotonicTime::FromNanos(static_cast<int64_t>(key ^ kEpochKey));
  }

  // A slot, and the first and last key that belong there.
  struct Slot {
    int level;
    int index;
    uint64_t first;
    uint64_t last;
  };
  class Reporting;

  // Lists of timers, without regard to slots.
  static bool Before(const Link& a, const Link& b);
  static void Append(Link& list, Link& link);
  static void Splice(Link& list, Link& from);
  static Link* Merge(Link* a, Link* b);
  static void Sort(Link& list);
  static bool IsLong(const Link& list);
  static bool TakeIfAllDueInOrder(Link& list, uint64_t limit);

  static void Unlink(Timer& timer) {
    timer.prev->next = timer.next;
    timer.next->prev = timer.prev;
  }
  // Of one that is armed.
  void Unarm(Timer& timer) {
    if (timer.key_ <= next_key_) next_key_ = kUnknown;
    Unlink(timer);
    timer.wheel_ = nullptr;
    --size_;
  }
  void Place(Timer& timer);
  void ClearBit(const Slot& slot);
  Slot FirstSlot() const;
  uint64_t FindNextKey();
  void CollectDue(uint64_t now);
  void CollectDueOf(const Slot& slot, uint64_t now);

  uint64_t now_;                // Key of the last Advance().
  uint64_t next_key_ = kNever;  // NextWakeup(); kUnknown: to be found again.
  uint64_t next_sequence_ = 0;
  size_t size_ = 0;
  uint64_t moves_ = 0;
  Reporting* reporting_ = nullptr;  // Not null only within Advance().
  uint32_t levels_ = 0;             // Bit i: occupied_[i] is not 0.
  // Bit j of [i]: slots_[64 i + j] may be occupied; else it is empty.
  std::array<uint64_t, kLevels> occupied_ = {};
  std::array<Link, kDueSlot + 1> slots_;  // Rings.
};

}  // namespace evkit

#endif  // EVKIT_TIMERS_TIMER_WHEEL_H_

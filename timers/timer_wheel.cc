// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/timers/timer_wheel.h"

#include <algorithm>
#include <bit>

#include "evkit/base/check.h"

namespace evkit {
namespace {

// A list up to this long is looked at as a whole, a longer one is first spread
// over the slots of a finer level.
constexpr int kFew = 16;

// How many timers one may touch and still find them in a cache.
constexpr int kReadAhead = 1 << 14;

}  // namespace

inline void TimerWheel::Append(Link& list, Link& link) {
  link.next = &list;
  link.prev = list.prev;
  list.prev->next = &link;
  list.prev = &link;
}

// Puts `timer`, which is in no list, where its key belongs.
[[gnu::always_inline]] inline void TimerWheel::Place(Timer& timer) {
  timer.due_ = false;
  if (timer.key_ == kNever) {
    Append(slots_[kNeverSlot], timer);
    return;
  }
  // The level is that of the highest digit, base 64, in which the key differs
  // from the current time; the slot is that digit. What is overdue shares the
  // slot of the current nanosecond.
  const uint64_t key = std::max(timer.key_, now_);
  const int level = (63 - std::countl_zero((key ^ now_) | 1)) / kBits;
  const int index = (key >> (kBits * level)) & (kSlotsPerLevel - 1);
  Append(slots_[level * kSlotsPerLevel + index], timer);
  // Mostly they are set, and a load is cheaper than a store that the next call
  // must wait for.
  const uint64_t bit = uint64_t{1} << index;
  if ((occupied_[level] & bit) == 0) {
    occupied_[level] |= bit;
    levels_ |= uint32_t{1} << level;
  }
}

// Exists while timers are being reported; what is left when it goes, because
// `on_expired` threw, goes back into the wheel.
class TimerWheel::Reporting {
 public:
  explicit Reporting(TimerWheel& wheel) : wheel_(&wheel) {
    wheel.reporting_ = this;
  }
  Reporting(const Reporting&) = delete;
  Reporting& operator=(const Reporting&) = delete;
  ~Reporting() {
    if (wheel_ == nullptr) return;
    wheel_->reporting_ = nullptr;
    Link& due = wheel_->slots_[kDueSlot];
    while (due.next != &due) {
      Timer& timer = static_cast<Timer&>(*due.next);
      Unlink(timer);
      wheel_->Place(timer);
      wheel_->next_key_ = kUnknown;
    }
  }

  bool wheel_is_destroyed() const { return wheel_ == nullptr; }
  void OnWheelDestroyed() { wheel_ = nullptr; }

 private:
  TimerWheel* wheel_;
};

TimerWheel::TimerWheel(MonotonicTime now) : now_(ToKey(now)) {
  for (Link& slot : slots_) slot.next = slot.prev = &slot;
}

TimerWheel::~TimerWheel() {
  if (reporting_ != nullptr) reporting_->OnWheelDestroyed();
  if (size_ == 0) return;
  for (Link& slot : slots_) {
    for (Link* link = slot.next; link != &slot; link = link->next) {
      static_cast<Timer*>(link)->wheel_ = nullptr;
    }
  }
}

void TimerWheel::Clear(absl::FunctionRef<void(Timer&)> on_disarmed) {
  EVKIT_CHECK(reporting_ == nullptr, "Clear() was called from on_expired");
  for (Link& slot : slots_) {
    while (slot.next != &slot) {
      Timer& timer = static_cast<Timer&>(*slot.next);
      Disarm(timer);
      on_disarmed(timer);
    }
  }
}

void TimerWheel::Arm(Timer& timer, MonotonicTime deadline) {
  const uint64_t key = ToKey(deadline);
  const uint64_t old_key = timer.key_;
  timer.key_ = key;
  timer.sequence_ = next_sequence_++;
  if (timer.wheel_ != nullptr) {
    EVKIT_CHECK(timer.wheel_ == this, "the timer is armed in another wheel");
    if (old_key <= next_key_) next_key_ = kUnknown;
    // Postponed: it stays in a slot that comes up too early, which is found
    // out when it does.
    if (key >= old_key && !timer.due_) return;
    Unlink(timer);
  } else {
    timer.wheel_ = this;
    ++size_;
  }
  Place(timer);
  if (key < next_key_) next_key_ = key;
}

size_t TimerWheel::Advance(MonotonicTime now,
                           absl::FunctionRef<void(Timer&)> on_expired) {
  EVKIT_CHECK(reporting_ == nullptr, "Advance() called from on_expired");
  CollectDue(std::max(ToKey(now), now_));
  Link& due = slots_[kDueSlot];
  size_t count = 0;
  if (due.next == &due) return count;
  Reporting reporting(*this);
  do {
    Timer& timer = static_cast<Timer&>(*due.next);
    Unlink(timer);
    timer.wheel_ = nullptr;
    --size_;
    ++count;
    on_expired(timer);
  } while (!reporting.wheel_is_destroyed() && due.next != &due);
  return count;
}

void TimerWheel::ClearBit(const Slot& slot) {
  occupied_[slot.level] &= ~(uint64_t{1} << slot.index);
  if (occupied_[slot.level] == 0) levels_ &= ~(uint32_t{1} << slot.level);
}

// Requires that `levels_` is not 0.
TimerWheel::Slot TimerWheel::FirstSlot() const {
  // A lower level holds only times before the next slot of the one above, so
  // the lowest occupied level has the first slot. No slot before the current
  // digit is occupied: its timers were taken when the wheel passed it.
  const int level = std::countr_zero(levels_);
  const int index = std::countr_zero(occupied_[level]);
  const int shift = kBits * level;
  const uint64_t digits_above = now_ >> shift >> kBits << kBits;
  const uint64_t first = (digits_above | static_cast<uint64_t>(index)) << shift;
  return Slot{level, index, first, first | ((uint64_t{1} << shift) - 1)};
}

uint64_t TimerWheel::FindNextKey() {
  while (levels_ != 0) {
    const Slot slot = FirstSlot();
    const Link& list = slots_[slot.level * kSlotsPerLevel + slot.index];
    uint64_t least = kNever;
    int seen = 0;
    for (Link* link = list.next; link != &list;) {
      Timer& timer = static_cast<Timer&>(*link);
      link = link->next;
      if (timer.key_ > slot.last) {  // It was postponed.
        Unlink(timer);
        Place(timer);
        ++moves_;
        continue;
      }
      least = std::min(least, timer.key_);
      if (least == slot.first && least > now_) return least;
      if (++seen > kFew && slot.level > 0) return slot.first;
    }
    if (seen > 0) return least;
    ClearBit(slot);
  }
  return kNever;
}

// Moves the wheel to `now`, and what is due to its list, in order.
void TimerWheel::CollectDue(uint64_t now) {
  while (levels_ != 0) {
    const Slot slot = FirstSlot();
    if (slot.first > now) break;
    now_ = slot.first;
    CollectDueOf(slot, now);
    next_key_ = kUnknown;
  }
  now_ = now;
}

void TimerWheel::CollectDueOf(const Slot& slot, uint64_t now) {
  const int number = slot.level * kSlotsPerLevel + slot.index;
  const uint64_t limit = std::min(slot.last, now);
  Link& all_due = slots_[kDueSlot];
  ClearBit(slot);
  if (TakeIfAllDueInOrder(slots_[number], limit)) {
    Splice(all_due, slots_[number]);
    return;
  }

  Link list{&list, &list};
  Splice(list, slots_[number]);
  Link due{&due, &due};
  const bool spread = slot.level > 0 && IsLong(list);
  // The timers lie anywhere in memory, and each is found through the one
  // before: waiting for memory is most of the work. A second walk from the far
  // end, so far as caches reach, waits for two at a time.
  const Link* ahead = list.prev;
  int ahead_limit = kReadAhead;
  for (Link* link = list.next; link != &list;) {
    Timer& timer = static_cast<Timer&>(*link);
    link = link->next;
    if (--ahead_limit > 0) {
      ahead = ahead->prev;
      __builtin_prefetch(ahead);
    }
    if (!spread && timer.key_ <= limit) {
      timer.due_ = true;
      Append(due, timer);
    } else {
      Place(timer);
      ++moves_;
    }
  }
  Sort(due);
  Splice(all_due, due);
}

bool TimerWheel::Before(const Link& a, const Link& b) {
  const Timer& first = static_cast<const Timer&>(a);
  const Timer& second = static_cast<const Timer&>(b);
  if (first.key_ != second.key_) return first.key_ < second.key_;
  return first.sequence_ < second.sequence_;
}

// Moves all of `from` to the end of `list`.
void TimerWheel::Splice(Link& list, Link& from) {
  if (from.next == &from) return;
  from.next->prev = list.prev;
  list.prev->next = from.next;
  from.prev->next = &list;
  list.prev = from.prev;
  from.next = from.prev = &from;
}

bool TimerWheel::IsLong(const Link& list) {
  int count = 0;
  for (const Link* link = list.next; link != &list; link = link->next) {
    if (++count > kFew) return true;
  }
  return false;
}

// Whether `list` can be reported as it is. If so, its timers are marked due.
bool TimerWheel::TakeIfAllDueInOrder(Link& list, uint64_t limit) {
  for (Link* link = list.next; link != &list; link = link->next) {
    Timer& timer = static_cast<Timer&>(*link);
    if (timer.key_ > limit) return false;
    if (timer.prev != &list && Before(timer, *timer.prev)) return false;
    timer.due_ = true;
  }
  return true;
}

// Merges two lists that are sorted, linked by `next` and end with null.
TimerWheel::Link* TimerWheel::Merge(Link* a, Link* b) {
  Link head;
  Link* last = &head;
  while (a != nullptr && b != nullptr) {
    Link*& earlier = Before(*b, *a) ? b : a;
    last->next = earlier;
    last = earlier;
    earlier = earlier->next;
  }
  last->next = a != nullptr ? a : b;
  return head.next;
}

// Merge sort from the bottom up, of the runs that are there.
void TimerWheel::Sort(Link& list) {
  if (list.next == list.prev) return;
  // Each of `runs` is null or has at least twice as many runs as the one before
  // it, so that 64 are enough.
  std::array<Link*, 64> runs;
  int used = 0;
  list.prev->next = nullptr;
  for (Link* rest = list.next; rest != nullptr;) {
    Link* run = rest;
    Link* last = run;
    while (last->next != nullptr && Before(*last, *last->next)) {
      last = last->next;
    }
    rest = last->next;
    last->next = nullptr;
    int i = 0;
    for (; i < used && runs[i] != nullptr; ++i) {
      run = Merge(runs[i], run);
      runs[i] = nullptr;
    }
    if (i == used) ++used;
    runs[i] = run;
  }
  Link* sorted = nullptr;
  for (int i = 0; i < used; ++i) sorted = Merge(runs[i], sorted);

  list.next = list.prev = &list;
  while (sorted != nullptr) {
    Link* const next = sorted->next;
    Append(list, *sorted);
    sorted = next;
  }
}

}  // namespace evkit

// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Who waits for a primitive, first come first served. Nothing is allocated: a
// place in the list is in the frame of the coroutine that waits.

#ifndef EVKIT_LOOP_SYNC_INTERNAL_WAIT_LIST_H_
#define EVKIT_LOOP_SYNC_INTERNAL_WAIT_LIST_H_

#include "evkit/loop/coro/waiter.h"

namespace evkit::loop_internal {

class WaitList;

// A waiter and its place in a list: a local of the coroutine that awaits
// `waiter()`. Gives the place up when it is destroyed.
class WaitPlace {
 public:
  // Appends it. `what` as for Waiter.
  WaitPlace(WaitList& list, const char* what);
  WaitPlace(const WaitPlace&) = delete;
  WaitPlace& operator=(const WaitPlace&) = delete;
  ~WaitPlace() { Leave(); }

  Waiter& waiter() { return waiter_; }
  // Whether it was woken, which its task may not have noticed yet.
  bool woken() const { return waiter_.completed(); }
  bool cancelled() const { return waiter_.done() && !waiter_.completed(); }
  // Takes it out of its list, if it is in one.
  void Leave();

 private:
  friend class WaitList;

  WaitList* list_ = nullptr;
  WaitPlace* previous_ = nullptr;
  WaitPlace* next_ = nullptr;
  Waiter waiter_;
};

class WaitList {
 public:
  WaitList() = default;
  WaitList(const WaitList&) = delete;
  WaitList& operator=(const WaitList&) = delete;

  bool empty() const { return first_ == nullptr; }
  WaitPlace* first() { return first_; }

  // Whether there is somebody whose wait was not cancelled.
  bool HasLive() const {
    const WaitPlace* place = first_;
    while (place != nullptr && place->cancelled()) place = place->next_;
    return place != nullptr;
  }

  // Takes places from the front up to the first one that still waits, and wakes
  // that. It goes to the end of `woken`, or to no list if that is null. False
  // if nobody waits.
  bool WakeNext(WaitList* woken = nullptr) {
    while (first_ != nullptr) {
      WaitPlace& place = *first_;
      Remove(place);
      if (place.waiter_.Complete()) {
        if (woken != nullptr) woken->Append(place);
        return true;
      }
    }
    return false;
  }
  void WakeAll() {
    while (WakeNext()) {
    }
  }

 private:
  friend class WaitPlace;

  void Append(WaitPlace& place) {
    place.list_ = this;
    place.previous_ = last_;
    (last_ == nullptr ? first_ : last_->next_) = &place;
    last_ = &place;
  }
  void Remove(WaitPlace& place) {
    (place.previous_ == nullptr ? first_ : place.previous_->next_) =
        place.next_;
    (place.next_ == nullptr ? last_ : place.next_->previous_) = place.previous_;
    place.list_ = nullptr;
    place.previous_ = nullptr;
    place.next_ = nullptr;
  }

  WaitPlace* first_ = nullptr;
  WaitPlace* last_ = nullptr;
};

inline WaitPlace::WaitPlace(WaitList& list, const char* what) : waiter_(what) {
  list.Append(*this);
}

inline void WaitPlace::Leave() {
  if (list_ != nullptr) list_->Remove(*this);
}

}  // namespace evkit::loop_internal

#endif  // EVKIT_LOOP_SYNC_INTERNAL_WAIT_LIST_H_

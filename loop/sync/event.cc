// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/sync/event.h"

#include <utility>

#include "evkit/loop/sync/internal/sync_state.h"
#include "evkit/loop/sync/internal/wait_list.h"

namespace evkit {

namespace loop_internal {

class EventState final : public SyncState {
 public:
  EventState() = default;

  WaitList waiters;
  bool is_set = false;
};

}  // namespace loop_internal

namespace {

using EventRef = loop_internal::RefPtr<loop_internal::EventState>;

Coro<void> WaitFor(EventRef event) {
  if (event->is_set) co_return absl::OkStatus();
  const absl::Status bound = event->Bind("Event");
  if (!bound.ok()) co_return bound;
  loop_internal::WaitPlace place(event->waiters, "Event.Wait");
  co_return co_await place.waiter();
}

}  // namespace

Event::Event() : state_(EventRef::Adopt(new loop_internal::EventState())) {}

Event::~Event() = default;

bool Event::is_set() const { return state_->is_set; }

void Event::Set() {
  if (state_->is_set) return;
  state_->is_set = true;
  state_->waiters.WakeAll();
}

void Event::Clear() { state_->is_set = false; }

Coro<void> Event::Wait() { return WaitFor(state_); }

}  // namespace evkit

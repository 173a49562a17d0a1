// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/coro/as_completed.h"

#include <algorithm>

#include "absl/container/flat_hash_set.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/coro/internal/task_state.h"
#include "evkit/loop/coro/timeout.h"

namespace evkit::loop_internal {

// One who waits for the queue. If it does not come to take what it was woken
// for, the next one is.
class AsCompletedState::Getter {
 public:
  explicit Getter(AsCompletedState& state)
      : state_(state), waiter_("AsCompleted.Next") {
    state_.getters_.push_back(&waiter_);
  }
  Getter(const Getter&) = delete;
  Getter& operator=(const Getter&) = delete;
  ~Getter() {
    if (succeeded_) return;
    auto& getters = state_.getters_;
    const auto it = std::find(getters.begin(), getters.end(), &waiter_);
    if (it != getters.end()) getters.erase(it);
    if (waiter_.completed() && !state_.done_.empty()) state_.WakeNextGetter();
  }

  Waiter& waiter() { return waiter_; }
  void set_succeeded() { succeeded_ = true; }

 private:
  AsCompletedState& state_;
  Waiter waiter_;
  bool succeeded_ = false;
};

AsCompletedState::AsCompletedState(std::vector<FutureRef> futures,
                                   absl::Duration timeout)
    : futures_(std::move(futures)), creator_(TaskState::Current()) {
  absl::flat_hash_set<const FutureState*> seen;
  seen.reserve(futures_.size());
  callbacks_.reserve(futures_.size());
  for (const FutureRef& future : futures_) {
    if (!seen.insert(future.get()).second) continue;
    callbacks_.emplace_back(*future, creator_.get(),
                            [this](FutureState& done) { OnDone(done); });
  }
  to_come_ = callbacks_.size();
  remaining_ = to_come_;
  if (to_come_ == 0 || timeout == absl::InfiniteDuration()) return;
  AbstractEventLoop* const loop = futures_.front()->loop();
  if (loop == nullptr) return;
  timer_ = loop->CallLater(timeout, [this] { OnTimeout(); });
}

void AsCompletedState::OnDone(FutureState& future) {
  Put(FutureRef(&future));
  if (--to_come_ == 0) timer_.Cancel();
}

void AsCompletedState::OnTimeout() {
  callbacks_.clear();
  for (; to_come_ > 0; --to_come_) Put(FutureRef());
}

void AsCompletedState::Put(FutureRef future) {
  done_.push_back(std::move(future));
  WakeNextGetter();
}

void AsCompletedState::WakeNextGetter() {
  while (!getters_.empty()) {
    Waiter& waiter = *getters_.front();
    getters_.pop_front();
    if (waiter.Complete()) return;
  }
}

Coro<FutureRef> AsCompletedState::Get(bool claimed) {
  if (!claimed) co_return absl::OutOfRangeError("AsCompleted: nothing remains");
  while (done_.empty()) {
    Getter getter(*this);
    absl::Status status = co_await getter.waiter();
    if (!status.ok()) {
      ++remaining_;
      co_return status;
    }
    getter.set_succeeded();
  }
  FutureRef future = std::move(done_.front());
  done_.pop_front();
  if (!future) co_return TimedOutError();
  co_return future;
}

}  // namespace evkit::loop_internal

// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/coro/shield.h"

namespace evkit::loop_internal {

void ShieldState::Begin(FutureState& inner) {
  // Not const: what is captured has to be movable to be held in place.
  FutureRef self(this);
  callback_ = OwnedDoneCallback(inner, this, [self](FutureState& done) {
    static_cast<ShieldState&>(*self).OnInnerDone(done);
  });
}

bool ShieldState::Cancel(absl::string_view message) {
  const FutureRef keep_alive(this);
  if (!FutureState::Cancel(message)) return false;
  callback_ = OwnedDoneCallback();
  return true;
}

void ShieldState::OnInnerDone(FutureState& inner) {
  if (done()) return;
  if (inner.cancelled()) {
    CompleteCancelled("");
    return;
  }
  inner.MarkRetrieved();
  if (inner.slot().exception != nullptr) {
    FinishWith(inner.slot().exception);
  } else if (inner.failed()) {
    FinishWith(inner.slot().status);
  } else {
    TakeValue(inner);
    CompleteFinished(/*failed=*/!slot().status.ok());
  }
}

}  // namespace evkit::loop_internal

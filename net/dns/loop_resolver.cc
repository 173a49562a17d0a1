// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/dns/loop_resolver.h"

#include <memory>
#include <utility>

#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/loop_local.h"
#include "evkit/net/dns/resolver.h"
#include "evkit/net/dns/thread_resolver.h"

namespace evkit {
namespace {

class Slot {
 public:
  Slot() = default;

  std::shared_ptr<Resolver> resolver;  // See GetResolver(). Null: none yet.
};

constexpr LoopLocal<Slot> slots;

}  // namespace

std::shared_ptr<Resolver> GetResolver(AbstractEventLoop& loop) {
  Slot& slot = slots.Get(loop);
  if (slot.resolver == nullptr) {
    slot.resolver = std::make_shared<ThreadResolver>(loop);
  }
  return slot.resolver;
}

void SetResolver(AbstractEventLoop& loop, std::shared_ptr<Resolver> resolver) {
  // The old one goes last: that may call anything.
  std::swap(slots.Get(loop).resolver, resolver);
}

}  // namespace evkit

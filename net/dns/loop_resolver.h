// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The resolver that each loop has: what GetAddrInfo() and all that connects by
// name asks.

#ifndef EVKIT_NET_DNS_LOOP_RESOLVER_H_
#define EVKIT_NET_DNS_LOOP_RESOLVER_H_

#include <memory>

#include "evkit/loop/abstract_event_loop.h"
#include "evkit/net/dns/resolver.h"

namespace evkit {

// The loop's resolver: the one that was set, else a `ThreadResolver`, made by
// the first call. Owned by the loop, until it is closed or another is set, and
// by whoever awaits an answer. Belongs to the loop's thread. Requires an open
// loop (checked).
std::shared_ptr<Resolver> GetResolver(AbstractEventLoop& loop);

// From now on `resolver`, which is of this loop, is asked; null means a new
// `ThreadResolver`. Questions that were asked before are answered by whom they
// were asked of. Belongs to the loop's thread. Requires an open loop (checked).
void SetResolver(AbstractEventLoop& loop, std::shared_ptr<Resolver> resolver);

}  // namespace evkit

#endif  // EVKIT_NET_DNS_LOOP_RESOLVER_H_

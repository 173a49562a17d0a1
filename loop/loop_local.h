// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// One object of a kind for each loop, made when first asked for: how a package
// keeps something per loop (a resolver, a thread pool) without the loop knowing
// of it.
//
//   const LoopLocal<Resolver> resolver;       // static storage; stateless
//   resolver.Get(loop).Resolve(...);

#ifndef EVKIT_LOOP_LOOP_LOCAL_H_
#define EVKIT_LOOP_LOOP_LOCAL_H_

#include <type_traits>

#include "evkit/base/check.h"
#include "evkit/loop/abstract_event_loop.h"

namespace evkit {

// T is constructed from `AbstractEventLoop&` if it can be, else by default. Its
// objects are destroyed in the loop's `Close()`, last made first; by then the
// loop refuses callbacks. Get() belongs to the loop's thread.
template <typename T>
class LoopLocal {
 public:
  constexpr LoopLocal() = default;
  LoopLocal(const LoopLocal&) = delete;
  LoopLocal& operator=(const LoopLocal&) = delete;

  // This loop's object. Requires an open loop, unless it has one already.
  T& Get(AbstractEventLoop& loop) const {
    if (T* const existing = GetIfExists(loop)) return *existing;
    EVKIT_CHECK(!loop.IsClosed(), "a closed loop takes no new local object");
    T* object;
    if constexpr (std::is_constructible_v<T, AbstractEventLoop&>) {
      object = new T(loop);
    } else {
      object = new T();
    }
    loop.locals_.push_back(AbstractEventLoop::Local(
        this, object, [](void* local) { delete static_cast<T*>(local); }));
    return *object;
  }

  // Null if there is none.
  T* GetIfExists(const AbstractEventLoop& loop) const {
    return static_cast<T*>(loop.FindLocal(this));
  }

 private:
  char address_ = 0;  // Objects of size zero could share an address.
};

}  // namespace evkit

#endif  // EVKIT_LOOP_LOOP_LOCAL_H_

// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The way into a loop for threads that may outlive it: CallSoonThreadsafe() for
// those that cannot know whether the loop still exists.
//
//   std::shared_ptr<LoopPort> port = LoopPort::Of(loop);   // the loop's thread
//   port->Post([] { ... }).IgnoreError();                  // any, at any time

#ifndef EVKIT_LOOP_EXECUTOR_LOOP_PORT_H_
#define EVKIT_LOOP_EXECUTOR_LOOP_PORT_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>

#include "absl/status/status.h"
#include "evkit/base/source_location.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/callback.h"
#include "evkit/loop/context.h"

namespace evkit {

// Thread-safe. Shared by the loop, until it is closed, and whoever posts.
class LoopPort {
 public:
  // The port of `loop`, the same each time; of a closed one, a port that is
  // closed. Belongs to the loop's thread.
  static std::shared_ptr<LoopPort> Of(AbstractEventLoop& loop);

  LoopPort(const LoopPort&) = delete;
  LoopPort& operator=(const LoopPort&) = delete;

  // `loop.CallSoonThreadsafe()` as long as there is a loop to call. A callback
  // that is refused is destroyed on the calling thread before this returns; one
  // that the loop took and could not run is destroyed by its `Close()`.
  //   kFailedPrecondition: the loop is closed or gone, or this is a child that
  //     inherited it through fork.
  //   Another error: as for CallSoonThreadsafe(), it is queued.
  absl::Status Post(Callback callback,
                    SourceLocation where = SourceLocation::Here()) {
    return DoPost(std::move(callback), nullptr, where);
  }
  // To run in the very `context` given.
  absl::Status Post(Callback callback, const Context& context,
                    SourceLocation where = SourceLocation::Here()) {
    return DoPost(std::move(callback), &context, where);
  }

 private:
  class Closer;

  explicit LoopPort(AbstractEventLoop* loop);
  absl::Status DoPost(Callback&& callback, const Context* context,
                      SourceLocation where);
  void Close();

  const uint32_t fork_generation_;
  // Guards the rest, and the loop's life while somebody posts.
  std::mutex mutex_;
  AbstractEventLoop* loop_;  // Null: closed.
};

}  // namespace evkit

#endif  // EVKIT_LOOP_EXECUTOR_LOOP_PORT_H_

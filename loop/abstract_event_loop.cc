// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/abstract_event_loop.h"

namespace evkit {

AbstractEventLoop::~AbstractEventLoop() { DestroyLocals(); }

bool AbstractEventLoop::CallSoonNode(HandleNode& node) {
  const Handle handle(&node);
  if (IsClosed()) return false;
  CallSoon(
      [handle, &node] {
        if (!node.cancelled()) node.Run();
      },
      node.context().context(), node.scheduled_at());
  return true;
}

bool AbstractEventLoop::ArmTimer(loop_internal::KeptTimer&, MonotonicTime) {
  return false;
}

absl::Status AbstractEventLoop::WatchFd(int, uint32_t, bool,
                                        loop_internal::FdWaiter&) {
  return absl::UnimplementedError("WatchFd: not by this event loop");
}

bool AbstractEventLoop::ForgetFd(int fd) {
  const bool had_reader = RemoveReader(fd);
  const bool had_writer = RemoveWriter(fd);
  return had_reader || had_writer;
}

void AbstractEventLoop::DestroyLocals() {
  while (!locals_.empty()) {
    const Local last = std::move(locals_.back());
    locals_.pop_back();
  }
}

void* AbstractEventLoop::FindLocal(const void* key) const {
  for (const Local& local : locals_) {
    if (local.key() == key) return local.object();
  }
  return nullptr;
}

}  // namespace evkit

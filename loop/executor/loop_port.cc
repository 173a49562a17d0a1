// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/executor/loop_port.h"

#include <utility>

#include "absl/memory/memory.h"
#include "evkit/base/fork_generation.h"
#include "evkit/loop/loop_local.h"

namespace evkit {

// Closes the port when the loop is closed.
class LoopPort::Closer {
 public:
  explicit Closer(AbstractEventLoop& loop)
      : port_(absl::WrapUnique(new LoopPort(&loop))) {}
  ~Closer() { port_->Close(); }

  const std::shared_ptr<LoopPort>& port() const { return port_; }

 private:
  const std::shared_ptr<LoopPort> port_;
};

std::shared_ptr<LoopPort> LoopPort::Of(AbstractEventLoop& loop) {
  static constexpr LoopLocal<Closer> ports;
  if (loop.IsClosed()) return absl::WrapUnique(new LoopPort(nullptr));
  return ports.Get(loop).port();
}

LoopPort::LoopPort(AbstractEventLoop* loop)
    : fork_generation_(ForkGeneration()), loop_(loop) {}

absl::Status LoopPort::DoPost(Callback&& callback, const Context* context,
                              SourceLocation where) {
  if (fork_generation_ != ForkGeneration()) {
    return absl::FailedPreconditionError(
        "Post: event loop belongs to the parent process");
  }
  // A share is kept here, so that a callback which the loop refuses is not
  // destroyed, which may run user code, under the lock.
  const auto shared = std::make_shared<Callback>(std::move(callback));
  auto call = [shared] { (*shared)(); };
  const std::lock_guard<std::mutex> lock(mutex_);
  if (loop_ == nullptr) {
    return absl::FailedPreconditionError("Post: event loop is closed");
  }
  return context == nullptr
             ? loop_->CallSoonThreadsafe(std::move(call), where)
             : loop_->CallSoonThreadsafe(std::move(call), *context, where);
}

void LoopPort::Close() {
  // In a forked child a thread that does not exist may own the lock for ever,
  // and there is no other that could post.
  std::unique_lock<std::mutex> lock(mutex_, std::defer_lock);
  if (fork_generation_ == ForkGeneration()) lock.lock();
  loop_ = nullptr;
}

}  // namespace evkit

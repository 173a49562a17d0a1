// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/policy/event_loop_policy.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "evkit/base/fork_generation.h"

namespace evkit {
namespace {

std::atomic<uint64_t> next_policy_id{1};

pid_t ThreadId() { return static_cast<pid_t>(syscall(SYS_gettid)); }

struct PolicySlot {
  std::mutex mutex;
  std::shared_ptr<EventLoopPolicy> policy;  // Guarded by mutex.
};

// Never destroyed: a static object's destructor may still ask for the policy.
PolicySlot& Slot() {
  static PolicySlot* const slot = new PolicySlot();
  return *slot;
}

}  // namespace

// One thread's view of one policy.
struct DefaultEventLoopPolicy::ThreadState {
  uint64_t policy_id = 0;
  uint32_t fork_generation = 0;
  AbstractEventLoop* current = nullptr;
  bool set_called = false;
  std::unique_ptr<AbstractEventLoop> made_here;
};

DefaultEventLoopPolicy::DefaultEventLoopPolicy(LoopFactory factory)
    : factory_(std::move(factory)),
      id_(next_policy_id.fetch_add(1, std::memory_order_relaxed)) {}

DefaultEventLoopPolicy::ThreadState& DefaultEventLoopPolicy::ThisThread()
    const {
  // Policies are few, and mostly one: a search is as good as a map.
  thread_local std::vector<std::unique_ptr<ThreadState>> states;
  const uint32_t generation = ForkGeneration();
  for (const std::unique_ptr<ThreadState>& state : states) {
    if (state->policy_id != id_) continue;
    if (state->fork_generation != generation) {
      // The parent's loop is left alone: destroying it here is up to nobody.
      (void)state->made_here.release();
      *state = ThreadState();
      state->policy_id = id_;
      state->fork_generation = generation;
    }
    return *state;
  }
  states.push_back(std::make_unique<ThreadState>());
  states.back()->policy_id = id_;
  states.back()->fork_generation = generation;
  return *states.back();
}

absl::StatusOr<AbstractEventLoop*> DefaultEventLoopPolicy::GetEventLoop() {
  ThreadState& state = ThisThread();
  if (state.current != nullptr) return state.current;
  const pid_t thread = ThreadId();
  if (state.set_called || thread != getpid()) {
    return absl::FailedPreconditionError(
        absl::StrCat("there is no current event loop in thread ", thread));
  }
  absl::StatusOr<std::unique_ptr<AbstractEventLoop>> loop = NewEventLoop();
  if (!loop.ok()) return loop.status();
  state.made_here = *std::move(loop);
  state.current = state.made_here.get();
  return state.current;
}

void DefaultEventLoopPolicy::SetEventLoop(AbstractEventLoop* loop) {
  ThreadState& state = ThisThread();
  state.set_called = true;
  state.current = loop;
}

absl::StatusOr<std::unique_ptr<AbstractEventLoop>>
DefaultEventLoopPolicy::NewEventLoop() {
  return factory_();
}

std::shared_ptr<EventLoopPolicy> GetEventLoopPolicy() {
  PolicySlot& slot = Slot();
  std::lock_guard<std::mutex> lock(slot.mutex);
  return slot.policy;
}

void SetEventLoopPolicy(std::shared_ptr<EventLoopPolicy> policy) {
  PolicySlot& slot = Slot();
  {
    std::lock_guard<std::mutex> lock(slot.mutex);
    slot.policy.swap(policy);
  }
  // The old one goes here, outside of the lock.
}

std::shared_ptr<EventLoopPolicy> GetOrInstallEventLoopPolicy(
    LoopFactory factory) {
  PolicySlot& slot = Slot();
  std::lock_guard<std::mutex> lock(slot.mutex);
  if (slot.policy == nullptr) {
    slot.policy = std::make_shared<DefaultEventLoopPolicy>(std::move(factory));
  }
  return slot.policy;
}

}  // namespace evkit

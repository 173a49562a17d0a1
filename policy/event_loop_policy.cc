// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/policy/event_loop_policy.h"

#include <sys/types.h>

#include <atomic>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "evkit/base/check.h"
#include "evkit/base/fork_generation.h"
#include "evkit/base/syscalls.h"

namespace evkit {
namespace {

std::atomic<uint64_t> next_policy_id{1};

// True from when this thread's `thread_local` objects are being destroyed.
constinit thread_local bool thread_is_ending = false;

struct PolicySlot {
  std::mutex mutex;
  std::shared_ptr<EventLoopPolicy> policy;  // Guarded by mutex.
};

// Never destroyed: a static object's destructor may still ask for the policy.
PolicySlot& Slot() {
  static PolicySlot* const slot = new PolicySlot();
  return *slot;
}

// For a loop that may not be destroyed. Keeps its address, so that leak
// checkers do not take it for lost. Called in main threads only: others make no
// loops.
void Abandon(std::unique_ptr<AbstractEventLoop> loop) {
  static auto* const abandoned = new std::vector<AbstractEventLoop*>();
  abandoned->push_back(loop.release());
}

}  // namespace

// One thread's view of one policy.
struct DefaultEventLoopPolicy::ThreadState {
  explicit ThreadState(uint64_t id)
      : policy_id(id), fork_generation(ForkGeneration()) {}
  ThreadState(const ThreadState&) = delete;
  ThreadState& operator=(const ThreadState&) = delete;
  ~ThreadState() {
    // One is the parent's; in the callback of the other, exit() was called.
    if (made_here != nullptr && (is_inherited() || made_here->IsRunning())) {
      Abandon(std::move(made_here));
    }
  }

  bool is_inherited() const { return fork_generation != ForkGeneration(); }

  const uint64_t policy_id;
  const uint32_t fork_generation;
  AbstractEventLoop* current = nullptr;
  bool set_called = false;
  std::unique_ptr<AbstractEventLoop> made_here;
};

// One thread's view of all policies. They are few, and mostly one: a search is
// as good as a map.
class DefaultEventLoopPolicy::ThreadStates {
 public:
  ThreadStates() = default;
  ThreadStates(const ThreadStates&) = delete;
  ThreadStates& operator=(const ThreadStates&) = delete;
  // Destroying a loop runs user code, which may ask for its loop.
  ~ThreadStates() { thread_is_ending = true; }

  ThreadState& Get(uint64_t policy_id) {
    for (std::unique_ptr<ThreadState>& state : states_) {
      if (state->policy_id != policy_id) continue;
      if (state->is_inherited()) {
        state = std::make_unique<ThreadState>(policy_id);
      }
      return *state;
    }
    states_.push_back(std::make_unique<ThreadState>(policy_id));
    return *states_.back();
  }

 private:
  std::vector<std::unique_ptr<ThreadState>> states_;
};

DefaultEventLoopPolicy::DefaultEventLoopPolicy(LoopFactory factory)
    : factory_(std::move(factory)),
      id_(next_policy_id.fetch_add(1, std::memory_order_relaxed)) {
  EVKIT_CHECK(factory_ != nullptr, "a policy needs something to make loops");
}

DefaultEventLoopPolicy::ThreadState* DefaultEventLoopPolicy::ThisThread()
    const {
  if (thread_is_ending) return nullptr;
  thread_local ThreadStates states;
  return &states.Get(id_);
}

absl::StatusOr<AbstractEventLoop*> DefaultEventLoopPolicy::GetEventLoop() {
  ThreadState* const state = ThisThread();
  if (state != nullptr && state->current != nullptr) return state->current;
  const pid_t thread = sys::gettid();
  if (state == nullptr || state->set_called || thread != sys::getpid()) {
    return absl::FailedPreconditionError(
        absl::StrCat("there is no current event loop in thread ", thread));
  }
  absl::StatusOr<std::unique_ptr<AbstractEventLoop>> loop = NewEventLoop();
  if (!loop.ok()) return loop.status();
  EVKIT_CHECK(*loop != nullptr, "the policy made a null loop");
  state->made_here = *std::move(loop);
  state->current = state->made_here.get();
  return state->current;
}

void DefaultEventLoopPolicy::SetEventLoop(AbstractEventLoop* loop) {
  ThreadState* const state = ThisThread();
  if (state == nullptr) return;
  state->set_called = true;
  state->current = loop;
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

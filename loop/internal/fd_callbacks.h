// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Which callback is to be called for which descriptor: the reader's and the
// writer's handle of each, and what the selector is told to watch.

#ifndef EVKIT_LOOP_INTERNAL_FD_CALLBACKS_H_
#define EVKIT_LOOP_INTERNAL_FD_CALLBACKS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "evkit/loop/handle_node.h"
#include "evkit/loop/internal/fd_waiter.h"
#include "evkit/loop/internal/ready_queue.h"
#include "evkit/selectors/selector.h"

namespace evkit::loop_internal {

// Owns one reference to each handle. Belongs to the loop's thread. The token of
// each registration is the descriptor itself: the selector sees to it that no
// event of a closed one arrives.
class FdCallbacks {
 public:
  // `selector` must outlive it.
  explicit FdCallbacks(Selector& selector) : selector_(selector) {}
  FdCallbacks(const FdCallbacks&) = delete;
  FdCallbacks& operator=(const FdCallbacks&) = delete;

  // Makes `node` the callback for `direction`, which is kRead or kWrite, in
  // place of another, which it cancels. Counts a reference to it if, and only
  // if, it succeeds. See `AbstractEventLoop::AddReader()` for the errors.
  absl::Status Add(int fd, Interest direction, HandleNode& node);

  // See `AbstractEventLoop::WatchFd()`. Fails as `Add()`.
  absl::Status Watch(int fd, uint32_t file, Interest direction,
                     FdWaiter& waiter) {
    if (static_cast<size_t>(fd) < slots_.size()) {
      const Slot& slot = slots_[static_cast<size_t>(fd)];
      if (slot.file == file && Any(slot.waits & direction)) {
        static_cast<FdWaitNode*>(slot.For(direction))->Arm(waiter);
        return absl::OkStatus();
      }
    }
    return AddWait(fd, file, direction, waiter);
  }

  // Cancels the callback. Whether there was one; a wait at rest is none.
  bool Remove(int fd, Interest direction);

  // Cancels both callbacks of a descriptor that is about to be closed; see
  // `AbstractEventLoop::ForgetFd()`. Whether there was one.
  bool Forget(int fd);

  // Queues the callbacks of one descriptor: the reader's before the writer's
  // (TURN-14), each only if it is not queued yet. One whose handle somebody
  // cancelled is removed instead (TURN-16).
  void QueueReady(const ReadyEvent& event, ReadyQueue& ready) {
    if (Any(event.ready & Interest::kRead)) {
      Queue(event.fd, Interest::kRead, ready);
    }
    if (Any(event.ready & Interest::kWrite)) {
      Queue(event.fd, Interest::kWrite, ready);
    }
  }

  // Drops all callbacks without a word to the selector.
  void Clear();

  // Whether no descriptor is watched.
  bool empty() const { return watched_ == 0; }

 private:
  struct Slot {
    HandleNode* reader = nullptr;
    HandleNode* writer = nullptr;

    // Of what file the waits are.
    uint32_t file = 0;
    // Which of the nodes are FdWaitNodes.
    Interest waits = Interest::kNone;

    HandleNode*& For(Interest direction) {
      return direction == Interest::kRead ? reader : writer;
    }
    HandleNode* For(Interest direction) const {
      return direction == Interest::kRead ? reader : writer;
    }
    // Whether there are only waits, and nobody waits.
    bool at_rest() const {
      return waits == interest() &&
             (reader == nullptr || reader->cancelled()) &&
             (writer == nullptr || writer->cancelled());
    }
    Interest interest() const {
      return (reader != nullptr ? Interest::kRead : Interest::kNone) |
             (writer != nullptr ? Interest::kWrite : Interest::kNone);
    }
  };

  absl::Status AddNode(int fd, Interest direction, HandleNode& node);
  absl::Status AddWait(int fd, uint32_t file, Interest direction,
                       FdWaiter& waiter);
  void ForgetRest(int fd);
  absl::Status Register(int fd, Interest registered, Interest direction,
                        bool& is_new_file);
  void Queue(int fd, Interest direction, ReadyQueue& ready) {
    HandleNode* const node = slots_[static_cast<size_t>(fd)].For(direction);
    if (node == nullptr) return;
    if (node->cancelled()) {
      Remove(fd, direction);
    } else if (!node->queued) {
      node->Ref();
      ready.Push(node);
    }
  }
  void Drop(HandleNode*& node);

  Selector& selector_;
  std::vector<Slot> slots_;  // By descriptor.
  size_t watched_ = 0;       // Slots that are not empty.
};

}  // namespace evkit::loop_internal

#endif  // EVKIT_LOOP_INTERNAL_FD_CALLBACKS_H_

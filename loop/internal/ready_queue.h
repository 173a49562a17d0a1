// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What will run next, first come first served.

#ifndef EVKIT_LOOP_INTERNAL_READY_QUEUE_H_
#define EVKIT_LOOP_INTERNAL_READY_QUEUE_H_

#include "evkit/loop/handle_node.h"

namespace evkit::loop_internal {

// An intrusive list: each queued node counts one reference. Not thread-safe.
class ReadyQueue {
 public:
  ReadyQueue() = default;
  ReadyQueue(const ReadyQueue&) = delete;
  ReadyQueue& operator=(const ReadyQueue&) = delete;

  // Takes over one reference. Requires that `node` is not queued.
  void Push(HandleNode* node) {
    node->queued = true;
    node->next = nullptr;
    *tail_ = node;
    tail_ = &node->next;
  }

  // Takes over a reference to each node from `first` to `last`, which are
  // linked by `next` and have `queued` set.
  void Append(HandleNode* first, HandleNode* last) {
    last->next = nullptr;
    *tail_ = first;
    tail_ = &last->next;
  }

  // Hands the reference to the caller. Requires that the queue is not empty.
  HandleNode* Pop() {
    HandleNode* const node = head_;
    head_ = node->next;
    if (head_ == nullptr) tail_ = &head_;
    node->queued = false;
    return node;
  }

  bool empty() const { return head_ == nullptr; }

  // Where the queue ends now, for telling later whether a node that was popped
  // was the last one then.
  using Mark = HandleNode* const*;
  Mark end() const { return tail_; }
  static bool IsLastBefore(Mark end, const HandleNode& node) {
    return &node.next == end;
  }

 private:
  HandleNode* head_ = nullptr;
  HandleNode** tail_ = &head_;
};

}  // namespace evkit::loop_internal

#endif  // EVKIT_LOOP_INTERNAL_READY_QUEUE_H_

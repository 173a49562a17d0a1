// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/coro/internal/frame_allocator.h"

namespace evkit::loop_internal {

constinit thread_local FrameAllocator::Lists FrameAllocator::lists_;

// Gives back what a thread has kept.
class FrameAllocator::ThreadEnd {
 public:
  ThreadEnd() { lists_.most_kept_bytes = kMostKeptBytes; }
  ~ThreadEnd() {
    lists_.most_kept_bytes = 0;
    for (Block*& head : lists_.free) {
      while (head != nullptr) {
        Block* const block = head;
        head = block->next;
        ::operator delete(block);
      }
    }
    lists_.kept_bytes = 0;
  }
};

void* FrameAllocator::AllocateNew(size_t size) {
  static thread_local ThreadEnd thread_end;
  return ::operator new(size);
}

}  // namespace evkit::loop_internal

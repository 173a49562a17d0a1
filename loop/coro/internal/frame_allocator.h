// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Memory for coroutine frames and tasks, which come and go by the million in a
// few sizes: a free list for each size and thread.

#ifndef EVKIT_LOOP_CORO_INTERNAL_FRAME_ALLOCATOR_H_
#define EVKIT_LOOP_CORO_INTERNAL_FRAME_ALLOCATOR_H_

#include <cstddef>
#include <new>

#if defined(__SANITIZE_ADDRESS__)
#define EVKIT_RECYCLE_FRAMES 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define EVKIT_RECYCLE_FRAMES 0
#endif
#endif
#if !defined(EVKIT_RECYCLE_FRAMES)
#define EVKIT_RECYCLE_FRAMES 1
#endif

namespace evkit::loop_internal {

// Thread-safe, since each thread has lists of its own: what another thread
// allocated is kept by the one that frees it. A thread keeps at most 8 MiB; the
// rest, and blocks over 2 KiB, go back to the heap. Under AddressSanitizer
// nothing is kept, so that it sees every use after free.
class FrameAllocator {
 public:
  [[gnu::always_inline]] static void* Allocate(size_t size) {
    if constexpr (EVKIT_RECYCLE_FRAMES) {
      const size_t size_class = ClassOf(size);
      if (size_class < kClasses) {
        Lists& lists = lists_;
        if (Block* const block = lists.free[size_class]; block != nullptr) {
          lists.free[size_class] = block->next;
          lists.kept_bytes -= (size_class + 1) * kGranule;
          return block;
        }
        return AllocateNew((size_class + 1) * kGranule);
      }
    }
    return ::operator new(size);
  }

  // `size` is what was asked for.
  [[gnu::always_inline]] static void Free(void* memory, size_t size) noexcept {
    if constexpr (EVKIT_RECYCLE_FRAMES) {
      const size_t size_class = ClassOf(size);
      Lists& lists = lists_;
      if (size_class < kClasses && lists.kept_bytes < lists.most_kept_bytes) {
        Block* const block = static_cast<Block*>(memory);
        block->next = lists.free[size_class];
        lists.free[size_class] = block;
        lists.kept_bytes += (size_class + 1) * kGranule;
        return;
      }
    }
    ::operator delete(memory);
  }

 private:
  struct Block {
    Block* next;
  };
  static constexpr size_t kGranule = 64;
  static constexpr size_t kClasses = 32;
  static constexpr size_t kMostKeptBytes = size_t{8} << 20;
  // Trivially destructible, so that it can be used until a thread is gone.
  struct Lists {
    Block* free[kClasses] = {};
    size_t kept_bytes = 0;
    // None before the first allocation, which arranges for the end of the
    // thread, and none after that.
    size_t most_kept_bytes = 0;
  };
  class ThreadEnd;

  static constexpr size_t ClassOf(size_t size) {
    return size == 0 ? 0 : (size - 1) / kGranule;
  }
  static void* AllocateNew(size_t size);

  static constinit thread_local Lists lists_;
};

}  // namespace evkit::loop_internal

#endif  // EVKIT_LOOP_CORO_INTERNAL_FRAME_ALLOCATOR_H_

// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// io_uring by its system calls: as much of it as uring_server.cc needs.

#ifndef EVKIT_BENCH_NET_URING_H_
#define EVKIT_BENCH_NET_URING_H_

#include <linux/io_uring.h>

#include <cstddef>
#include <cstdint>

namespace evkit {

// A ring of one thread, which runs the kernel's part of its work only inside of
// Enter(). Exits with kUnavailable if the kernel, or what guards it, does not
// give it.
class Uring {
 public:
  // `files` is the size of its table of descriptors of its own.
  Uring(unsigned entries, unsigned files);
  Uring(const Uring&) = delete;
  Uring& operator=(const Uring&) = delete;

  // The next entry to submit, cleared. Submits what is there if there is no
  // room.
  io_uring_sqe& NewEntry();

  // Submits, and waits until there is a completion if `wait`.
  void Enter(bool wait);

  // Calls `use(cqe)` with each completion there is, and leaves them there.
  template <typename Use>
  void ForEach(Use use) const {
    const unsigned end = __atomic_load_n(completed_tail_, __ATOMIC_ACQUIRE);
    for (unsigned at = *completed_head_; at != end; ++at) {
      use(completed_[at & completed_mask_]);
    }
  }

  // The same, and takes them.
  template <typename Use>
  void TakeEach(Use use) {
    const unsigned end = __atomic_load_n(completed_tail_, __ATOMIC_ACQUIRE);
    unsigned at = *completed_head_;
    for (; at != end; ++at) {
      use(completed_[at & completed_mask_]);
    }
    __atomic_store_n(completed_head_, at, __ATOMIC_RELEASE);
  }

  int fd() const { return fd_; }

 private:
  // Submits what NewEntry() gave, and waits for `wait` completions.
  void Submit(unsigned wait);

  int fd_ = -1;
  unsigned entry_mask_ = 0;
  unsigned entries_ = 0;
  unsigned* entry_head_ = nullptr;
  unsigned* entry_tail_ = nullptr;
  unsigned tail_ = 0;
  io_uring_sqe* to_submit_ = nullptr;
  unsigned completed_mask_ = 0;
  unsigned* completed_head_ = nullptr;
  unsigned* completed_tail_ = nullptr;
  io_uring_cqe* completed_ = nullptr;
};

// Buffers that the kernel takes when something has come, group 0 of the ring.
class UringBuffers {
 public:
  static constexpr unsigned kCount = 256;

  // Each of `size` bytes. All of them are the kernel's at first.
  UringBuffers(Uring& ring, size_t size);

  char* at(unsigned buffer) { return bytes_ + buffer * stride_; }
  // One was taken, as a completion says.
  void Took() { --available_; }
  void Return(unsigned buffer);
  bool HasAny() const { return available_ > 0; }

 private:
  const size_t size_;
  const size_t stride_;
  char* bytes_ = nullptr;
  io_uring_buf_ring* ring_ = nullptr;
  uint16_t tail_ = 0;
  unsigned available_ = 0;
};

}  // namespace evkit

#endif  // EVKIT_BENCH_NET_URING_H_

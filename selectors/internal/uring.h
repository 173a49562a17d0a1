// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// io_uring(7) by its system calls: the two rings that are shared with the
// kernel, and the one call that submits and waits.
//
// Of the thread that made it: the kernel refuses it to others (EEXIST), and
// does its part of the work only while that thread is inside of `Enter()`. A
// forked child may only destroy its copy.

#ifndef EVKIT_SELECTORS_INTERNAL_URING_H_
#define EVKIT_SELECTORS_INTERNAL_URING_H_

#include <linux/io_uring.h>
#include <time.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "evkit/base/unique_fd.h"

namespace evkit::selectors_internal {

class Uring {
 public:
  // kUnimplemented if the kernel has no io_uring, a too old one (before 6.1),
  // or forbids it (seccomp, kernel.io_uring_disabled); kResourceExhausted
  // (EMFILE, ENFILE, ENOMEM: RLIMIT_MEMLOCK
  // too).
  static absl::StatusOr<std::unique_ptr<Uring>> Create();

  Uring(const Uring&) = delete;
  Uring& operator=(const Uring&) = delete;
  // The kernel gives up what is in flight some time later: cancel it first
  // where that matters.
  ~Uring();

  int fd() const { return fd_.get(); }

  // The next entry to submit, cleared; null if there is no room before the next
  // `Enter()`.
  io_uring_sqe* NewEntry();

  bool HasUnsubmitted() const {
    return tail_ != Shared(entry_head_).load(std::memory_order_acquire);
  }

  // Whether there may be completions that only `Enter()` brings to light.
  bool HasHidden() const {
    return (Shared(entry_flags_).load(std::memory_order_acquire) &
            (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0;
  }

  // Submits all entries, and waits until there is a completion if `wait`:
  // `timeout` at most unless it is null. Returns 0 or an errno, with ETIME for
  // the end of the timeout; if something was submitted, always 0. Not all needs
  // to have been submitted.
  int Enter(bool wait, const timespec* timeout);

  // The oldest completion, null if there is none; takes it away.
  const io_uring_cqe* Peek() const {
    return *completion_head_ ==
                   Shared(completion_tail_).load(std::memory_order_acquire)
               ? nullptr
               : &completions_[*completion_head_ & completion_mask_];
  }
  void Pop() {
    Shared(completion_head_)
        .store(*completion_head_ + 1, std::memory_order_release);
  }

  // Calls `use(completion)` with each that there is, and takes them away.
  template <typename Use>
  void TakeEach(Use use) {
    unsigned at = *completion_head_;
    const unsigned end =
        Shared(completion_tail_).load(std::memory_order_acquire);
    for (; at != end; ++at) use(completions_[at & completion_mask_]);
    Shared(completion_head_).store(at, std::memory_order_release);
  }

 private:
  explicit Uring(UniqueFd fd) : fd_(std::move(fd)) {}

  bool Map(const io_uring_params& params);

  // What both sides write.
  static std::atomic_ref<unsigned> Shared(unsigned* shared) {
    return std::atomic_ref<unsigned>(*shared);
  }

  UniqueFd fd_;
  void* rings_ = nullptr;
  size_t rings_size_ = 0;
  io_uring_sqe* entries_ = nullptr;
  unsigned entry_count_ = 0;
  unsigned tail_ = 0;
  unsigned* entry_head_ = nullptr;
  unsigned* entry_tail_ = nullptr;
  unsigned* entry_flags_ = nullptr;
  io_uring_cqe* completions_ = nullptr;
  unsigned completion_mask_ = 0;
  unsigned* completion_head_ = nullptr;
  unsigned* completion_tail_ = nullptr;
};

}  // namespace evkit::selectors_internal

#endif  // EVKIT_SELECTORS_INTERNAL_URING_H_

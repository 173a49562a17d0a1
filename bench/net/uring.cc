// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/bench/net/uring.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "evkit/bench/net/command_line.h"
#include "evkit/bench/net/serve.h"

namespace evkit {
namespace {

[[noreturn]] void ExitWithoutUring(const char* call) {
  ExitUnavailable(("io_uring is not to be had here: " + std::string(call) +
                   ": " + std::strerror(errno))
                      .c_str());
}

void* Map(size_t size, int fd, off_t offset) {
  void* const mapped =
      mmap(nullptr, size, PROT_READ | PROT_WRITE,
           fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED | MAP_POPULATE, fd,
           offset);
  if (mapped == MAP_FAILED) {
    ExitWithoutUring("mmap");
  }
  return mapped;
}

void Register(int ring, unsigned what, void* argument, unsigned count,
              const char* name) {
  if (syscall(__NR_io_uring_register, ring, what, argument, count) < 0) {
    ExitWithoutUring(name);
  }
}

}  // namespace

Uring::Uring(unsigned entries, unsigned files) {
  io_uring_params params = {};
  params.flags = IORING_SETUP_CQSIZE | IORING_SETUP_SINGLE_ISSUER |
                 IORING_SETUP_DEFER_TASKRUN;
  params.cq_entries = 4 * entries;
  fd_ = static_cast<int>(syscall(__NR_io_uring_setup, entries, &params));
  if (fd_ < 0) {
    ExitWithoutUring("io_uring_setup");
  }
  const size_t submission_size =
      params.sq_off.array + params.sq_entries * sizeof(unsigned);
  const size_t completion_size =
      params.cq_off.cqes + params.cq_entries * sizeof(io_uring_cqe);
  // Both are in one mapping, since 5.4.
  char* const rings = static_cast<char*>(
      Map(submission_size > completion_size ? submission_size : completion_size,
          fd_, IORING_OFF_SQ_RING));
  const auto at = [rings](uint32_t offset) {
    return reinterpret_cast<unsigned*>(rings + offset);
  };
  entries_ = params.sq_entries;
  entry_mask_ = *at(params.sq_off.ring_mask);
  entry_head_ = at(params.sq_off.head);
  entry_tail_ = at(params.sq_off.tail);
  tail_ = *entry_tail_;
  for (unsigned i = 0; i < entries_; ++i) {
    at(params.sq_off.array)[i] = i;
  }
  to_submit_ = static_cast<io_uring_sqe*>(
      Map(entries_ * sizeof(io_uring_sqe), fd_, IORING_OFF_SQES));
  completed_mask_ = *at(params.cq_off.ring_mask);
  completed_head_ = at(params.cq_off.head);
  completed_tail_ = at(params.cq_off.tail);
  completed_ = reinterpret_cast<io_uring_cqe*>(rings + params.cq_off.cqes);

  io_uring_rsrc_register table = {};
  table.nr = files;
  table.flags = IORING_RSRC_REGISTER_SPARSE;
  Register(fd_, IORING_REGISTER_FILES2, &table, sizeof table,
           "IORING_REGISTER_FILES2");
}

io_uring_sqe& Uring::NewEntry() {
  if (tail_ - __atomic_load_n(entry_head_, __ATOMIC_ACQUIRE) == entries_) {
    Submit(0);
  }
  io_uring_sqe& entry = to_submit_[tail_++ & entry_mask_];
  std::memset(&entry, 0, sizeof entry);
  return entry;
}

void Uring::Enter(bool wait) {
  const bool none =
      *completed_head_ == __atomic_load_n(completed_tail_, __ATOMIC_ACQUIRE);
  Submit(wait && none ? 1 : 0);
}

void Uring::Submit(unsigned wait) {
  __atomic_store_n(entry_tail_, tail_, __ATOMIC_RELEASE);
  unsigned count = tail_ - *entry_head_;
  do {
    const long submitted = syscall(__NR_io_uring_enter, fd_, count, wait,
                                   IORING_ENTER_GETEVENTS, nullptr, 0);
    if (submitted < 0 && errno != EINTR) {
      Die("io_uring_enter");
    }
    count = tail_ - __atomic_load_n(entry_head_, __ATOMIC_ACQUIRE);
  } while (count > 0);
}

UringBuffers::UringBuffers(Uring& ring, size_t size)
    // Not a power of two: the beginnings would be in one set of the cache.
    : size_(size), stride_(size + 64) {
  bytes_ = static_cast<char*>(Map(kCount * stride_, -1, 0));
  madvise(bytes_, kCount * stride_, MADV_HUGEPAGE);
  std::memset(bytes_, 0, kCount * stride_);
  const size_t ring_size = kCount * sizeof(io_uring_buf);
  ring_ = static_cast<io_uring_buf_ring*>(Map(ring_size, -1, 0));
  io_uring_buf_reg buffers = {};
  buffers.ring_addr = reinterpret_cast<uint64_t>(ring_);
  buffers.ring_entries = kCount;
  Register(ring.fd(), IORING_REGISTER_PBUF_RING, &buffers, 1,
           "IORING_REGISTER_PBUF_RING");
  for (unsigned i = 0; i < kCount; ++i) {
    Return(i);
  }
}

void UringBuffers::Return(unsigned buffer) {
  ++available_;
  // Not `bufs`, which a C++ compiler finds at another place than C's.
  io_uring_buf& entry =
      reinterpret_cast<io_uring_buf*>(ring_)[tail_ & (kCount - 1)];
  entry.addr = reinterpret_cast<uint64_t>(at(buffer));
  entry.len = static_cast<uint32_t>(size_);
  entry.bid = static_cast<uint16_t>(buffer);
  __atomic_store_n(&ring_->tail, ++tail_, __ATOMIC_RELEASE);
}

}  // namespace evkit

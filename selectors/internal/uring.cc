// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/selectors/internal/uring.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "evkit/base/errno_status.h"
#include "evkit/base/syscalls.h"

namespace evkit::selectors_internal {
namespace {

// Small, because the memory counts as locked (RLIMIT_MEMLOCK, of all rings of
// the user), and the kernel gives it back only some time after the ring was
// closed: 16 KiB. Who takes what has completed after each full ring of entries
// needs no more; what does not fit, the kernel keeps until there is room.
constexpr unsigned kEntries = 128;
constexpr unsigned kCompletions = 256;

constexpr unsigned kFeatures = IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP |
                               IORING_FEAT_EXT_ARG | IORING_FEAT_CQE_SKIP;

absl::Status Unavailable(int error) {
  const absl::Status cause = StatusFromErrno(error, "io_uring_setup");
  switch (error) {
    case ENOSYS:
    case EPERM:
    case EACCES:
      return absl::UnimplementedError(
          absl::StrCat("io_uring is not to be had here (kernel, seccomp or "
                       "kernel.io_uring_disabled): ",
                       cause.message()));
    case EINVAL:
      return absl::UnimplementedError(absl::StrCat(
          "io_uring of this kernel is too old, Linux 6.1 is needed: ",
          cause.message()));
    default:
      return cause;
  }
}

void* MapShared(size_t size, int fd, off_t offset) {
  const intptr_t mapped = sys::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                                    MAP_SHARED | MAP_POPULATE, fd, offset);
  return mapped == -1 ? nullptr : reinterpret_cast<void*>(mapped);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Uring>> Uring::Create() {
  io_uring_params params = {};
  params.flags = IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL |
                 IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                 IORING_SETUP_TASKRUN_FLAG;
  params.cq_entries = kCompletions;
  // Close-on-exec of itself.
  UniqueFd fd(sys::io_uring_setup(kEntries, &params));
  if (!fd) return Unavailable(errno);
  if ((params.features & kFeatures) != kFeatures) return Unavailable(EINVAL);
  std::unique_ptr<Uring> ring(new Uring(std::move(fd)));
  if (!ring->Map(params)) return StatusFromErrno(errno, "mmap(io_uring)");
  return ring;
}

bool Uring::Map(const io_uring_params& params) {
  rings_size_ = std::max<size_t>(
      params.sq_off.array + params.sq_entries * sizeof(unsigned),
      params.cq_off.cqes + params.cq_entries * sizeof(io_uring_cqe));
  rings_ = MapShared(rings_size_, fd_.get(), IORING_OFF_SQ_RING);
  if (rings_ == nullptr) return false;
  entry_count_ = params.sq_entries;
  entries_ = static_cast<io_uring_sqe*>(MapShared(
      entry_count_ * sizeof(io_uring_sqe), fd_.get(), IORING_OFF_SQES));
  if (entries_ == nullptr) return false;
  const auto at = [this](uint32_t offset) {
    return reinterpret_cast<unsigned*>(static_cast<char*>(rings_) + offset);
  };
  entry_head_ = at(params.sq_off.head);
  entry_tail_ = at(params.sq_off.tail);
  entry_flags_ = at(params.sq_off.flags);
  unsigned* const array = at(params.sq_off.array);
  for (unsigned i = 0; i < entry_count_; ++i) array[i] = i;
  completion_mask_ = *at(params.cq_off.ring_mask);
  completion_head_ = at(params.cq_off.head);
  completion_tail_ = at(params.cq_off.tail);
  completions_ = reinterpret_cast<io_uring_cqe*>(at(params.cq_off.cqes));
  return true;
}

Uring::~Uring() {
  if (entries_ != nullptr) {
    sys::munmap(entries_, entry_count_ * sizeof(io_uring_sqe));
  }
  if (rings_ != nullptr) sys::munmap(rings_, rings_size_);
}

io_uring_sqe* Uring::NewEntry() {
  if (tail_ - Shared(entry_head_).load(std::memory_order_acquire) ==
      entry_count_) {
    return nullptr;
  }
  io_uring_sqe* const entry = &entries_[tail_++ & (entry_count_ - 1)];
  std::memset(entry, 0, sizeof *entry);
  return entry;
}

int Uring::Enter(bool wait, const timespec* timeout) {
  __kernel_timespec kernel_timeout = {};
  io_uring_getevents_arg argument = {};
  if (wait && timeout != nullptr) {
    kernel_timeout.tv_sec = timeout->tv_sec;
    kernel_timeout.tv_nsec = timeout->tv_nsec;
    argument.ts = reinterpret_cast<uint64_t>(&kernel_timeout);
  }
  Shared(entry_tail_).store(tail_, std::memory_order_release);
  const unsigned count =
      tail_ - Shared(entry_head_).load(std::memory_order_acquire);
  return sys::io_uring_enter(fd_.get(), count, wait ? 1 : 0,
                             IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG,
                             &argument, sizeof argument) < 0
             ? errno
             : 0;
}

}  // namespace evkit::selectors_internal

// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Selector over io_uring(7), level-triggered: one poll in the kernel for each
// descriptor, made anew after each event. Needs Linux 6.1. Never the default:
//
//   absl::StatusOr<std::unique_ptr<UringSelector>> selector =
//       UringSelector::Create();   // kUnimplemented: use another one
//   options.selector = *std::move(selector);   // EventLoopOptions
//
// What it costs: `Register()` and `Modify()` one fcntl(2), to know that the
// descriptor is open; the poll itself is begun by the next `Select()`, in the
// system call that also waits. `Unregister()` none, if there is no poll: not
// begun yet, or over, its event delivered. Else one, at once, because a poll
// keeps the file open, past close(2). `Select()` one, and one more for each 20
// descriptors that became ready since the last; none if it does not wait,
// nothing was changed or delivered since, and nothing has happened. No
// allocation, once `events` has grown.
//
// Different from EpollSelector:
// - Regular files and directories are taken, and always ready.
// - A descriptor that is closed while it is registered stays open as a file
//   (its peer sees no end) until it is ready or `Unregister()` is called. It is
//   reported once at most.
// - An event says what happened since the last `Select()`. That somebody else
//   has read the bytes meanwhile is not noticed: be ready for EAGAIN.
// - For the next thread that uses it, `Select()` makes a new ring.
// - Some time after it was closed, the kernel interrupts a wait of its thread
//   once, without a signal (EINTR).

#ifndef EVKIT_SELECTORS_URING_SELECTOR_H_
#define EVKIT_SELECTORS_URING_SELECTOR_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "evkit/selectors/internal/descriptor_table.h"
#include "evkit/selectors/internal/remaining_wait.h"
#include "evkit/selectors/internal/uring.h"
#include "evkit/selectors/selector.h"

namespace evkit {

class UringSelector final : public Selector {
 public:
  // kUnimplemented, with a message that says why, if the kernel has no io_uring
  // (ENOSYS), a too old one (before Linux 6.1) or forbids it (EPERM: seccomp,
  // kernel.io_uring_disabled). kResourceExhausted (EMFILE, ENFILE; ENOMEM, with
  // a small RLIMIT_MEMLOCK too: a ring takes 16 KiB of it).
  static absl::StatusOr<std::unique_ptr<UringSelector>> Create();

  ~UringSelector() override { Close(); }

  absl::Status Register(int fd, Interest interest, uint64_t token) override;
  absl::Status Modify(int fd, Interest interest, uint64_t token) override;
  absl::StatusOr<SelectorKey> Unregister(int fd) override;
  absl::StatusOr<SelectorKey> GetKey(int fd) const override;
  std::vector<SelectorKey> GetKeys() const override;
  size_t size() const override { return table_.size(); }
  absl::Status Select(absl::Duration timeout,
                      std::vector<ReadyEvent>& events) override;
  void Close() override;

 private:
  // What is under way for the descriptor of that number.
  struct Poll {
    bool queued = false;  // In changed_.
    bool armed = false;   // In the kernel, or in the ring on its way.
  };

  explicit UringSelector(std::unique_ptr<selectors_internal::Uring> ring);

  uint32_t NewGeneration();
  void Queue(int fd);
  int NextEntry(io_uring_sqe*& entry, std::vector<ReadyEvent>* events);
  int FillRemovals(std::vector<ReadyEvent>* events);
  int FillRing(std::vector<ReadyEvent>& events);
  bool HasEvent();
  int Enter(const selectors_internal::RemainingWait& wait,
            std::vector<ReadyEvent>& events);
  void Collect(std::vector<ReadyEvent>& events);
  void CancelAtOnce();
  absl::Status MoveToNewRing();

  std::unique_ptr<selectors_internal::Uring> ring_;
  const uint32_t fork_generation_;
  // Tag: the generation, which tells polls of one number apart.
  selectors_internal::DescriptorTable table_;
  uint32_t last_generation_ = 0;
  std::vector<Poll> polls_;          // By descriptor.
  std::vector<int> changed_;         // To be armed, if still registered.
  std::vector<int> beginning_;       // While they are.
  std::vector<uint64_t> cancelled_;  // Polls to be ended, by their data.
  size_t armed_count_ = 0;
};

}  // namespace evkit

#endif  // EVKIT_SELECTORS_URING_SELECTOR_H_

// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/selectors/uring_selector.h"

#include <bit>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "evkit/base/errno_status.h"
#include "evkit/base/fork_generation.h"
#include "evkit/selectors/internal/open_check.h"
#include "evkit/selectors/internal/poll_events.h"

namespace evkit {
namespace {

using selectors_internal::CheckIsOpen;
using selectors_internal::DescriptorTable;
using selectors_internal::FromPollEvents;
using selectors_internal::RemainingWait;
using selectors_internal::ToPollEvents;
using selectors_internal::Uring;

// The kernel swaps the halves of what is polled for otherwise.
static_assert(std::endian::native == std::endian::little);

uint64_t DataOf(int fd, uint32_t generation) {
  return uint64_t{generation} << 32 | static_cast<uint32_t>(fd);
}

// Says that its completion is of no interest: no generation is 0.
constexpr uint64_t kNoData = 0;

}  // namespace

absl::StatusOr<std::unique_ptr<UringSelector>> UringSelector::Create() {
  absl::StatusOr<std::unique_ptr<Uring>> ring = Uring::Create();
  if (!ring.ok()) return ring.status();
  return std::unique_ptr<UringSelector>(new UringSelector(*std::move(ring)));
}

UringSelector::UringSelector(std::unique_ptr<Uring> ring)
    : ring_(std::move(ring)), fork_generation_(ForkGeneration()) {}

uint32_t UringSelector::NewGeneration() {
  if (++last_generation_ == 0) last_generation_ = 1;
  return last_generation_;
}

// The next Select() begins a poll of it.
void UringSelector::Queue(int fd) {
  Poll& poll = polls_[static_cast<size_t>(fd)];
  if (poll.queued) return;
  poll.queued = true;
  changed_.push_back(fd);
}

absl::Status UringSelector::Register(int fd, Interest interest,
                                     uint64_t token) {
  absl::Status status = table_.CheckRegister(fd, interest);
  if (status.ok()) status = CheckIsOpen(fd);
  if (!status.ok()) return status;
  if (fd == ring_->fd()) {
    return StatusFromErrno(
        EINVAL, absl::StrCat("a selector cannot watch itself, fd=", fd));
  }
  table_.Insert(fd, interest, token, NewGeneration());
  if (polls_.size() <= static_cast<size_t>(fd)) {
    polls_.resize(static_cast<size_t>(fd) + 1);
  }
  Queue(fd);
  return absl::OkStatus();
}

absl::Status UringSelector::Modify(int fd, Interest interest, uint64_t token) {
  absl::Status status = table_.CheckModify(fd, interest);
  if (!status.ok()) return status;
  DescriptorTable::Entry& entry = *table_.Find(fd);
  if (entry.interest != interest) {
    if (status = CheckIsOpen(fd); !status.ok()) {
      Unregister(fd).status().IgnoreError();
      return status;
    }
    Poll& poll = polls_[static_cast<size_t>(fd)];
    if (poll.armed) {
      poll.armed = false;
      --armed_count_;
      cancelled_.push_back(DataOf(fd, entry.tag));
    }
    entry.interest = interest;
    entry.tag = NewGeneration();
    Queue(fd);
  }
  entry.token = token;
  return absl::OkStatus();
}

absl::StatusOr<SelectorKey> UringSelector::Unregister(int fd) {
  absl::StatusOr<SelectorKey> key = table_.GetKey(fd);
  if (!key.ok()) return key;
  Poll& poll = polls_[static_cast<size_t>(fd)];
  if (poll.armed) {
    poll.armed = false;
    --armed_count_;
    cancelled_.push_back(DataOf(fd, table_.Find(fd)->tag));
  }
  table_.Erase(fd);
  // A poll keeps the file open, whose descriptor may be closed next.
  if (!cancelled_.empty()) CancelAtOnce();
  return key;
}

absl::StatusOr<SelectorKey> UringSelector::GetKey(int fd) const {
  return table_.GetKey(fd);
}

std::vector<SelectorKey> UringSelector::GetKeys() const {
  return table_.GetKeys();
}

// The next entry of the ring, in `entry`. Makes room by submitting a full one,
// and then by adding to `events` what has completed. Returns 0 or an errno.
int UringSelector::NextEntry(io_uring_sqe*& entry,
                             std::vector<ReadyEvent>* events) {
  entry = ring_->NewEntry();
  if (entry != nullptr) return 0;
  const int error = ring_->Enter(false, nullptr);
  if (events != nullptr) Collect(*events);
  if (error != 0) return error;
  entry = ring_->NewEntry();
  return entry != nullptr ? 0 : EAGAIN;
}

// Moves to the ring which polls are to be ended; 0 or an errno.
int UringSelector::FillRemovals(std::vector<ReadyEvent>* events) {
  for (; !cancelled_.empty(); cancelled_.pop_back()) {
    io_uring_sqe* entry = nullptr;
    if (const int error = NextEntry(entry, events); error != 0) return error;
    entry->opcode = IORING_OP_POLL_REMOVE;
    entry->flags = IOSQE_CQE_SKIP_SUCCESS;
    entry->fd = -1;
    entry->addr = cancelled_.back();
    entry->user_data = kNoData;
  }
  return 0;
}

// The same, and which are to be begun. What comes meanwhile is for the next
// time, lest it comes twice.
int UringSelector::FillRing(std::vector<ReadyEvent>& events) {
  if (const int error = FillRemovals(&events); error != 0) return error;
  beginning_.swap(changed_);
  int error = 0;
  for (const int fd : beginning_) {
    Poll& poll = polls_[static_cast<size_t>(fd)];
    const DescriptorTable::Entry* const registered = table_.Find(fd);
    if (registered != nullptr && !poll.armed) {
      io_uring_sqe* entry = nullptr;
      if (error == 0) error = NextEntry(entry, &events);
      if (error != 0) {
        changed_.push_back(fd);
        continue;
      }
      entry->opcode = IORING_OP_POLL_ADD;
      entry->fd = fd;
      entry->poll32_events =
          static_cast<uint32_t>(ToPollEvents(registered->interest));
      entry->user_data = DataOf(fd, registered->tag);
      poll.armed = true;
      ++armed_count_;
    }
    poll.queued = false;
  }
  beginning_.clear();
  return error;
}

// Whether the oldest completion is of a present poll, after those that are not
// were taken away.
bool UringSelector::HasEvent() {
  const absl::Span<const DescriptorTable::Entry> entries = table_.entries();
  while (const io_uring_cqe* const completion = ring_->Peek()) {
    const auto fd = static_cast<uint32_t>(completion->user_data);
    const auto generation = static_cast<uint32_t>(completion->user_data >> 32);
    if (fd < entries.size() && generation != 0 &&
        entries[fd].tag == generation) {
      return true;
    }
    ring_->Pop();
  }
  return false;
}

// Tells the kernel what is new, and waits in it; 0 or an errno.
int UringSelector::Enter(const RemainingWait& wait,
                         std::vector<ReadyEvent>& events) {
  if (const int error = FillRing(events); error != 0) return error;
  const bool waits = events.empty() && !wait.IsOver() && !HasEvent();
  if (!waits && !ring_->HasUnsubmitted() && !ring_->HasHidden()) return 0;
  timespec storage;
  return ring_->Enter(waits, wait.ToTimespec(storage));
}

// Adds the completions that there are to `events`.
void UringSelector::Collect(std::vector<ReadyEvent>& events) {
  const absl::Span<const DescriptorTable::Entry> entries = table_.entries();
  ring_->TakeEach([&](const io_uring_cqe& completion) {
    const auto fd = static_cast<uint32_t>(completion.user_data);
    const auto generation = static_cast<uint32_t>(completion.user_data >> 32);
    // No generation is 0, which an entry out of use has, and a removal.
    if (fd >= entries.size() || generation == 0 ||
        entries[fd].tag != generation) {
      return;
    }
    const DescriptorTable::Entry& entry = entries[fd];
    polls_[fd].armed = false;
    --armed_count_;
    // Closed meanwhile: said once, and then left alone.
    if (completion.res != -EBADF) Queue(static_cast<int>(fd));
    // The thread that began it is no more.
    if (completion.res == -ECANCELED) return;
    const Interest ready =
        completion.res < 0
            ? entry.interest
            : FromPollEvents(static_cast<unsigned>(completion.res)) &
                  entry.interest;
    events.emplace_back(static_cast<int>(fd), ready, entry.token);
  });
}

absl::Status UringSelector::Select(absl::Duration timeout,
                                   std::vector<ReadyEvent>& events) {
  events.clear();
  if (table_.closed()) return table_.CheckOpen();
  RemainingWait wait(timeout);
  while (true) {
    const int error = Enter(wait, events);
    Collect(events);
    if (!events.empty()) {
      // Linux brings only 20 at once, if it had to wait for them. No poll is
      // begun anew meanwhile, so none comes twice, and there is an end.
      while (ring_->HasHidden() && ring_->Enter(false, nullptr) == 0) {
        Collect(events);
      }
      return absl::OkStatus();
    }
    switch (error) {
      case 0:
        // The kernel does not wait if it could not take everything.
        if (ring_->HasUnsubmitted()) continue;
        [[fallthrough]];
      case EINTR:
      case ETIME:
        if (wait.Continue()) continue;
        return absl::OkStatus();
      case EEXIST:  // Another thread than before.
      case EBADR:   // The kernel lost completions, short of memory.
        if (absl::Status status = MoveToNewRing(); !status.ok()) return status;
        continue;
      default:
        return StatusFromErrno(error, "io_uring_enter");
    }
  }
}

// Ends polls that are to be ended, and lets go of their files.
void UringSelector::CancelAtOnce() {
  if (ForkedSince(fork_generation_)) return;
  int error = FillRemovals(nullptr);
  if (error == 0) error = ring_->Enter(false, nullptr);
  // Where this fails too, Select() tries again. Until then a file may be open
  // for longer than its descriptors.
  if (error == EEXIST) MoveToNewRing().IgnoreError();
}

// The old one goes with all that is in it.
absl::Status UringSelector::MoveToNewRing() {
  absl::StatusOr<std::unique_ptr<Uring>> ring = Uring::Create();
  if (!ring.ok()) return ring.status();
  ring_ = *std::move(ring);
  cancelled_.clear();
  armed_count_ = 0;
  for (int fd = 0; fd < table_.end(); ++fd) {
    polls_[static_cast<size_t>(fd)].armed = false;
    if (table_.Find(fd) != nullptr) Queue(fd);
  }
  return absl::OkStatus();
}

void UringSelector::Close() {
  if (armed_count_ > 0 && !ForkedSince(fork_generation_)) {
    // Closing the ring would do it too, but some time later.
    io_uring_sqe* const entry = ring_->NewEntry();
    if (entry != nullptr) {
      entry->opcode = IORING_OP_ASYNC_CANCEL;
      entry->fd = -1;
      entry->cancel_flags = IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL;
      entry->user_data = kNoData;
      ring_->Enter(false, nullptr);
    }
  }
  ring_ = nullptr;
  table_.Close();
  polls_ = {};
  changed_ = {};
  beginning_ = {};
  cancelled_ = {};
  armed_count_ = 0;
}

}  // namespace evkit

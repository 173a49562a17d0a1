// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/selectors/epoll_selector.h"

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "evkit/base/errno_status.h"
#include "evkit/base/syscalls.h"
#include "evkit/selectors/internal/poll_events.h"

namespace evkit {
namespace {

using selectors_internal::DescriptorTable;
using selectors_internal::FromPollEvents;
using selectors_internal::ToPollEvents;

// The kernel's word for one registration. Its data name the generation too, so
// that what is left of an earlier registration of the number is recognised.
epoll_event KernelEvent(int fd, Interest interest, uint32_t generation) {
  epoll_event event = {};
  event.events = static_cast<uint32_t>(ToPollEvents(interest));
  event.data.u64 = uint64_t{generation} << 32 | static_cast<uint32_t>(fd);
  return event;
}

absl::Status ControlError(int error, const char* operation, int fd) {
  return StatusFromErrno(
      error, absl::StrCat("epoll_ctl(", operation, ", fd=", fd, ")"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<EpollSelector>> EpollSelector::Create() {
  UniqueFd epoll_fd(sys::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll_fd) return StatusFromErrno(errno, "epoll_create1");
  return std::unique_ptr<EpollSelector>(new EpollSelector(std::move(epoll_fd)));
}

EpollSelector::EpollSelector(UniqueFd epoll_fd)
    : epoll_fd_(std::move(epoll_fd)),
      kernel_events_(static_cast<size_t>(max_events_)) {}

absl::Status EpollSelector::Register(int fd, Interest interest,
                                     uint64_t token) {
  absl::Status status = table_.CheckRegister(fd, interest);
  if (!status.ok()) return status;
  if (++last_generation_ == 0) last_generation_ = 1;
  epoll_event event = KernelEvent(fd, interest, last_generation_);
  if (sys::epoll_ctl(epoll_fd_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    const int error = errno;
    // EEXIST: the number was closed before it was unregistered, another
    // descriptor kept the file open, and now the number is that file again.
    if (error != EEXIST ||
        sys::epoll_ctl(epoll_fd_.get(), EPOLL_CTL_MOD, fd, &event) != 0) {
      return ControlError(error, "ADD", fd);
    }
  }
  table_.Insert(fd, interest, token, last_generation_);
  return absl::OkStatus();
}

absl::Status EpollSelector::Modify(int fd, Interest interest, uint64_t token) {
  absl::Status status = table_.CheckModify(fd, interest);
  if (!status.ok()) return status;
  DescriptorTable::Entry& entry = *table_.Find(fd);
  if (entry.interest != interest) {
    epoll_event event = KernelEvent(fd, interest, entry.tag);
    if (sys::epoll_ctl(epoll_fd_.get(), EPOLL_CTL_MOD, fd, &event) != 0) {
      status = ControlError(errno, "MOD", fd);
      sys::epoll_ctl(epoll_fd_.get(), EPOLL_CTL_DEL, fd, nullptr);
      table_.Erase(fd);
      return status;
    }
    entry.interest = interest;
  }
  entry.token = token;
  return absl::OkStatus();
}

absl::StatusOr<SelectorKey> EpollSelector::Unregister(int fd) {
  absl::StatusOr<SelectorKey> key = table_.GetKey(fd);
  if (!key.ok()) return key;
  // If it fails, the descriptor was closed, or is another one by now. Should
  // the kernel still watch the old one, Select() will find out.
  sys::epoll_ctl(epoll_fd_.get(), EPOLL_CTL_DEL, fd, nullptr);
  table_.Erase(fd);
  return key;
}

absl::StatusOr<SelectorKey> EpollSelector::Forget(int fd) {
  absl::StatusOr<SelectorKey> key = table_.GetKey(fd);
  if (key.ok()) table_.Erase(fd);
  return key;
}

absl::StatusOr<SelectorKey> EpollSelector::GetKey(int fd) const {
  return table_.GetKey(fd);
}

std::vector<SelectorKey> EpollSelector::GetKeys() const {
  return table_.GetKeys();
}

// One wait in the kernel, for events to kernel_events_; its result and errno.
inline int EpollSelector::Wait(const selectors_internal::RemainingWait& wait) {
  if (wait.HasEnd()) return WaitUntilEnd(wait);
  return sys::epoll_wait(epoll_fd_.get(), kernel_events_.data(), max_events_,
                         wait.IsOver() ? 0 : -1);
}

int EpollSelector::WaitUntilEnd(const selectors_internal::RemainingWait& wait) {
  if (has_epoll_pwait2_ && !wait.IsWholeMillis()) {
    timespec storage;
    const int count = sys::epoll_pwait2(epoll_fd_.get(), kernel_events_.data(),
                                        max_events_, wait.ToTimespec(storage));
    // Linux before 5.11 says ENOSYS; seccomp filters that are older than the
    // call say EPERM.
    if (count >= 0 || (errno != ENOSYS && errno != EPERM)) return count;
    has_epoll_pwait2_ = false;
  }
  return sys::epoll_wait(epoll_fd_.get(), kernel_events_.data(), max_events_,
                         wait.ToMillis());
}

// Makes what the kernel reported the contents of `events`. Returns false if
// some of it was for no present registration.
[[gnu::always_inline]] inline bool EpollSelector::Collect(
    int count, std::vector<ReadyEvent>& events) {
  // What is there from the last time is overwritten, not made anew.
  if (events.size() < static_cast<size_t>(count)) {
    events.resize(static_cast<size_t>(count));
  }
  const absl::Span<const DescriptorTable::Entry> entries = table_.entries();
  const epoll_event* const end = kernel_events_.data() + count;
  bool all_wanted = true;
  ReadyEvent* out = events.data();
  for (const epoll_event* event = kernel_events_.data(); event != end;
       ++event) {
    const auto fd = static_cast<uint32_t>(event->data.u64);
    const auto generation = static_cast<uint32_t>(event->data.u64 >> 32);
    // No generation is 0, which an entry out of use has.
    if (fd >= entries.size() || entries[fd].tag != generation) {
      all_wanted = false;
      continue;
    }
    const DescriptorTable::Entry& entry = entries[fd];
    out->fd = static_cast<int>(fd);
    out->ready = FromPollEvents(event->events) & entry.interest;
    out->token = entry.token;
    ++out;
  }
  events.erase(events.begin() + (out - events.data()), events.end());
  return all_wanted;
}

absl::Status EpollSelector::Select(absl::Duration timeout,
                                   std::vector<ReadyEvent>& events) {
  if (table_.closed()) {
    events.clear();
    return table_.CheckOpen();
  }
  selectors_internal::RemainingWait wait(timeout);
  while (true) {
    const int count = Wait(wait);
    if (count > 0) {
      const bool all_wanted = Collect(count, events);
      // If leftovers cannot be dropped, better an empty answer than to go round
      // here until they can.
      if (!all_wanted && !DropLeftovers(count)) break;
      if (count == max_events_) {
        kernel_events_.resize(2 * kernel_events_.size());
        max_events_ = static_cast<int>(kernel_events_.size());
      }
      if (!events.empty()) break;
      wait.Continue();
      continue;
    }
    const int error = errno;
    if (count == 0 || error == EINTR) {
      if (wait.Continue()) continue;
      events.clear();
      break;
    }
    events.clear();
    return StatusFromErrno(error, "epoll_wait");
  }
  return absl::OkStatus();
}

// Some of the `count` events are for no present registration. If nothing else
// is under that number, it was forgotten and not closed yet, which the kernel
// finds out, or the number is closed.
bool EpollSelector::DropLeftovers(int count) {
  bool dropped_all = true;
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = kernel_events_[static_cast<size_t>(i)];
    const int fd = static_cast<int>(static_cast<uint32_t>(event.data.u64));
    const auto* const entry = table_.Find(fd);
    if (entry == nullptr) {
      dropped_all &=
          sys::epoll_ctl(epoll_fd_.get(), EPOLL_CTL_DEL, fd, nullptr) == 0;
    } else if (entry->tag != static_cast<uint32_t>(event.data.u64 >> 32)) {
      dropped_all = false;
    }
  }
  return dropped_all || MoveToNewSet();
}

// The kernel watches something that is not registered: a descriptor was closed
// before it was unregistered, while a duplicate or a child process keeps its
// file open. It would be reported for ever, and EPOLL_CTL_DEL has no name for
// it any more; only a new epoll set is rid of it. The new one gets the
// descriptor number of the old one.
bool EpollSelector::MoveToNewSet() {
  UniqueFd fresh(sys::epoll_create1(EPOLL_CLOEXEC));
  if (!fresh) return false;
  for (int fd = 0; fd < table_.end(); ++fd) {
    const auto* const entry = table_.Find(fd);
    if (entry == nullptr) continue;
    epoll_event event = KernelEvent(fd, entry->interest, entry->tag);
    // The old set tells whether the number is still the file that was
    // registered under it. If not, it is left out: its owner closed it.
    if (sys::epoll_ctl(epoll_fd_.get(), EPOLL_CTL_MOD, fd, &event) != 0) {
      if (errno == EBADF || errno == ENOENT) continue;
      return false;
    }
    if (sys::epoll_ctl(fresh.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
      return false;
    }
  }
  return sys::dup3(fresh.get(), epoll_fd_.get(), O_CLOEXEC) >= 0;
}

void EpollSelector::Close() {
  epoll_fd_.Reset();
  table_.Close();
  kernel_events_ = {};
}

}  // namespace evkit

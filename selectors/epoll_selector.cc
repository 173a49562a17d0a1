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
  if (has_epoll_pwait2_ && !wait.IsWholeMillis()) {
    const int count = WaitToTheNanosecond(wait);
    // Linux before 5.11 says ENOSYS; seccomp filters that are older than the
    // call say EPERM.
    if (count >= 0 || (errno != ENOSYS && errno != EPERM)) return count;
    has_epoll_pwait2_ = false;
  }
  return sys::epoll_wait(epoll_fd_.get(), kernel_events_.data(), max_events_,
                         wait.ToMillis());
}

int EpollSelector::WaitToTheNanosecond(
    const selectors_internal::RemainingWait& wait) {
  timespec storage;
  return sys::epoll_pwait2(epoll_fd_.get(), kernel_events_.data(), max_events_,
                           wait.ToTimespec(storage));
}

// Appends what the kernel reported to `events`. Returns false if some of it was
// for no present registration, and the kernel goes on watching it.
inline bool EpollSelector::Collect(int count, std::vector<ReadyEvent>& events) {
  bool all_wanted = true;
  events.reserve(static_cast<size_t>(count));
  const absl::Span<const DescriptorTable::Entry> entries = table_.entries();
  const epoll_event* const end = kernel_events_.data() + count;
  for (const epoll_event* event = kernel_events_.data(); event != end;
       ++event) {
    const auto fd = static_cast<uint32_t>(event->data.u64);
    const auto generation = static_cast<uint32_t>(event->data.u64 >> 32);
    // No generation is 0, which an entry out of use has.
    if (fd >= entries.size() || entries[fd].tag != generation) {
      all_wanted = StopWatching(static_cast<int>(fd)) && all_wanted;
      continue;
    }
    const DescriptorTable::Entry& entry = entries[fd];
    events.emplace_back(static_cast<int>(fd),
                        FromPollEvents(event->events) & entry.interest,
                        entry.token);
  }
  if (count == max_events_) {
    max_events_ *= 2;
    kernel_events_.resize(static_cast<size_t>(max_events_));
  }
  return all_wanted;
}

absl::Status EpollSelector::Select(absl::Duration timeout,
                                   std::vector<ReadyEvent>& events) {
  events.clear();
  if (table_.closed()) return table_.CheckOpen();
  selectors_internal::RemainingWait wait(timeout);
  while (true) {
    const int count = Wait(wait);
    if (count > 0) {
      // If leftovers cannot be dropped, better an empty answer than to go round
      // here until they can.
      if (!Collect(count, events) && !DropLeftovers()) break;
      if (!events.empty()) break;
      wait.Continue();
    } else if (count < 0 && errno != EINTR) {
      return StatusFromErrno(errno, "epoll_wait");
    } else if (!wait.Continue()) {
      break;
    }
  }
  return absl::OkStatus();
}

// The kernel has reported something for the number `fd` that is not registered.
// If nothing else is under that number, it was forgotten and not closed yet, or
// the number is closed: the kernel says which. Returns whether it is rid of it.
bool EpollSelector::StopWatching(int fd) {
  return table_.Find(fd) == nullptr &&
         sys::epoll_ctl(epoll_fd_.get(), EPOLL_CTL_DEL, fd, nullptr) == 0;
}

// The kernel watches something that is not registered: a descriptor was closed
// before it was unregistered, while a duplicate or a child process keeps its
// file open. It would be reported for ever, and EPOLL_CTL_DEL has no name for
// it any more; only a new epoll set is rid of it. The new one gets the
// descriptor number of the old one.
bool EpollSelector::DropLeftovers() {
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

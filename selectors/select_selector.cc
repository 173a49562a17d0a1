// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/selectors/select_selector.h"

#include <algorithm>
#include <cerrno>

#include "absl/strings/str_cat.h"
#include "evkit/base/errno_status.h"
#include "evkit/base/syscalls.h"
#include "evkit/selectors/internal/open_check.h"
#include "evkit/selectors/internal/remaining_wait.h"

namespace evkit {

using selectors_internal::CheckIsOpen;

absl::StatusOr<std::unique_ptr<SelectSelector>> SelectSelector::Create() {
  const timespec no_time = {};
  if (sys::pselect(0, nullptr, nullptr, nullptr, &no_time, nullptr) < 0 &&
      errno != EINTR) {
    return StatusFromErrno(errno, "pselect");
  }
  return std::unique_ptr<SelectSelector>(new SelectSelector());
}

SelectSelector::SelectSelector() {
  FD_ZERO(&readable_);
  FD_ZERO(&writable_);
}

absl::Status SelectSelector::Register(int fd, Interest interest,
                                      uint64_t token) {
  absl::Status status = table_.CheckRegister(fd, interest);
  if (!status.ok()) return status;
  if (fd >= FD_SETSIZE) {
    return absl::InvalidArgumentError(
        absl::StrCat("select cannot watch fd ", fd,
                     ": its limit is FD_SETSIZE = ", FD_SETSIZE));
  }
  if (status = CheckIsOpen(fd); !status.ok()) return status;
  table_.Insert(fd, interest, token, 0);
  Watch(fd, interest);
  end_ = std::max(end_, fd + 1);
  return absl::OkStatus();
}

absl::Status SelectSelector::Modify(int fd, Interest interest, uint64_t token) {
  absl::Status status = table_.CheckModify(fd, interest);
  if (!status.ok()) return status;
  selectors_internal::DescriptorTable::Entry& entry = *table_.Find(fd);
  if (entry.interest != interest) {
    if (status = CheckIsOpen(fd); !status.ok()) {
      Remove(fd);
      return status;
    }
    Watch(fd, interest);
    entry.interest = interest;
  }
  entry.token = token;
  return absl::OkStatus();
}

absl::StatusOr<SelectorKey> SelectSelector::Unregister(int fd) {
  absl::StatusOr<SelectorKey> key = table_.GetKey(fd);
  if (key.ok()) Remove(fd);
  return key;
}

void SelectSelector::Watch(int fd, Interest interest) {
  FD_CLR(fd, &readable_);
  FD_CLR(fd, &writable_);
  if (Any(interest & Interest::kRead)) FD_SET(fd, &readable_);
  if (Any(interest & Interest::kWrite)) FD_SET(fd, &writable_);
}

void SelectSelector::Remove(int fd) {
  Watch(fd, Interest::kNone);
  table_.Erase(fd);
  while (end_ > 0 && table_.Find(end_ - 1) == nullptr) --end_;
}

absl::StatusOr<SelectorKey> SelectSelector::GetKey(int fd) const {
  return table_.GetKey(fd);
}

std::vector<SelectorKey> SelectSelector::GetKeys() const {
  return table_.GetKeys();
}

absl::Status SelectSelector::Select(absl::Duration timeout,
                                    std::vector<ReadyEvent>& events) {
  events.clear();
  if (absl::Status status = table_.CheckOpen(); !status.ok()) return status;
  selectors_internal::RemainingWait wait(timeout);
  do {
    fd_set readable = readable_;
    fd_set writable = writable_;
    timespec storage;
    const int count = sys::pselect(end_, &readable, &writable, nullptr,
                                   wait.ToTimespec(storage), nullptr);
    if (count > 0) {
      Collect(count, readable, writable, events);
      break;
    }
    if (count < 0 && errno != EINTR) {
      const int error = errno;
      if (error == EBADF) CollectClosed(events);
      if (events.empty()) return StatusFromErrno(error, "pselect");
      break;
    }
  } while (wait.Continue());
  return absl::OkStatus();
}

// `count` bits are set in the two sets.
void SelectSelector::Collect(int count, const fd_set& readable,
                             const fd_set& writable,
                             std::vector<ReadyEvent>& events) const {
  for (int fd = 0; count > 0 && fd < end_; ++fd) {
    Interest ready = Interest::kNone;
    if (FD_ISSET(fd, &readable)) ready |= Interest::kRead;
    if (FD_ISSET(fd, &writable)) ready |= Interest::kWrite;
    if (!Any(ready)) continue;
    events.emplace_back(fd, ready, table_.Find(fd)->token);
    count -= ready == Interest::kReadWrite ? 2 : 1;
  }
}

// Reports the descriptors that were closed under us, and stops watching them.
void SelectSelector::CollectClosed(std::vector<ReadyEvent>& events) {
  for (int fd = 0; fd < end_; ++fd) {
    if (!FD_ISSET(fd, &readable_) && !FD_ISSET(fd, &writable_)) continue;
    if (CheckIsOpen(fd).ok()) continue;
    const auto* const entry = table_.Find(fd);
    events.emplace_back(fd, entry->interest, entry->token);
    Watch(fd, Interest::kNone);
  }
}

void SelectSelector::Close() {
  table_.Close();
  FD_ZERO(&readable_);
  FD_ZERO(&writable_);
  end_ = 0;
}

}  // namespace evkit

// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/selectors/poll_selector.h"

#include <cerrno>

#include "evkit/base/errno_status.h"
#include "evkit/base/syscalls.h"
#include "evkit/selectors/internal/open_check.h"
#include "evkit/selectors/internal/poll_events.h"
#include "evkit/selectors/internal/remaining_wait.h"

namespace evkit {

using selectors_internal::CheckIsOpen;
using selectors_internal::FromPollEvents;
using selectors_internal::ToPollEvents;

absl::StatusOr<std::unique_ptr<PollSelector>> PollSelector::Create() {
  const timespec no_time = {};
  if (sys::ppoll(nullptr, 0, &no_time, nullptr) < 0 && errno != EINTR) {
    return StatusFromErrno(errno, "ppoll");
  }
  return std::unique_ptr<PollSelector>(new PollSelector());
}

absl::Status PollSelector::Register(int fd, Interest interest, uint64_t token) {
  absl::Status status = table_.CheckRegister(fd, interest);
  if (status.ok()) status = CheckIsOpen(fd);
  if (!status.ok()) return status;
  table_.Insert(fd, interest, token, static_cast<uint32_t>(poll_fds_.size()));
  poll_fds_.push_back({fd, ToPollEvents(interest), 0});
  return absl::OkStatus();
}

absl::Status PollSelector::Modify(int fd, Interest interest, uint64_t token) {
  absl::Status status = table_.CheckModify(fd, interest);
  if (!status.ok()) return status;
  selectors_internal::DescriptorTable::Entry& entry = *table_.Find(fd);
  if (entry.interest != interest) {
    if (status = CheckIsOpen(fd); !status.ok()) {
      Remove(fd);
      return status;
    }
    poll_fds_[entry.tag] = {fd, ToPollEvents(interest), 0};
    entry.interest = interest;
  }
  entry.token = token;
  return absl::OkStatus();
}

absl::StatusOr<SelectorKey> PollSelector::Unregister(int fd) {
  absl::StatusOr<SelectorKey> key = table_.GetKey(fd);
  if (key.ok()) Remove(fd);
  return key;
}

void PollSelector::Remove(int fd) {
  const uint32_t position = table_.Find(fd)->tag;
  const pollfd& last = poll_fds_.back();
  table_.Find(last.fd < 0 ? ~last.fd : last.fd)->tag = position;
  poll_fds_[position] = last;
  poll_fds_.pop_back();
  table_.Erase(fd);
}

absl::StatusOr<SelectorKey> PollSelector::GetKey(int fd) const {
  return table_.GetKey(fd);
}

std::vector<SelectorKey> PollSelector::GetKeys() const {
  return table_.GetKeys();
}

absl::Status PollSelector::Select(absl::Duration timeout,
                                  std::vector<ReadyEvent>& events) {
  events.clear();
  if (absl::Status status = table_.CheckOpen(); !status.ok()) return status;
  selectors_internal::RemainingWait wait(timeout);
  do {
    timespec storage;
    const int count = sys::ppoll(poll_fds_.data(), poll_fds_.size(),
                                 wait.ToTimespec(storage), nullptr);
    if (count > 0) {
      Collect(count, events);
      break;
    }
    if (count < 0 && errno != EINTR) return StatusFromErrno(errno, "ppoll");
  } while (wait.Continue());
  return absl::OkStatus();
}

void PollSelector::Collect(int count, std::vector<ReadyEvent>& events) {
  events.reserve(static_cast<size_t>(count));
  for (pollfd& poll_fd : poll_fds_) {
    if (poll_fd.revents == 0) continue;
    const auto* const entry = table_.Find(poll_fd.fd);
    events.emplace_back(
        poll_fd.fd,
        FromPollEvents(static_cast<unsigned short>(poll_fd.revents)) &
            entry->interest,
        entry->token);
    if ((poll_fd.revents & POLLNVAL) != 0) poll_fd.fd = ~poll_fd.fd;
    poll_fd.revents = 0;
    if (--count == 0) break;
  }
}

void PollSelector::Close() {
  table_.Close();
  poll_fds_ = {};
}

}  // namespace evkit

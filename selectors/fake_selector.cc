// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/selectors/fake_selector.h"

#include <cerrno>

#include "evkit/base/check.h"
#include "evkit/base/syscalls.h"
#include "evkit/selectors/internal/call_errors.h"
#include "evkit/selectors/internal/poll_events.h"
#include "evkit/selectors/internal/remaining_wait.h"

namespace evkit {
using selectors_internal::FromPollEvents;
using selectors_internal::RemainingWait;
using selectors_internal::ToPollEvents;

absl::Status FakeSelector::CheckOpen() const {
  return closed_ ? selectors_internal::ClosedError() : absl::OkStatus();
}

absl::Status FakeSelector::CheckKnown(int fd) const {
  if (absl::Status status = CheckOpen(); !status.ok()) return status;
  if (registered_.count(fd) != 0) return absl::OkStatus();
  return selectors_internal::NotRegisteredError(fd);
}

absl::Status FakeSelector::Register(int fd, Interest interest, uint64_t token) {
  ++register_count_;
  absl::Status status = CheckOpen();
  if (status.ok()) status = selectors_internal::CheckArguments(fd, interest);
  if (!status.ok()) return status;
  if (!registered_.emplace(fd, Registration{interest, token}).second) {
    return selectors_internal::AlreadyRegisteredError(fd);
  }
  return status;
}

absl::Status FakeSelector::Modify(int fd, Interest interest, uint64_t token) {
  ++modify_count_;
  absl::Status status = CheckOpen();
  if (status.ok()) status = selectors_internal::CheckArguments(fd, interest);
  if (status.ok()) status = CheckKnown(fd);
  if (status.ok()) registered_[fd] = Registration{interest, token};
  return status;
}

absl::StatusOr<SelectorKey> FakeSelector::Unregister(int fd) {
  ++unregister_count_;
  absl::StatusOr<SelectorKey> key = GetKey(fd);
  if (key.ok()) registered_.erase(fd);
  return key;
}

absl::StatusOr<SelectorKey> FakeSelector::GetKey(int fd) const {
  if (absl::Status status = CheckKnown(fd); !status.ok()) return status;
  const Registration& registration = registered_.at(fd);
  return SelectorKey(fd, registration.interest, registration.token);
}

std::vector<SelectorKey> FakeSelector::GetKeys() const {
  std::vector<SelectorKey> keys;
  for (const auto& [fd, registration] : registered_) {
    keys.emplace_back(fd, registration.interest, registration.token);
  }
  return keys;
}

absl::Status FakeSelector::Select(absl::Duration timeout,
                                  std::vector<ReadyEvent>& events) {
  EVKIT_CHECK(!selecting_, "the sleep hook called Select()");
  events.clear();
  ++select_count_;
  last_timeout_ = timeout;
  absl::Status status = CheckOpen();
  if (!status.ok()) return status;
  Collect(events);
  if (events.empty() && timeout > absl::ZeroDuration()) {
    EVKIT_CHECK(sleep_hook_ != nullptr || timeout < absl::InfiniteDuration(),
                "nothing is ready, and nothing can become so without a hook");
    selecting_ = true;
    if (sleep_hook_ != nullptr) sleep_hook_(timeout);
    selecting_ = false;
    if (status = CheckOpen(); !status.ok()) return status;
    Collect(events);
  }
  if (event_order_ != nullptr) event_order_(events);
  return status;
}

void FakeSelector::Collect(std::vector<ReadyEvent>& events) {
  const bool real =
      poll_real_descriptors_ && WaitForRealDescriptors(absl::ZeroDuration());
  size_t position = 0;
  for (const auto& [fd, registration] : registered_) {
    Interest ready = Interest::kNone;
    if (const auto said = ready_.find(fd); said != ready_.end()) {
      ready = said->second;
    }
    if (real) {
      const pollfd& poll_fd = poll_fds_[position++];
      ready |= FromPollEvents(static_cast<unsigned short>(poll_fd.revents));
    }
    ready &= registration.interest;
    if (Any(ready)) events.emplace_back(fd, ready, registration.token);
  }
}

void FakeSelector::SetReady(int fd, Interest ready) {
  if (Any(ready)) {
    ready_[fd] = ready;
  } else {
    ready_.erase(fd);
  }
}

bool FakeSelector::WaitForRealDescriptors(absl::Duration timeout) {
  poll_fds_.clear();
  for (const auto& [fd, registration] : registered_) {
    poll_fds_.push_back({fd, ToPollEvents(registration.interest), 0});
  }
  RemainingWait wait(timeout);
  do {
    timespec storage;
    int count = sys::ppoll(poll_fds_.data(), poll_fds_.size(),
                           wait.ToTimespec(storage), nullptr);
    EVKIT_CHECK(count >= 0 || errno == EINTR, "ppoll failed");
    for (pollfd& poll_fd : poll_fds_) {
      if (count <= 0 || (poll_fd.revents & POLLNVAL) == 0) continue;
      // An invented one: to be left alone.
      poll_fd = {~poll_fd.fd, 0, 0};
      --count;
    }
    if (count > 0) return true;
  } while (wait.Continue());
  return false;
}

void FakeSelector::Close() {
  closed_ = true;
  registered_.clear();
  ready_.clear();
}

}  // namespace evkit

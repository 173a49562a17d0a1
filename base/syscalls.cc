// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/base/syscalls.h"

#if defined(EVKIT_FAULT_INJECTION)

#include <atomic>
#include <cerrno>
#include <vector>

namespace evkit::sys {
namespace {

std::atomic<Hook*> installed_hook{nullptr};

// Whether the hook makes this call fail; errno says with what.
bool Fails(const char* name, const CallSite& site) {
  Hook* const hook = installed_hook.load(std::memory_order_acquire);
  if (hook == nullptr) return false;
  const int error = hook->BeforeCall(name, site);
  if (error == 0) return false;
  errno = error;
  return true;
}

size_t Limit(const char* name, const CallSite& site, size_t size) {
  Hook* const hook = installed_hook.load(std::memory_order_acquire);
  return hook == nullptr ? size : hook->LimitSize(name, site, size);
}

// For as long as it lives, `message` has no more room than the hook allows.
class LimitedMessage {
 public:
  LimitedMessage(const msghdr* message, const char* name, const CallSite& site)
      : message_(const_cast<msghdr*>(message)),
        pieces_(message->msg_iov),
        count_(message->msg_iovlen) {
    size_t size = 0;
    for (size_t i = 0; i < count_; ++i) size += pieces_[i].iov_len;
    size_t left = Limit(name, site, size);
    if (left == size) return;
    for (size_t i = 0; left > 0; ++i) {
      fewer_.push_back(pieces_[i]);
      if (fewer_[i].iov_len > left) fewer_[i].iov_len = left;
      left -= fewer_[i].iov_len;
    }
    message_->msg_iov = fewer_.data();
    message_->msg_iovlen = fewer_.size();
  }
  LimitedMessage(const LimitedMessage&) = delete;
  LimitedMessage& operator=(const LimitedMessage&) = delete;
  ~LimitedMessage() {
    message_->msg_iov = pieces_;
    message_->msg_iovlen = count_;
  }

 private:
  msghdr* const message_;
  iovec* const pieces_;
  const size_t count_;
  std::vector<iovec> fewer_;
};

}  // namespace

void InstallHook(Hook* hook) {
  installed_hook.store(hook, std::memory_order_release);
}

#define EVKIT_SYSCALL(Result, name, params, expression)    \
  Result name(EVKIT_LEADING_PARAMS params CallSite site) { \
    if (Fails(#name, site)) return -1;                     \
    return expression;                                     \
  }
#define EVKIT_SIZED_SYSCALL(Result, name, params, expression) \
  Result name(EVKIT_LEADING_PARAMS params CallSite site) {    \
    if (Fails(#name, site)) return -1;                        \
    size = Limit(#name, site, size);                          \
    return expression;                                        \
  }
#define EVKIT_MESSAGE_SYSCALL(Result, name, params, expression) \
  Result name(EVKIT_LEADING_PARAMS params CallSite site) {      \
    if (Fails(#name, site)) return -1;                          \
    const LimitedMessage limited(message, #name, site);         \
    return expression;                                          \
  }

#include "evkit/base/internal/syscall_table.inc"

}  // namespace evkit::sys

#endif

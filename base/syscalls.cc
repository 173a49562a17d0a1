// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/base/syscalls.h"

#if defined(EVKIT_FAULT_INJECTION)

#include <atomic>
#include <cerrno>

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

#include "evkit/base/internal/syscall_table.inc"

}  // namespace evkit::sys

#endif

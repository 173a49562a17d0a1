// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/subprocess/internal/child_stack.h"

#include <cerrno>
#include <cstdint>

#include "evkit/base/errno_status.h"
#include "evkit/base/syscalls.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define EVKIT_ADDRESS_SANITIZER 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define EVKIT_ADDRESS_SANITIZER 1
#endif

#if defined(EVKIT_ADDRESS_SANITIZER)
#include <sanitizer/asan_interface.h>
#endif

namespace evkit::subprocess_internal {
namespace {

constexpr size_t kUsableSize = 64 * 1024;
constexpr size_t kGuardSize = 64 * 1024;  // A page, however big pages are.

}  // namespace

absl::StatusOr<void*> ChildStack::TopForThisThread() {
  thread_local ChildStack stack;
  if (stack.base_ == nullptr) {
    if (absl::Status status = stack.Map(); !status.ok()) return status;
  }
#if defined(EVKIT_ADDRESS_SANITIZER)
  // The last child never returned from the functions that called exec.
  ASAN_UNPOISON_MEMORY_REGION(stack.base_ + kGuardSize, kUsableSize);
#endif
  return stack.base_ + stack.size_;
}

ChildStack::~ChildStack() {
  if (base_ != nullptr) sys::munmap(base_, size_);
}

absl::Status ChildStack::Map() {
  constexpr size_t kSize = kGuardSize + kUsableSize;
  const intptr_t address =
      sys::mmap(nullptr, kSize, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (address == -1) return StatusFromErrno(errno, "mmap");
  char* const base = reinterpret_cast<char*>(address);
  if (sys::mprotect(base, kGuardSize, PROT_NONE) < 0) {
    const int error = errno;
    sys::munmap(base, kSize);
    return StatusFromErrno(error, "mprotect");
  }
  base_ = base;
  size_ = kSize;
  return absl::OkStatus();
}

}  // namespace evkit::subprocess_internal

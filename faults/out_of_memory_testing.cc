// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/faults/out_of_memory_testing.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>

#include "evkit/base/unique_fd.h"

#if defined(__SANITIZE_ADDRESS__)
#define EVKIT_FINDS_LEAKS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define EVKIT_FINDS_LEAKS 1
#endif
#endif
#if defined(EVKIT_FINDS_LEAKS)
#include <sanitizer/lsan_interface.h>
#endif

namespace {
// Allocations until the one that fails; 0 or less: none will.
constinit std::atomic<int64_t> until_failure{0};
}  // namespace

void* operator new(size_t size) {
  if (until_failure.load(std::memory_order_relaxed) > 0 &&
      until_failure.fetch_sub(1, std::memory_order_relaxed) == 1) {
#if defined(__cpp_exceptions)
    throw std::bad_alloc();
#else
    std::fputs("std::bad_alloc\n", stderr);
    std::abort();
#endif
  }
  void* const memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) std::abort();
  return memory;
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace evkit {
namespace {

// How a child ended that was not aborted.
constexpr int kSurvived = 0;
constexpr int kNothingFailed = 1;
constexpr int kRequirementFailed = 2;
constexpr int kLeaked = 3;

int OpenDescriptors() {
  int open = 0;
  for (int fd = 0; fd < 256; ++fd) open += fcntl(fd, F_GETFD) >= 0;
  return open;
}

[[noreturn]] void RunChild(absl::FunctionRef<void(OutOfMemory&)> scenario,
                           int64_t n) {
  const int open_before = OpenDescriptors();
  OutOfMemory out_of_memory(n);
  scenario(out_of_memory);
  if (OpenDescriptors() != open_before) {
    std::fputs("descriptors are leaked\n", stderr);
    std::_Exit(kLeaked);
  }
#if defined(EVKIT_FINDS_LEAKS)
  if (__lsan_do_recoverable_leak_check() != 0) std::_Exit(kLeaked);
#endif
  std::_Exit(kSurvived);
}

std::string ReadAll(int fd) {
  std::string text;
  char buffer[4096];
  for (ssize_t got; (got = read(fd, buffer, sizeof(buffer))) > 0;) {
    text.append(buffer, static_cast<size_t>(got));
  }
  return text;
}

}  // namespace

bool OutOfMemory::During(absl::FunctionRef<void()> body) {
  bool completed = true;
  until_failure.store(n_);
#if defined(__cpp_exceptions)
  try {
    body();
  } catch (const std::bad_alloc&) {
    completed = false;
  }
#else
  body();
#endif
  if (until_failure.exchange(0) > 0) std::_Exit(kNothingFailed);
  return completed;
}

testing::AssertionResult EveryAllocationFails(
    absl::FunctionRef<void(OutOfMemory&)> scenario, int* aborts) {
  for (int64_t n = 1;; ++n) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
      return testing::AssertionFailure() << "pipe2";
    }
    const UniqueFd from_child(ends[0]);
    UniqueFd to_parent(ends[1]);
    std::fflush(nullptr);
    const pid_t child = fork();
    if (child == 0) {
      dup2(to_parent.get(), STDERR_FILENO);
      RunChild(scenario, n);
    }
    to_parent.Reset();
    const std::string said = ReadAll(from_child.get());
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child) {
      return testing::AssertionFailure() << "no child";
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == kNothingFailed) {
      if (n == 1) return testing::AssertionFailure() << "allocates nothing";
      return testing::AssertionSuccess();
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == kSurvived) continue;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT &&
        (said.find("out of memory") != std::string::npos ||
         said.find("std::bad_alloc") != std::string::npos)) {
      if (aborts != nullptr) ++*aborts;
      continue;
    }
    return testing::AssertionFailure()
           << "allocation " << n
           << " failed, and the process ended with status " << status << ":\n"
           << said;
  }
}

void Require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "not so: %s\n", what);
  std::_Exit(kRequirementFailed);
}

}  // namespace evkit

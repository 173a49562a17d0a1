// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Makes system calls of this repository fail, come up short, and be counted.
// For tests; needs a build with fault injection (see base/syscalls.h).
//
//   FaultInjection faults;
//   faults.Fail("epoll_ctl", ENOMEM);             // every one from now on
//   faults.Fail("write@wakeup_fd.cc", EINTR, 3);  // only the third there
//   faults.LimitSize("read", 1);                  // a byte at a time
//   EXPECT_EQ(faults.Count("epoll_ctl"), 1);
//
// A call is named by the libc function ("read"), and narrowed by the file or
// the function that it stands in ("read@wakeup_fd.cc", "read@Dispatch").

#ifndef EVKIT_BASE_FAULT_INJECTION_H_
#define EVKIT_BASE_FAULT_INJECTION_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "evkit/base/syscalls.h"

namespace evkit {

// In force from construction to destruction, for all threads; one at a time
// (checked). Thread-safe. Holds at most `kMaxRules` rules and
// `kMaxSites` call sites (checked).
class FaultInjection final : private sys::Hook {
 public:
  static constexpr size_t kMaxRules = 32;
  static constexpr size_t kMaxSites = 256;

  FaultInjection();
  FaultInjection(const FaultInjection&) = delete;
  FaultInjection& operator=(const FaultInjection&) = delete;
  ~FaultInjection() override;

  // Every matching call from now on fails with `error`, doing nothing else.
  void Fail(absl::string_view call, int error);

  // The `nth` matching call from now on (1 is the next) fails with `error`, and
  // with `times` > 1 the following ones too.
  void Fail(absl::string_view call, int error, int nth, int times = 1);

  // Matching calls that move bytes move at most `bytes` at a time.
  void LimitSize(absl::string_view call, size_t bytes);

  // Takes all rules away; the counts stay.
  void Clear();

  // How many matching calls were made since construction, failed ones
  // included.
  int Count(absl::string_view call) const;

  struct Site {
    std::string call;      // "read"
    std::string file;      // "wakeup_fd.cc"
    std::string function;  // "Dispatch"
    int line = 0;
    int count = 0;
  };
  // Every call site seen since construction, in order of first use: what a
  // sweep over all of them iterates over.
  std::vector<Site> Sites() const;

 private:
  // Fixed-size and lock-free to read: BeforeCall() runs between vfork and exec
  // too, where it must neither allocate nor sleep on a lock.
  struct Rule {
    char call[64] = {};
    int error = 0;
    int first = 0;
    int last = 0;
    size_t max_bytes = 0;  // 0: no limit.
    std::atomic<int> seen{0};
  };
  struct SiteRecord {
    std::atomic<const char*> name{nullptr};
    const char* file = nullptr;
    const char* function = nullptr;
    int line = 0;
    std::atomic<int> count{0};
  };

  int BeforeCall(const char* name, const sys::CallSite& site) override;
  size_t LimitSize(const char* name, const sys::CallSite& site,
                   size_t size) override;
  Rule& NewRule(absl::string_view call);
  void CountCall(const char* name, const sys::CallSite& site);

  std::array<Rule, kMaxRules> rules_;
  std::atomic<size_t> rule_count_{0};
  std::array<SiteRecord, kMaxSites> sites_;
  std::atomic<size_t> site_count_{0};
  mutable std::atomic_flag adding_ = ATOMIC_FLAG_INIT;
};

}  // namespace evkit

#endif  // EVKIT_BASE_FAULT_INJECTION_H_

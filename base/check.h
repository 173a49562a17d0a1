// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// For what can only be a bug in the caller: prints where and what, and aborts,
// in every build. Everything that can go wrong in a correct program is an
// absl::Status instead.
//
//   EVKIT_CHECK(wheel_ == &wheel, "timer is armed in another wheel");

#ifndef EVKIT_BASE_CHECK_H_
#define EVKIT_BASE_CHECK_H_

#define EVKIT_CHECK(condition, message)                                      \
  (static_cast<bool>(condition)                                              \
       ? static_cast<void>(0)                                                \
       : ::evkit::base_internal::CheckFailed(__FILE__, __LINE__, #condition, \
                                             (message)))

namespace evkit::base_internal {

[[noreturn]] void CheckFailed(const char* file, int line, const char* condition,
                              const char* message);

}  // namespace evkit::base_internal

#endif  // EVKIT_BASE_CHECK_H_

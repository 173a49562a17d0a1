// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What every ChildWatcher that watches real children must do. For a new one:
//
//   INSTANTIATE_TEST_SUITE_P(
//       Mine, ChildWatcherConformanceTest,
//       testing::Values([]() -> absl::StatusOr<std::unique_ptr<ChildWatcher>> {
//         return MyChildWatcher::Create();
//       }));
//
// in a test that depends on this target.

#ifndef EVKIT_SUBPROCESS_CHILD_WATCHER_CONFORMANCE_H_
#define EVKIT_SUBPROCESS_CHILD_WATCHER_CONFORMANCE_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "evkit/subprocess/child_watcher.h"
#include "evkit/subprocess/spawn.h"
#include "gtest/gtest.h"

namespace evkit {

using ChildWatcherFactory =
    std::function<absl::StatusOr<std::unique_ptr<ChildWatcher>>()>;

class ChildWatcherConformanceTest
    : public ::testing::TestWithParam<ChildWatcherFactory> {
 protected:
  using Exits = std::vector<std::pair<pid_t, ExitStatus>>;

  ChildWatcherConformanceTest();
  ~ChildWatcherConformanceTest() override;

  static std::unique_ptr<ChildWatcher> NewWatcher();

  // A child that runs until its stdin is closed, and then exits with `code`.
  static Child BlockedChild(int code);

  // A child that has exited with `code` and waits to be reaped.
  static Child ExitedChild(int code);

  // A callback that appends to `exits_`.
  ChildWatcher::Callback Record();

  // Waits for the watcher and dispatches until `count` exits are recorded.
  void DispatchUntil(size_t count);

  std::unique_ptr<ChildWatcher> watcher_ = NewWatcher();
  Exits exits_;
};

}  // namespace evkit

#endif  // EVKIT_SUBPROCESS_CHILD_WATCHER_CONFORMANCE_H_

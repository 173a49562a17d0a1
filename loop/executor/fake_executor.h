// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// An executor without threads: the test says when each job runs, on its own
// thread, so that a test with executors is as predictable as one without.
//
//   FakeExecutor executor;
//   auto call = CallInExecutor(test.loop(), &executor, work, done);
//   executor.RunAll();
//   test.RunUntilIdle();

#ifndef EVKIT_LOOP_EXECUTOR_FAKE_EXECUTOR_H_
#define EVKIT_LOOP_EXECUTOR_FAKE_EXECUTOR_H_

#include <cstddef>
#include <deque>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "evkit/base/executor.h"

namespace evkit {

// Belongs to one thread, unlike other executors. Jobs may use it. Destroys what
// it has not run.
class FakeExecutor final : public Executor {
 public:
  FakeExecutor() = default;

  // Keeps `work`, unless it was told to refuse.
  absl::Status Submit(absl::AnyInvocable<void() &&> work) override;

  // How many jobs wait.
  size_t size() const { return jobs_.size(); }

  // Runs the job that came first. Whether there was one.
  bool RunNext();
  // Runs jobs until none is left, those that they submit included.
  void RunAll() {
    while (RunNext()) {
    }
  }

  // Destroys the job that came first, unrun. Whether there was one.
  bool DropNext();

  // What `Submit()` returns from now on; OK to take jobs again.
  void Refuse(absl::Status status);

 private:
  absl::Status refusal_;
  std::deque<absl::AnyInvocable<void() &&>> jobs_;
};

}  // namespace evkit

#endif  // EVKIT_LOOP_EXECUTOR_FAKE_EXECUTOR_H_

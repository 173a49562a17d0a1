// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// A service that ends well. On SIGTERM or Ctrl-C it takes no more work, gives
// what is under way some time to end, and cancels the rest; a second signal
// cancels at once.
//
//   $ bazel run //examples:graceful_shutdown     # and press Ctrl-C
//   serving
//   Interrupt: no more work is taken
//   13 jobs finished, 4 cancelled

#include <signal.h>
#include <string.h>

#include <iostream>
#include <string>
#include <vector>

#include "evkit/evkit.h"

namespace {

using evkit::Coro;
using evkit::OrReturn;

constexpr absl::Duration kDrainTime = absl::Milliseconds(200);

class Service {
 public:
  Service() = default;

  Coro<void> Serve() {
    evkit::AbstractEventLoop& loop = **evkit::GetRunningLoop();
    stop_ = evkit::CreateFuture<std::string>(loop);
    for (const int signal : {SIGTERM, SIGINT}) {
      const absl::Status added = evkit::AddSignalHandler(
          loop, signal, [this, signal] { OnSignal(strsignal(signal)); });
      co_await OrReturn(added);
    }
    const evkit::Task<void> intake = evkit::CreateTask(TakeJobs());
    std::cout << "serving" << std::endl;

    const std::string why = co_await OrReturn(stop_);
    std::cout << why << ": no more work is taken" << std::endl;
    intake.Cancel();
    (void)co_await intake;
    loop.CallLater(kDrainTime, [this] { CancelJobs(); });
    for (const evkit::Task<void>& job : jobs_) {
      // However it ends; the job has seen to it.
      (void)co_await job;
    }
    std::cout << finished_ << " jobs finished, " << cancelled_ << " cancelled"
              << std::endl;
    co_return absl::OkStatus();
  }

 private:
  // Work comes in, here by the clock.
  Coro<void> TakeJobs() {
    for (int number = 0;; ++number) {
      jobs_.push_back(evkit::CreateTask(Job(number)));
      co_await OrReturn(evkit::Sleep(absl::Milliseconds(5)));
    }
  }

  // One in five would never end.
  Coro<void> Job(int number) {
    const bool stuck = number % 5 == 0;
    const absl::Status status = co_await evkit::Sleep(
        stuck ? absl::InfiniteDuration() : absl::Milliseconds(20));
    // If it was cancelled: roll back, say goodbye, with awaits if need be.
    ++(status.ok() ? finished_ : cancelled_);
    co_return status;
  }

  void OnSignal(const char* name) {
    if (!stop_.SetResult(std::string(name)).ok()) CancelJobs();
  }

  void CancelJobs() {
    for (const evkit::Task<void>& job : jobs_) job.Cancel("no time left");
  }

  evkit::Future<std::string> stop_;
  std::vector<evkit::Task<void>> jobs_;
  int finished_ = 0;
  int cancelled_ = 0;
};

}  // namespace

int main() {
  Service service;
  const absl::Status status = evkit::Run(service.Serve());
  if (!status.ok()) std::cerr << status << "\n";
  return status.ok() ? 0 : 1;
}

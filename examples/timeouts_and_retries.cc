// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// A service that fails, hangs, and recovers, asked until it answers, on a real
// loop: `bazel run //examples:timeouts_and_retries`.

#include "examples/timeouts_and_retries.h"

#include <iostream>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/deadline.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/run_until_complete.h"
#include "evkit/loop/coro/sleep.h"
#include "evkit/loop/default_event_loop.h"

namespace evkit {
namespace {

class Service {
 public:
  Coro<std::string> Ask() {
    const int call = ++calls_;
    std::cout << "call " << call << "\n";
    if (call == 1) co_return absl::UnavailableError("starting up");
    if (call == 2) co_await OrReturn(Sleep(absl::InfiniteDuration()));
    if (call == 3) co_return absl::UnavailableError("overloaded");
    co_return std::string("forty-two");
  }

 private:
  int calls_ = 0;
};

Coro<std::string> Main(AbstractEventLoop& loop) {
  Service service;
  RetryOptions options;
  options.attempt_timeout = absl::Milliseconds(20);
  options.first_delay = absl::Milliseconds(5);
  auto ask = [&service] { return service.Ask(); };
  co_return co_await WithDeadline(absl::Seconds(10), Retry(loop, ask, options));
}

int RunExample() {
  absl::StatusOr<std::unique_ptr<EventLoop>> loop = NewDefaultEventLoop();
  if (!loop.ok()) {
    std::cerr << loop.status() << "\n";
    return 1;
  }
  const absl::StatusOr<std::string> answer =
      RunUntilComplete(**loop, Main(**loop));
  std::cout << (answer.ok() ? *answer : answer.status().ToString()) << "\n";
  return answer.ok() ? 0 : 1;
}

}  // namespace
}  // namespace evkit

int main() { return evkit::RunExample(); }

// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The smallest program with a coroutine.
//
//   $ bazel run //examples:hello
//   hello
//   world

#include <iostream>

#include "evkit/evkit.h"

evkit::Coro<void> Main() {
  std::cout << "hello\n";
  co_await evkit::OrReturn(evkit::Sleep(absl::Milliseconds(10)));
  std::cout << "world\n";
  co_return absl::OkStatus();
}

int main() { return evkit::Run(Main()).ok() ? 0 : 1; }

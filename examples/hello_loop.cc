// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The smallest program with an event loop.
//
//   $ bazel run //examples:hello_loop
//   hello
//   world

#include <iostream>

#include "evkit/evkit.h"

int main() {
  auto made = evkit::NewDefaultEventLoop();
  if (!made.ok()) {
    std::cerr << made.status() << "\n";
    return 1;
  }
  evkit::EventLoop& loop = **made;

  loop.CallLater(absl::Milliseconds(10), [&loop] {
    std::cout << "world\n";
    loop.Stop();
  });
  loop.CallSoon([] { std::cout << "hello\n"; });

  const absl::Status status = loop.RunForever();
  if (!status.ok()) std::cerr << status << "\n";
  return status.ok() ? 0 : 1;
}

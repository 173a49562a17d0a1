// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Runs services, says what they say, starts them again when they end, and stops
// them with all that they have started.

#ifndef EVKIT_EXAMPLES_SUPERVISOR_SUPERVISOR_H_
#define EVKIT_EXAMPLES_SUPERVISOR_SUPERVISOR_H_

#include <cstddef>
#include <functional>
#include <list>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/task.h"
#include "evkit/net/streams/stream_reader.h"
#include "evkit/subprocess/process/process.h"
#include "examples/supervisor/keep_running.h"
#include "examples/supervisor/procfile.h"

namespace supervisor {

class SupervisorOptions {
 public:
  SupervisorOptions() {}

  std::vector<ServiceSpec> services;
  // What SIGTERM has time for before SIGKILL comes.
  absl::Duration grace = absl::Seconds(5);
  BackoffOptions backoff;
  bool colour = false;
  // Takes a line, without its end.
  std::function<void(absl::string_view)> print;
};

class Supervisor {
 public:
  explicit Supervisor(SupervisorOptions options);

  // Until somebody calls `Stop()`, and all has ended.
  evkit::Coro<void> Run();

  // Every tree gets SIGTERM, and SIGKILL if it takes too long; the second time
  // SIGKILL at once.
  void Stop();

  // Passes `signal` on to every tree.
  void Forward(int signal);

 private:
  class Service {
   public:
    std::string command;
    std::string prefix;
    evkit::Process process;  // While one runs.
    evkit::Task<void> task;
  };

  evkit::Coro<void> RunOnce(Service* service);
  evkit::Coro<void> StopTree(Service* service, evkit::Process process);
  evkit::Coro<void> CopyLines(const Service* service,
                              evkit::StreamReader output);
  void Say(const Service& service, absl::string_view line) const;

  const SupervisorOptions options_;
  std::list<Service> services_;
  bool stopping_ = false;
};

}  // namespace supervisor

#endif  // EVKIT_EXAMPLES_SUPERVISOR_SUPERVISOR_H_

// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// A process manager: runs the commands of a Procfile side by side, says what
// they say with their names before it, starts again what ends, ever more slowly
// if it ends soon, passes SIGHUP, SIGUSR1 and SIGUSR2 on, and on SIGTERM or
// Ctrl-C stops all of them with their descendants: kindly, then firmly.
//
//   $ cat Procfile
//   clock: while sleep 1; do date; done
//   crash: echo oops; exit 1
//   $ bazel run //examples/supervisor -- $PWD/Procfile --grace=2s
//   clock | started, pid 4711
//   crash | started, pid 4712
//   crash | oops
//   crash | exit code 1

#include <signal.h>
#include <unistd.h>

#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/run.h"
#include "evkit/loop/signals/signal_handlers.h"
#include "evkit/policy/running_loop.h"
#include "examples/supervisor/procfile.h"
#include "examples/supervisor/supervisor.h"

namespace {

using evkit::Coro;
using evkit::OrReturn;

Coro<void> Main(supervisor::SupervisorOptions options) {
  evkit::AbstractEventLoop& loop = *co_await OrReturn(evkit::GetRunningLoop());
  supervisor::Supervisor all(std::move(options));
  for (const int signal : {SIGTERM, SIGINT}) {
    const absl::Status added =
        evkit::AddSignalHandler(loop, signal, [&all] { all.Stop(); });
    co_await OrReturn(added);
  }
  for (const int signal : {SIGHUP, SIGUSR1, SIGUSR2}) {
    const absl::Status added = evkit::AddSignalHandler(
        loop, signal, [&all, signal] { all.Forward(signal); });
    co_await OrReturn(added);
  }
  co_return co_await all.Run();
}

absl::StatusOr<supervisor::SupervisorOptions> ParseArguments(int argc,
                                                             char** argv) {
  supervisor::SupervisorOptions options;
  std::string path;
  for (int i = 1; i < argc; ++i) {
    absl::string_view argument = argv[i];
    if (absl::ConsumePrefix(&argument, "--grace=")) {
      if (!absl::ParseDuration(argument, &options.grace)) {
        return absl::InvalidArgumentError("--grace wants a time such as 5s");
      }
    } else {
      path = std::string(argument);
    }
  }
  std::ifstream file(path);
  if (!file) {
    return absl::InvalidArgumentError(
        "usage: supervisor Procfile [--grace=5s]");
  }
  const std::string text(std::istreambuf_iterator<char>(file), {});
  absl::StatusOr<std::vector<supervisor::ServiceSpec>> services =
      supervisor::ParseProcfile(text);
  if (!services.ok()) return services.status();
  options.services = *std::move(services);
  options.colour = isatty(STDOUT_FILENO) != 0;
  options.print = [](absl::string_view line) {
    std::cout << line << std::endl;
  };
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  absl::StatusOr<supervisor::SupervisorOptions> options =
      ParseArguments(argc, argv);
  if (!options.ok()) {
    std::cerr << options.status().message() << "\n";
    return 2;
  }
  const absl::Status status = evkit::Run(Main(*std::move(options)));
  if (!status.ok()) std::cerr << status << "\n";
  return status.ok() ? 0 : 1;
}

// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "examples/supervisor/supervisor.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/wait_for.h"
#include "evkit/subprocess/exit_status.h"
#include "evkit/subprocess/spawn.h"

namespace supervisor {
namespace {

using evkit::Coro;
using evkit::ExitStatus;
using evkit::OrReturn;
using evkit::Process;

// Of the eight that every terminal has, those that can be read.
constexpr int kColours[] = {36, 33, 32, 35, 34, 31};

}  // namespace

Supervisor::Supervisor(SupervisorOptions options)
    : options_(std::move(options)) {
  size_t width = 0;
  for (const ServiceSpec& spec : options_.services) {
    width = std::max(width, spec.name.size());
  }
  size_t number = 0;
  for (const ServiceSpec& spec : options_.services) {
    Service& service = services_.emplace_back();
    service.command = spec.command;
    service.prefix = absl::StrCat(
        spec.name, std::string(width - spec.name.size(), ' '), " | ");
    if (options_.colour) {
      const int colour = kColours[number++ % std::size(kColours)];
      service.prefix =
          absl::StrCat("\x1b[", colour, "m", service.prefix, "\x1b[0m");
    }
  }
}

Coro<void> Supervisor::Run() {
  for (Service& service : services_) {
    service.task = evkit::CreateTask(KeepRunning(
        [this, &service] { return RunOnce(&service); }, options_.backoff));
  }
  for (Service& service : services_) {
    // Each ends by being cancelled.
    (void)co_await service.task;
  }
  co_return absl::OkStatus();
}

void Supervisor::Stop() {
  for (Service& service : services_) {
    if (!stopping_) {
      service.task.Cancel();
    } else if (service.process.valid()) {
      // Gone is what it should be.
      service.process.Kill().IgnoreError();
    }
  }
  stopping_ = true;
}

void Supervisor::Forward(int signal) {
  for (Service& service : services_) {
    if (!service.process.valid()) continue;
    const absl::Status sent = service.process.SendSignal(signal);
    if (!sent.ok()) Say(service, sent.ToString());
  }
}

Coro<void> Supervisor::RunOnce(Service* service) {
  evkit::ProcessOptions options;
  options.stdin_from = evkit::Stdio::Null();
  options.stdout_to = evkit::Stdio::Pipe();
  options.stderr_to = evkit::Stdio::ToStdout();
  options.signal_whole_group = true;
  options.kill_on_drop = true;
  absl::StatusOr<Process> process = co_await evkit::CreateSubprocessShell(
      service->command, std::move(options));
  if (!process.ok()) {
    Say(*service, process.status().ToString());
    co_return process.status();
  }
  service->process = *process;
  Say(*service, absl::StrCat("started, pid ", process->pid()));
  const evkit::Task<void> output =
      evkit::CreateTask(CopyLines(service, *process->stdout_reader()));

  const absl::StatusOr<ExitStatus> status = co_await process->Wait();
  // Whether it ended or was stopped, nothing of it should be left.
  const absl::Status stopped = co_await StopTree(service, *process);
  // Unless somebody has left the group, and taken the pipe along.
  (void)co_await evkit::WaitFor(output, options_.grace);
  service->process = Process();
  Say(*service, process->exit_status()->ToString());
  co_await OrReturn(stopped);
  co_return status.status();
}

Coro<void> Supervisor::StopTree(Service* service, Process process) {
  // There may be nobody left.
  process.Terminate().IgnoreError();
  const absl::StatusOr<ExitStatus> ended =
      co_await evkit::WaitFor(process.Wait(), options_.grace);
  if (!ended.ok()) {
    Say(*service, "does not stop: killed");
  }
  process.Kill().IgnoreError();
  co_return (co_await process.Wait()).status();
}

Coro<void> Supervisor::CopyLines(const Service* service,
                                 evkit::StreamReader output) {
  while (true) {
    const absl::StatusOr<std::string> line = co_await output.ReadLine();
    if (absl::IsResourceExhausted(line.status())) {
      Say(*service, "(a line that is too long)");
      continue;
    }
    if (!line.ok() || line->empty()) co_return line.status();
    Say(*service, absl::StripSuffix(*line, "\n"));
  }
}

void Supervisor::Say(const Service& service, absl::string_view line) const {
  options_.print(absl::StrCat(service.prefix, line));
}

}  // namespace supervisor

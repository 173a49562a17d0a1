// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/subprocess/process/process.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "evkit/base/errno_status.h"
#include "evkit/base/fault_injection.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/run_until_complete.h"
#include "evkit/loop/coro/sleep.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/coro/wait_for.h"
#include "evkit/loop/default_event_loop.h"
#include "evkit/loop/event_loop.h"
#include "evkit/subprocess/internal/spawn_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using subprocess_internal::HasChildren;
using subprocess_internal::OpenFds;
using subprocess_internal::RunTestChild;
using ::testing::IsEmpty;

ProcessOptions AllPipes(std::vector<std::string> arguments) {
  ProcessOptions options = RunTestChild(std::move(arguments));
  options.stdin_from = Stdio::Pipe();
  options.stdout_to = Stdio::Pipe();
  options.stderr_to = Stdio::Pipe();
  return options;
}

ProcessOptions ShellPipes() {
  ProcessOptions options;
  options.stdin_from = Stdio::Pipe();
  options.stdout_to = Stdio::Pipe();
  options.stderr_to = Stdio::Pipe();
  return options;
}

class ProcessTest : public ::testing::Test {
 protected:
  ProcessTest() {
    loop_->SetExceptionHandler(
        [this](AbstractEventLoop&, const ErrorContext& error) {
          reports_.push_back(error.message);
        });
  }
  ~ProcessTest() override {
    EXPECT_THAT(reports_, IsEmpty());
    loop_.reset();
    EXPECT_FALSE(HasChildren()) << "a child was not reaped";
  }

  // `test` is a function that returns Coro<void>.
  template <typename F>
  void Run(F test) {
    const absl::Status status = RunUntilComplete(*loop_, test());
    EXPECT_TRUE(status.ok()) << status;
  }

  std::unique_ptr<EventLoop> loop_ = *NewDefaultEventLoop();
  std::vector<std::string> reports_;
};

// SUB-18, SUB-20
TEST_F(ProcessTest, CommunicatesAndIsDone) {
  Run([]() -> Coro<void> {
    const ProcessOptions all_pipes =
        AllPipes({"copy", "to", "2", "say", "oops", "exit", "3"});
    Process process = co_await OrReturn(CreateSubprocessExec(all_pipes));
    EXPECT_GT(process.pid(), 0);
    EXPECT_EQ(process.returncode(), std::nullopt);
    EXPECT_NE(process.stdin_writer(), nullptr);
    EXPECT_NE(process.stdout_reader(), nullptr);
    EXPECT_NE(process.stderr_reader(), nullptr);
    const ProcessOutput output =
        co_await OrReturn(process.Communicate("hello"));
    EXPECT_EQ(output.out, "hello");
    EXPECT_EQ(output.err, "oops");
    EXPECT_EQ(output.status, ExitStatus::Exited(3));
    EXPECT_EQ(process.returncode(), 3);
    co_return absl::OkStatus();
  });
}

// SUB-18, SUB-20: nothing for what is not a pipe.
TEST_F(ProcessTest, WhatIsNoPipeHasNoStream) {
  Run([]() -> Coro<void> {
    ProcessOptions options = RunTestChild({"say", "x"});
    options.stdout_to = Stdio::Null();
    Process process =
        co_await OrReturn(CreateSubprocessExec(std::move(options)));
    EXPECT_EQ(process.stdin_writer(), nullptr);
    EXPECT_EQ(process.stdout_reader(), nullptr);
    EXPECT_EQ(process.stderr_reader(), nullptr);
    const absl::StatusOr<ProcessOutput> refused =
        co_await process.Communicate("input");
    EXPECT_EQ(refused.status().code(), absl::StatusCode::kInvalidArgument);
    const ProcessOutput output = co_await OrReturn(process.Communicate());
    EXPECT_EQ(output.out, std::nullopt);
    EXPECT_EQ(output.err, std::nullopt);
    EXPECT_TRUE(output.status.ok());
    co_return absl::OkStatus();
  });
}

// SUB-21
TEST_F(ProcessTest, StderrMayGoWhereStdoutGoes) {
  Run([]() -> Coro<void> {
    ProcessOptions options;
    options.stdout_to = Stdio::Pipe();
    options.stderr_to = Stdio::ToStdout();
    Process process = co_await OrReturn(
        CreateSubprocessShell("echo a; echo b >&2; echo c", options));
    const ProcessOutput output = co_await OrReturn(process.Communicate());
    EXPECT_EQ(output.out, "a\nb\nc\n");
    EXPECT_EQ(output.err, std::nullopt);
    co_return absl::OkStatus();
  });
}

TEST_F(ProcessTest, StreamsAreForTalking) {
  Run([]() -> Coro<void> {
    const ProcessOptions all_pipes = AllPipes({"copy"});
    Process process = co_await OrReturn(CreateSubprocessExec(all_pipes));
    for (int i = 0; i < 3; ++i) {
      const std::string line = "line " + std::to_string(i) + "\n";
      co_await OrReturn(process.stdin_writer()->Write(line));
      co_await OrReturn(process.stdin_writer()->Drain());
      const std::string echo =
          co_await OrReturn(process.stdout_reader()->ReadLine());
      EXPECT_EQ(echo, line);
    }
    process.stdin_writer()->Close();
    const std::string rest =
        co_await OrReturn(process.stdout_reader()->ReadAll());
    EXPECT_EQ(rest, "");
    const ExitStatus status = co_await OrReturn(process.Wait());
    EXPECT_TRUE(status.ok());
    co_return absl::OkStatus();
  });
}

TEST_F(ProcessTest, FailingStartIsReported) {
  Run([]() -> Coro<void> {
    ProcessOptions options;
    options.argv = {"/no/such/program"};
    const absl::StatusOr<Process> process =
        co_await CreateSubprocessExec(std::move(options));
    EXPECT_EQ(ErrnoFromStatus(process.status()), ENOENT);
    co_return absl::OkStatus();
  });
}

// SUB-18: both ways at once, both outputs, more than pipes and buffers hold.
TEST_F(ProcessTest, bug_G14_AnySizeCommunicatesWithoutADeadlock) {
  Run([]() -> Coro<void> {
    Process process = co_await OrReturn(
        CreateSubprocessShell("tee /dev/stderr", ShellPipes()));
    std::string input(10 << 20, 'x');
    for (size_t i = 0; i < input.size(); i += 1000) input[i] = '\n';
    const ProcessOutput output = co_await OrReturn(process.Communicate(input));
    EXPECT_TRUE(output.out == input);
    EXPECT_TRUE(output.err == input);
    co_return absl::OkStatus();
  });
}

// SUB-19
TEST_F(ProcessTest, bug_G14_InputThatIsNotReadIsNoError) {
  Run([]() -> Coro<void> {
    Process process =
        co_await OrReturn(CreateSubprocessShell("head -c1", ShellPipes()));
    const ProcessOutput output =
        co_await OrReturn(process.Communicate(std::string(10 << 20, 'y')));
    EXPECT_EQ(output.out, "y");
    EXPECT_TRUE(output.status.ok());
    co_return absl::OkStatus();
  });
}

// SUB-15
TEST_F(ProcessTest, bug_G15_WaitIsForTheExitReadingForTheEnd) {
  int hold[2];
  ASSERT_EQ(pipe2(hold, O_CLOEXEC), 0);
  Run([&]() -> Coro<void> {
    ProcessOptions options;
    options.stdout_to = Stdio::Pipe();
    options.pass_fds.emplace_back(3, hold[0]);
    Process process = co_await OrReturn(CreateSubprocessShell(
        "{ read line <&3; printf late; } & exit 5", options));
    close(hold[0]);
    const ExitStatus status = co_await OrReturn(process.Wait());
    EXPECT_EQ(status, ExitStatus::Exited(5));
    EXPECT_FALSE(process.stdout_reader()->AtEof());
    close(hold[1]);
    const std::string rest =
        co_await OrReturn(process.stdout_reader()->ReadAll());
    EXPECT_EQ(rest, "late");
    co_return absl::OkStatus();
  });
}

// The output is longer than the limit: the reader pauses, the child blocks or
// dies meanwhile, and all comes through.
TEST_F(ProcessTest, bug_G13_OutputIsReadToTheEndAfterTheExit) {
  Run([]() -> Coro<void> {
    ProcessOptions options;
    options.stdout_to = Stdio::Pipe();
    options.stream_limit = 1000;
    Process process = co_await OrReturn(
        CreateSubprocessShell("head -c 50000 /dev/zero", options));
    const ExitStatus status = co_await OrReturn(process.Wait());
    EXPECT_TRUE(status.ok());
    size_t size = 0;
    while (true) {
      const std::string some =
          co_await OrReturn(process.stdout_reader()->Read(777));
      if (some.empty()) break;
      size += some.size();
    }
    EXPECT_EQ(size, 50000u);
    co_return absl::OkStatus();
  });
}

// SUB-16
TEST_F(ProcessTest, AllWaitersAreWoken) {
  Run([this]() -> Coro<void> {
    const ProcessOptions all_pipes = AllPipes({"wait", "exit", "2"});
    Process process = co_await OrReturn(CreateSubprocessExec(all_pipes));
    std::vector<Task<ExitStatus>> waiters;
    for (int i = 0; i < 3; ++i) {
      waiters.push_back(CreateTask(*loop_, process.Wait()));
    }
    co_await OrReturn(Sleep(absl::ZeroDuration()));
    process.stdin_writer()->Close();
    for (Task<ExitStatus>& waiter : waiters) {
      const ExitStatus status = co_await OrReturn(waiter);
      EXPECT_EQ(status, ExitStatus::Exited(2));
    }
    const ExitStatus again = co_await OrReturn(process.Wait());
    EXPECT_EQ(again, ExitStatus::Exited(2));
    co_return absl::OkStatus();
  });
}

// SUB-17
TEST_F(ProcessTest, CancelledWaitDoesNothingToTheChild) {
  Run([]() -> Coro<void> {
    const ProcessOptions all_pipes = AllPipes({"wait", "exit", "2"});
    Process process = co_await OrReturn(CreateSubprocessExec(all_pipes));
    for (int i = 0; i < 10; ++i) {
      const absl::StatusOr<ExitStatus> late =
          co_await WaitFor(process.Wait(), absl::ZeroDuration());
      EXPECT_EQ(late.status().code(), absl::StatusCode::kDeadlineExceeded);
    }
    EXPECT_EQ(process.returncode(), std::nullopt);
    process.stdin_writer()->Close();
    const ExitStatus status = co_await OrReturn(process.Wait());
    EXPECT_EQ(status, ExitStatus::Exited(2));
    co_return absl::OkStatus();
  });
}

TEST_F(ProcessTest, CancelledCommunicateGoesOnWhereItWas) {
  Run([]() -> Coro<void> {
    ProcessOptions options = ShellPipes();
    int hold[2];
    EXPECT_EQ(pipe2(hold, O_CLOEXEC), 0);
    options.pass_fds.emplace_back(3, hold[0]);
    // stderr ends at once, stdout when told.
    Process process = co_await OrReturn(CreateSubprocessShell(
        "echo done >&2; exec 2>&-; cat; read line <&3; echo end", options));
    close(hold[0]);
    for (const int milliseconds : {0, 20, 0}) {
      const absl::StatusOr<ProcessOutput> late = co_await WaitFor(
          process.Communicate("input "), absl::Milliseconds(milliseconds));
      EXPECT_EQ(late.status().code(), absl::StatusCode::kDeadlineExceeded);
    }
    close(hold[1]);
    const ProcessOutput output =
        co_await OrReturn(process.Communicate("input "));
    EXPECT_EQ(output.out, "input end\n");
    EXPECT_EQ(output.err, "done\n");
    co_return absl::OkStatus();
  });
}

// SUB-24: what inherited the child's stdin does not keep the transport.
TEST_F(ProcessTest, TransportIsClosedWhenAllIsOver) {
  int hold[2];
  ASSERT_EQ(pipe2(hold, O_CLOEXEC), 0);
  Run([&]() -> Coro<void> {
    ProcessOptions options = ShellPipes();
    options.pass_fds.emplace_back(3, hold[0]);
    Process process = co_await OrReturn(CreateSubprocessShell(
        "{ read line <&3; } >&- 2>&- <&0 & exit 0", options));
    close(hold[0]);
    const auto transport = process.transport();
    const std::string out =
        co_await OrReturn(process.stdout_reader()->ReadAll());
    const std::string err =
        co_await OrReturn(process.stderr_reader()->ReadAll());
    const ExitStatus status = co_await OrReturn(process.Wait());
    EXPECT_TRUE(status.ok());
    EXPECT_EQ(out + err, "");
    while (transport->GetProtocol() != nullptr) {
      co_await OrReturn(Sleep(absl::ZeroDuration()));
    }
    close(hold[1]);
    co_return absl::OkStatus();
  });
}

// Its stdin ends, so it does; nobody is told.
TEST_F(ProcessTest, bug_G6_DroppedProcessRunsOnAndIsReaped) {
  Run([]() -> Coro<void> {
    std::weak_ptr<SubprocessTransport> transport;
    {
      const ProcessOptions all_pipes = AllPipes({"wait", "exit", "1"});
      Process process = co_await OrReturn(CreateSubprocessExec(all_pipes));
      transport = process.transport();
    }
    while (!transport.expired()) {
      co_await OrReturn(Sleep(absl::ZeroDuration()));
    }
    EXPECT_FALSE(HasChildren());
    co_return absl::OkStatus();
  });
}

// It would write for ever into a pipe that nobody reads.
TEST_F(ProcessTest, bug_G6_OutputOfADroppedProcessGetsSigpipe) {
  Run([]() -> Coro<void> {
    ProcessOptions options;
    options.stdout_to = Stdio::Pipe();
    options.argv = {"yes"};
    std::weak_ptr<SubprocessTransport> transport;
    std::optional<StreamReader> reader;
    {
      Process process = co_await OrReturn(CreateSubprocessExec(options));
      transport = process.transport();
      reader = *process.stdout_reader();
    }
    // As long as there is a reader, it can be read.
    const std::string line = co_await OrReturn(reader->ReadLine());
    EXPECT_EQ(line, "y\n");
    reader.reset();
    while (!transport.expired()) {
      co_await OrReturn(Sleep(absl::ZeroDuration()));
    }
    EXPECT_FALSE(HasChildren());
    co_return absl::OkStatus();
  });
}

TEST_F(ProcessTest, MayBeKilledWhenItIsDropped) {
  Run([]() -> Coro<void> {
    ProcessOptions options = RunTestChild({"wait"});
    int hold[2];
    EXPECT_EQ(pipe2(hold, O_CLOEXEC), 0);
    options.stdin_from = Stdio::Fd(hold[0]);
    options.kill_on_drop = true;
    std::weak_ptr<SubprocessTransport> transport;
    {
      Process process = co_await OrReturn(CreateSubprocessExec(options));
      const Process copy = process;
      transport = process.transport();
      process = Process();
      EXPECT_EQ(copy.returncode(), std::nullopt);
    }
    std::optional<ExitStatus> status;
    while (const auto kept = transport.lock()) {
      status = kept->exit_status();
      co_await OrReturn(Sleep(absl::ZeroDuration()));
    }
    close(hold[0]);
    close(hold[1]);
    co_return absl::OkStatus();
  });
}

TEST_F(ProcessTest, bug_G6_ClosingTheLoopWithProcessesLeavesNothing) {
  const std::vector<int> before = OpenFds();
  {
    auto loop = *NewDefaultEventLoop();
    const auto run = [](AbstractEventLoop* running) -> Coro<void> {
      const ProcessOptions options = AllPipes({"wait"});
      Process process = co_await OrReturn(CreateSubprocessExec(options));
      running->Stop();
      co_return (co_await process.stdout_reader()->ReadAll()).status();
    };
    const Task<void> task = CreateTask(*loop, run(loop.get()));
    ASSERT_TRUE(loop->RunForever().ok());
    EXPECT_FALSE(task.done());
    ASSERT_TRUE(loop->Close().ok());
    EXPECT_FALSE(HasChildren());
  }
  EXPECT_EQ(OpenFds(), before);
}

TEST_F(ProcessTest, HandleMayOutliveTheLoop) {
  Process process;
  EXPECT_FALSE(process.valid());
  {
    auto loop = *NewDefaultEventLoop();
    const auto run = [&]() -> Coro<void> {
      const ProcessOptions all_pipes = AllPipes({"wait"});
      process = co_await OrReturn(CreateSubprocessExec(all_pipes));
      co_return absl::OkStatus();
    };
    ASSERT_TRUE(RunUntilComplete(*loop, run()).ok());
  }
  EXPECT_FALSE(process.Kill().ok());
  EXPECT_FALSE(HasChildren());
}

}  // namespace
}  // namespace evkit

// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/subprocess/process/subprocess_transport.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "evkit/base/errno_status.h"
#include "evkit/base/fault_injection.h"
#include "evkit/loop/default_event_loop.h"
#include "evkit/loop/event_loop.h"
#include "evkit/net/extra_info.h"
#include "evkit/subprocess/internal/spawn_testing.h"
#include "evkit/subprocess/signal_child_watcher.h"
#include "evkit/subprocess/thread_child_watcher.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using subprocess_internal::HasChildren;
using subprocess_internal::OpenFds;
using subprocess_internal::RunTestChild;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

// Writes down what it is told, and lets the test act on it.
class Recorder : public SubprocessProtocol {
 public:
  void ConnectionMade(std::shared_ptr<SubprocessTransport> made) override {
    transport = std::move(made);
    Note("made");
  }
  void PipeDataReceived(int fd, absl::string_view data) override {
    output[fd] += data;
    // How output is cut means nothing.
    const std::string event = "data " + std::to_string(fd);
    if (events.empty() || events.back() != event) Note(event);
  }
  void PipeConnectionLost(int fd, const absl::Status& status) override {
    Note("pipe lost " + std::to_string(fd) + (status.ok() ? "" : " badly"));
  }
  void ProcessExited(ExitStatus status) override {
    Note("exited " + std::to_string(status.returncode()));
  }
  void ConnectionLost(const absl::Status& status) override {
    Note(status.ok() ? "lost" : "lost badly");
    transport.reset();
  }
  void PauseWriting() override { Note("pause"); }
  void ResumeWriting() override { Note("resume"); }

  bool Saw(const std::string& event) const {
    return std::find(events.begin(), events.end(), event) != events.end();
  }

  std::vector<std::string> events;
  std::string output[3];
  std::shared_ptr<SubprocessTransport> transport;
  std::function<void(const std::string&)> on_event = [](const auto&) {};

 private:
  void Note(const std::string& event) {
    events.push_back(event);
    on_event(event);
  }
};

SubprocessOptions AllPipes(std::vector<std::string> arguments) {
  SubprocessOptions options = RunTestChild(std::move(arguments));
  options.stdin_from = Stdio::Pipe();
  options.stdout_to = Stdio::Pipe();
  options.stderr_to = Stdio::Pipe();
  return options;
}

class SubprocessTransportTest : public ::testing::Test {
 protected:
  ~SubprocessTransportTest() override {
    if (loop_ != nullptr) {
      EXPECT_TRUE(loop_->Close().ok());
    }
    EXPECT_FALSE(HasChildren()) << "a child was not reaped";
  }

  SubprocessProtocolFactory Factory() {
    return [this] { return protocol_; };
  }
  std::shared_ptr<SubprocessTransport> Exec(SubprocessOptions options) {
    absl::StatusOr<Subprocess> made =
        SubprocessExec(*loop_, Factory(), std::move(options));
    EXPECT_TRUE(made.ok()) << made.status();
    EXPECT_EQ(made->protocol, protocol_);
    return made->transport;
  }
  std::shared_ptr<SubprocessTransport> Shell(
      std::string command, SubprocessOptions options = SubprocessOptions()) {
    absl::StatusOr<Subprocess> made = SubprocessShell(
        *loop_, Factory(), std::move(command), std::move(options));
    EXPECT_TRUE(made.ok()) << made.status();
    return made->transport;
  }
  // Runs the loop until `event` has come.
  void RunUntil(const std::string& event) {
    if (protocol_->Saw(event)) return;
    const auto before = protocol_->on_event;
    protocol_->on_event = [&](const std::string& seen) {
      before(seen);
      if (seen == event) loop_->Stop();
    };
    EXPECT_TRUE(loop_->RunForever().ok());
    protocol_->on_event = before;
  }
  void RunOneTurn() {
    loop_->Stop();
    EXPECT_TRUE(loop_->RunForever().ok());
  }

  std::unique_ptr<EventLoop> loop_ = *NewDefaultEventLoop();
  std::shared_ptr<Recorder> protocol_ = std::make_shared<Recorder>();
};

// SUB-05, SUB-08, SUB-09
TEST_F(SubprocessTransportTest, TellsOfAWholeLife) {
  const auto transport = Exec(AllPipes({"copy", "to", "2", "say", "oops"}));
  EXPECT_THAT(protocol_->events, IsEmpty()) << "called from inside the call";
  EXPECT_TRUE(transport->GetPipeTransport(0)->Write("hello").ok());
  transport->GetPipeTransport(0)->Close();
  RunUntil("lost");
  EXPECT_EQ(protocol_->events.front(), "made");
  EXPECT_EQ(protocol_->events.back(), "lost");
  EXPECT_THAT(
      protocol_->events,
      UnorderedElementsAre("made", "data 1", "data 2", "pipe lost 0",
                           "pipe lost 1", "pipe lost 2", "exited 0", "lost"));
  EXPECT_EQ(protocol_->output[1], "hello");
  EXPECT_EQ(protocol_->output[2], "oops");
  EXPECT_EQ(transport->returncode(), 0);
  EXPECT_EQ(transport->GetProtocol(), nullptr);
  EXPECT_TRUE(transport->IsClosing());
}

// SUB-01
TEST_F(SubprocessTransportTest, WithoutPipesThereIsTheExitOnly) {
  const auto transport = Exec(RunTestChild({"exit", "3"}));
  for (const int fd : {-1, 0, 1, 2, 3}) {
    EXPECT_EQ(transport->GetPipeTransport(fd), nullptr);
  }
  RunUntil("lost");
  EXPECT_THAT(protocol_->events, ElementsAre("made", "exited 3", "lost"));
}

// SUB-11
TEST_F(SubprocessTransportTest, KnowsPidReturncodeAndPipes) {
  SubprocessOptions options = RunTestChild({"wait", "exit", "4"});
  options.stdin_from = Stdio::Pipe();
  const auto transport = Exec(std::move(options));
  EXPECT_EQ(kill(transport->pid(), 0), 0);
  EXPECT_EQ(transport->returncode(), std::nullopt);
  EXPECT_NE(transport->GetPipeTransport(0), nullptr);
  EXPECT_EQ(transport->GetPipeTransport(1), nullptr);
  transport->GetPipeTransport(0)->Close();
  RunUntil("exited 4");
  EXPECT_EQ(transport->returncode(), 4);
  EXPECT_EQ(transport->exit_status(), ExitStatus::Exited(4));
}

// SUB-12
TEST_F(SubprocessTransportTest, ReturncodeOfAKilledChildIsNegative) {
  const auto transport = Exec(AllPipes({"wait"}));
  EXPECT_TRUE(transport->Terminate().ok());
  RunUntil("lost");
  EXPECT_EQ(transport->returncode(), -SIGTERM);
}

// SUB-03
TEST_F(SubprocessTransportTest, FactoryIsCalledBeforeTheStart) {
  int calls = 0;
  SubprocessOptions options;
  options.argv = {"/no/such/program"};
  const auto made = SubprocessExec(
      *loop_,
      [&] {
        ++calls;
        EXPECT_FALSE(HasChildren());
        return protocol_;
      },
      options);
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(made.status().code(), absl::StatusCode::kNotFound);
}

// SUB-04
TEST_F(SubprocessTransportTest, bug_G7_FailingStartIsReportedAndTellsNobody) {
  const std::vector<int> before = OpenFds();
  for (int i = 0; i < 20; ++i) {
    SubprocessOptions options = AllPipes({});
    options.argv = {"/no/such/program"};
    const auto made = SubprocessExec(*loop_, Factory(), options);
    EXPECT_EQ(ErrnoFromStatus(made.status()), ENOENT);
  }
  RunOneTurn();
  EXPECT_THAT(protocol_->events, IsEmpty());
  EXPECT_EQ(OpenFds(), before);
}

// SUB-04
TEST_F(SubprocessTransportTest, ChildThatCannotBeWatchedIsKilledAndReaped) {
  Exec(RunTestChild({"exit", "0"}));  // So that the loop has its watcher.
  RunUntil("lost");
  protocol_ = std::make_shared<Recorder>();
  const std::vector<int> before = OpenFds();
  FaultInjection faults;
  faults.Fail("epoll_ctl", ENOSPC);
  const auto made =
      SubprocessExec(*loop_, Factory(), AllPipes({"wait", "wait"}));
  EXPECT_EQ(ErrnoFromStatus(made.status()), ENOSPC);
  EXPECT_FALSE(HasChildren());
  RunOneTurn();
  RunOneTurn();
  EXPECT_EQ(OpenFds(), before);
  EXPECT_THAT(protocol_->events, IsEmpty());
}

// SUB-04
TEST_F(SubprocessTransportTest, ChildWhosePipesFailIsKilledAndReaped) {
  const std::vector<int> before = OpenFds();
  for (int nth = 1; nth <= 3; ++nth) {
    FaultInjection faults;
    faults.Fail("fcntl", EIO, nth);
    EXPECT_FALSE(SubprocessExec(*loop_, Factory(), AllPipes({"wait"})).ok());
    EXPECT_FALSE(HasChildren());
    RunOneTurn();
    RunOneTurn();
  }
  EXPECT_EQ(OpenFds(), before);
  EXPECT_THAT(protocol_->events, IsEmpty());
}

// SUB-06
TEST_F(SubprocessTransportTest, NothingIsCalledInline) {
  const auto transport = Exec(AllPipes({"wait"}));
  RunUntil("made");
  const size_t before = protocol_->events.size();
  transport->Close();
  transport->GetPipeTransport(1)->Abort();
  EXPECT_TRUE(transport->Kill().ok());
  EXPECT_EQ(protocol_->events.size(), before);
  RunUntil("lost");
}

// SUB-07
TEST_F(SubprocessTransportTest, ExitMayComeBeforeTheOutputIsRead) {
  SubprocessOptions options = AllPipes({"say", "late"});
  const auto transport = Exec(std::move(options));
  transport->GetPipeTransport(1)->PauseReading();
  RunUntil("exited 0");
  EXPECT_FALSE(protocol_->Saw("data 1"));
  transport->GetPipeTransport(1)->ResumeReading();
  RunUntil("lost");
  EXPECT_EQ(protocol_->output[1], "late");
}

// SUB-07: and long after it was closed.
TEST_F(SubprocessTransportTest, OutputMayEndBeforeTheExit) {
  SubprocessOptions options;
  options.stdin_from = Stdio::Pipe();
  options.stdout_to = Stdio::Pipe();
  const auto transport = Shell("exec >&-; read line; exit 6", options);
  RunUntil("pipe lost 1");
  EXPECT_EQ(transport->returncode(), std::nullopt);
  transport->GetPipeTransport(0)->Close();
  RunUntil("lost");
  EXPECT_EQ(transport->returncode(), 6);
}

// All of it is in the pipe when the child exits, and nobody reads.
TEST_F(SubprocessTransportTest, bug_G13_OutputOfADeadChildIsNotLost) {
  constexpr int kSize = 1 << 20;
  SubprocessOptions options;
  options.stdin_from = Stdio::Pipe();
  options.stdout_to = Stdio::Pipe();
  const auto transport = Shell("read line; head -c 1048576 /dev/zero", options);
  const auto output = transport->GetPipeTransport(1);
  ASSERT_EQ(fcntl(*output->GetExtraInfo(kPipe), F_SETPIPE_SZ, kSize), kSize);
  output->PauseReading();
  transport->GetPipeTransport(0)->Close();
  RunUntil("exited 0");
  EXPECT_FALSE(protocol_->Saw("data 1"));
  output->ResumeReading();
  RunUntil("lost");
  EXPECT_EQ(protocol_->output[1].size(), size_t{kSize});
}

// SUB-10
TEST_F(SubprocessTransportTest, bug_G15_GrandchildDelaysThePipeNotTheExit) {
  int hold[2];
  ASSERT_EQ(pipe2(hold, O_CLOEXEC), 0);
  SubprocessOptions options;
  options.stdout_to = Stdio::Pipe();
  options.pass_fds.emplace_back(3, hold[0]);
  Shell("{ read line <&3; printf late; } & exit 5", options);
  close(hold[0]);
  RunUntil("exited 5");
  EXPECT_FALSE(protocol_->Saw("pipe lost 1"));
  RunOneTurn();
  EXPECT_FALSE(protocol_->Saw("lost"));
  close(hold[1]);
  RunUntil("lost");
  EXPECT_EQ(protocol_->output[1], "late");
  EXPECT_THAT(protocol_->events,
              ElementsAre("made", "exited 5", "data 1", "pipe lost 1", "lost"));
}

// SUB-13
TEST_F(SubprocessTransportTest, SignalsToADeadChildAreDroppedThenRefused) {
  SubprocessOptions options = RunTestChild({"wait", "exit", "1"});
  options.stdin_from = Stdio::Pipe();
  options.stdout_to = Stdio::Pipe();
  const auto transport = Exec(std::move(options));
  EXPECT_EQ(transport->SendSignal(1000).code(),
            absl::StatusCode::kInvalidArgument);
  transport->GetPipeTransport(1)->PauseReading();
  transport->GetPipeTransport(0)->Close();
  RunUntil("pipe lost 0");
  // A zombie: nobody has looked yet.
  siginfo_t info;
  waitid(P_PID, static_cast<id_t>(transport->pid()), &info, WEXITED | WNOWAIT);
  EXPECT_TRUE(transport->Kill().ok());
  RunUntil("exited 1");
  {
    FaultInjection faults;
    faults.Fail("pidfd_send_signal", EPERM);
    EXPECT_TRUE(transport->Kill().ok()) << "was sent";
  }
  transport->GetPipeTransport(1)->ResumeReading();
  RunUntil("lost");
  EXPECT_EQ(ErrnoFromStatus(transport->Kill()), ESRCH);
  EXPECT_EQ(transport->returncode(), 1);
}

// The watcher has reaped it, and its callback is still in the queue: the pid
// is free for others.
TEST_F(SubprocessTransportTest, bug_G1_NoSignalBetweenTheReapingAndTheNews) {
  for (const bool with_pidfd : {true, false}) {
    protocol_ = std::make_shared<Recorder>();
    FaultInjection faults;
    if (!with_pidfd) {
      // Spawn() does without pidfds then.
      faults.Fail("clone", EINVAL, 1);
      faults.Fail("pidfd_open@CloneAndRun", ENOSYS);
    }
    const auto transport = Exec(AllPipes({"wait"}));
    int status;
    ASSERT_EQ(kill(transport->pid(), SIGKILL), 0);
    ASSERT_EQ(waitpid(transport->pid(), &status, 0), transport->pid());
    faults.Fail("kill", EPERM);
    EXPECT_TRUE(transport->Terminate().ok()) << "was sent";
    RunUntil("lost");
    EXPECT_EQ(transport->returncode(), 255);
  }
}

// SUB-14
TEST_F(SubprocessTransportTest, CloseKillsAndTellsTheRest) {
  const auto transport = Exec(AllPipes({"wait"}));
  RunUntil("made");
  EXPECT_FALSE(transport->IsClosing());
  transport->Close();
  transport->Close();
  EXPECT_TRUE(transport->IsClosing());
  RunUntil("lost");
  EXPECT_EQ(protocol_->events.back(), "lost");
  EXPECT_THAT(protocol_->events,
              UnorderedElementsAre("made", "pipe lost 0", "pipe lost 1",
                                   "pipe lost 2", "exited -9", "lost"));
}

TEST_F(SubprocessTransportTest, MayBeClosedFromEveryCallback) {
  for (const char* event : {"made", "data 1", "pipe lost 1", "exited 0"}) {
    protocol_ = std::make_shared<Recorder>();
    protocol_->on_event = [&, event](const std::string& seen) {
      if (seen == event) protocol_->transport->Close();
    };
    Exec(AllPipes({"say", "x"}));
    RunUntil("lost");
    EXPECT_EQ(
        std::count(protocol_->events.begin(), protocol_->events.end(), "lost"),
        1)
        << event;
  }
}

TEST_F(SubprocessTransportTest, bug_G6_DroppedChildIsReapedAllTheSame) {
  Exec(RunTestChild({"exit", "0"}));
  RunUntil("lost");
  EXPECT_FALSE(HasChildren());
}

// SUB-25
TEST_F(SubprocessTransportTest, bug_G6_ClosingTheLoopKillsAndReaps) {
  const std::vector<int> before = OpenFds();
  for (const bool whole_group : {false, true}) {
    loop_ = *NewDefaultEventLoop();
    protocol_ = std::make_shared<Recorder>();
    SubprocessOptions options = AllPipes({"wait"});
    options.signal_whole_group = whole_group;
    const auto transport = Exec(std::move(options));
    RunUntil("made");
    protocol_->transport.reset();
    EXPECT_TRUE(loop_->Close().ok());
    EXPECT_FALSE(HasChildren());
    EXPECT_THAT(protocol_->events, ElementsAre("made"));
    transport->Close();
    EXPECT_EQ(protocol_.use_count(), 1);
    EXPECT_FALSE(transport->Kill().ok());
    loop_.reset();
  }
  const std::vector<int> after = OpenFds();
  EXPECT_LE(after.size(), before.size());
  EXPECT_EQ(SubprocessExec(**NewDefaultEventLoop(), Factory(),
                           RunTestChild({"exit", "0"}))
                .ok(),
            true);
}

TEST_F(SubprocessTransportTest, ClosedLoopStartsNothing) {
  ASSERT_TRUE(loop_->Close().ok());
  EXPECT_EQ(SubprocessExec(*loop_, Factory(), RunTestChild({"exit", "0"}))
                .status()
                .code(),
            absl::StatusCode::kFailedPrecondition);
}

// SUB-23
TEST_F(SubprocessTransportTest, FlowControlOfStdinIsPassedOnAtOnce) {
  SubprocessOptions options;
  options.stdin_from = Stdio::Pipe();
  options.stdout_to = Stdio::Pipe();
  // Begins to read on demand.
  const auto transport = Shell("kill -STOP $$; wc -c", options);
  RunUntil("made");
  EXPECT_TRUE(
      transport->GetPipeTransport(0)->Write(std::string(1 << 20, 'x')).ok());
  EXPECT_EQ(protocol_->events.back(), "pause");
  transport->GetPipeTransport(0)->Close();
  siginfo_t info;
  waitid(P_PID, static_cast<id_t>(transport->pid()), &info, WSTOPPED);
  EXPECT_TRUE(transport->SendSignal(SIGCONT).ok());
  RunUntil("lost");
  EXPECT_EQ(protocol_->output[1], "1048576\n");
}

#if defined(__cpp_exceptions)
TEST_F(SubprocessTransportTest, WhatTheProtocolThrowsIsReportedAndNoMore) {
  std::vector<std::string> reports;
  loop_->SetExceptionHandler(
      [&](AbstractEventLoop&, const ErrorContext& error) {
        reports.push_back(error.message);
      });
  protocol_->on_event = [](const std::string& event) {
    if (event != "lost") throw 1;
  };
  Exec(AllPipes({"say", "x"}));
  RunUntil("lost");
  EXPECT_EQ(protocol_->events.back(), "lost");
  EXPECT_THAT(reports, Contains(HasSubstr("ConnectionMade")));
  EXPECT_THAT(reports, Contains(HasSubstr("PipeDataReceived")));
  EXPECT_THAT(reports, Contains(HasSubstr("PipeConnectionLost")));
  EXPECT_THAT(reports, Contains(HasSubstr("ProcessExited")));
}
#endif  // __cpp_exceptions

TEST_F(SubprocessTransportTest, ShellParsesTheCommand) {
  SubprocessOptions options;
  options.stdout_to = Stdio::Pipe();
  Shell("echo $((6 * 7)) | tr 4 5", options);
  RunUntil("lost");
  EXPECT_EQ(protocol_->output[1], "52\n");
  options.argv = {"ls"};
  EXPECT_EQ(SubprocessShell(*loop_, Factory(), "ls", options).status().code(),
            absl::StatusCode::kInvalidArgument);
}

// The shell waits for a grandchild that a signal to the shell alone would
// leave behind, with the pipe.
constexpr char kTree[] = "sleep 1000 & echo started; wait; exit 1";

TEST_F(SubprocessTransportTest, WholeGroupIsSignalled) {
  for (const bool session : {false, true}) {
    protocol_ = std::make_shared<Recorder>();
    SubprocessOptions options;
    options.stdout_to = Stdio::Pipe();
    options.signal_whole_group = true;
    options.start_new_session = session;
    const auto transport = Shell(kTree, options);
    RunUntil("data 1");
    EXPECT_TRUE(transport->Terminate().ok());
    RunUntil("lost");  // The grandchild had the pipe as well.
    EXPECT_EQ(transport->returncode(), -SIGTERM);
  }
}

TEST_F(SubprocessTransportTest, WholeGroupIsSignalledOnOlderKernelsToo) {
  SubprocessOptions options;
  options.stdout_to = Stdio::Pipe();
  options.signal_whole_group = true;
  const auto transport = Shell(kTree, options);
  RunUntil("data 1");
  FaultInjection faults;
  faults.Fail("pidfd_send_signal", EINVAL);
  EXPECT_TRUE(transport->Terminate().ok());
  RunUntil("lost");
  EXPECT_EQ(transport->returncode(), -SIGTERM);
}

TEST_F(SubprocessTransportTest, WhatIsLeftOfAGroupCanBeSignalled) {
  SubprocessOptions options;
  options.stdout_to = Stdio::Pipe();
  options.signal_whole_group = true;
  const auto transport = Shell("sleep 1000 & exit 0", options);
  RunUntil("exited 0");
  {
    FaultInjection faults;
    faults.Fail("pidfd_send_signal", EINVAL);
    EXPECT_TRUE(transport->Kill().ok());
    RunOneTurn();
    EXPECT_FALSE(protocol_->Saw("pipe lost 1")) << "hit by number";
  }
  transport->Close();
  RunUntil("lost");
}

TEST_F(SubprocessTransportTest, WholeGroupMustBeTheChildsOwn) {
  SubprocessOptions options = RunTestChild({"exit", "0"});
  options.signal_whole_group = true;
  options.process_group = getpgrp();
  EXPECT_EQ(SubprocessExec(*loop_, Factory(), options).status().code(),
            absl::StatusCode::kInvalidArgument);
}

// Another watcher, chosen in the loop's options.
TEST_F(SubprocessTransportTest, AnyWatcherWillDo) {
  for (const bool threads : {false, true}) {
    EventLoopOptions options;
    if (threads) {
      options.child_watcher = *ThreadChildWatcher::Create();
    } else {
      options.child_watcher = *SignalChildWatcher::Create();
    }
    loop_ = *NewDefaultEventLoop(std::move(options));
    protocol_ = std::make_shared<Recorder>();
    Exec(AllPipes({"copy", "exit", "7"}))->GetPipeTransport(0)->Close();
    RunUntil("lost");
    EXPECT_TRUE(protocol_->Saw("exited 7"));
  }
}

}  // namespace
}  // namespace evkit

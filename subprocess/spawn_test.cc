// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/subprocess/spawn.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "evkit/base/errno_status.h"
#include "evkit/subprocess/internal/spawn_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using subprocess_internal::HasChildren;
using subprocess_internal::MustSpawn;
using subprocess_internal::OutputOf;
using subprocess_internal::ReadAll;
using subprocess_internal::RunTestChild;
using subprocess_internal::TestChildPath;
using subprocess_internal::WaitFor;
using ::testing::HasSubstr;

TEST(SpawnTest, RunsAProgramAndItsCodeIsSeen) {
  const Child child = MustSpawn(RunTestChild({"exit", "3"}));
  EXPECT_GT(child.pid, 0);
  EXPECT_TRUE(static_cast<bool>(child.pidfd));
  EXPECT_EQ(WaitFor(child), ExitStatus::Exited(3));
}

// SUB-12
TEST(SpawnTest, ChildKilledByASignalHasItsNegativeNumberAsReturncode) {
  const Child child = MustSpawn(RunTestChild({"kill", "10"}));
  EXPECT_EQ(WaitFor(child).returncode(), -SIGUSR1);
}

TEST(SpawnTest, OutputComesThroughThePipe) {
  EXPECT_EQ(OutputOf(RunTestChild({"say", "hello"})), "hello");
}

TEST(SpawnTest, InputGoesThroughThePipe) {
  SpawnOptions options = RunTestChild({"copy"});
  options.stdin_from = Stdio::Pipe();
  options.stdout_to = Stdio::Pipe();
  Child child = MustSpawn(options);
  ASSERT_EQ(write(child.stdin_pipe.get(), "twice", 5), 5);
  child.stdin_pipe.Reset();
  EXPECT_EQ(ReadAll(child.stdout_pipe.get()), "twice");
  EXPECT_EQ(WaitFor(child), ExitStatus::Exited(0));
}

TEST(SpawnTest, StdoutAndStderrArePipesOfTheirOwn) {
  SpawnOptions options = RunTestChild({"say", "out", "to", "2", "say", "err"});
  options.stdout_to = Stdio::Pipe();
  options.stderr_to = Stdio::Pipe();
  const Child child = MustSpawn(options);
  EXPECT_EQ(ReadAll(child.stdout_pipe.get()), "out");
  EXPECT_EQ(ReadAll(child.stderr_pipe.get()), "err");
  WaitFor(child);
}

// SUB-21
TEST(SpawnTest, StderrCanGoWhereStdoutGoes) {
  SpawnOptions options = RunTestChild({"say", "out", "to", "2", "say", "err"});
  options.stderr_to = Stdio::ToStdout();
  EXPECT_EQ(OutputOf(options), "outerr");
}

// SUB-21
TEST(SpawnTest, StderrCanGoWhereAGivenStdoutGoes) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  SpawnOptions options = RunTestChild({"to", "2", "say", "err"});
  options.stdout_to = Stdio::Fd(ends[1]);
  options.stderr_to = Stdio::ToStdout();
  const Child child = MustSpawn(options);
  close(ends[1]);
  EXPECT_EQ(ReadAll(ends[0]), "err");
  close(ends[0]);
  WaitFor(child);
}

// SUB-21
TEST(SpawnTest, NullDeviceSwallowsOutputAndHasNoInput) {
  struct stat null;
  ASSERT_EQ(stat("/dev/null", &null), 0);
  SpawnOptions options = RunTestChild({"copy", "say", "lost", "inode", "0",
                                       "to", "2", "inode", "0", "inode", "1"});
  options.stdin_from = Stdio::Null();
  options.stdout_to = Stdio::Null();
  options.stderr_to = Stdio::Pipe();
  const Child child = MustSpawn(options);
  EXPECT_EQ(ReadAll(child.stderr_pipe.get()),
            absl::StrCat(null.st_ino, " ", null.st_ino, " "));
  EXPECT_EQ(WaitFor(child), ExitStatus::Exited(0));
}

TEST(SpawnTest, ParentEndsOfPipesAreCloseOnExec) {
  SpawnOptions options = RunTestChild({});
  options.stdin_from = Stdio::Pipe();
  options.stdout_to = Stdio::Pipe();
  options.stderr_to = Stdio::Pipe();
  const Child child = MustSpawn(options);
  for (const UniqueFd* fd : {&child.stdin_pipe, &child.stdout_pipe,
                             &child.stderr_pipe, &child.pidfd}) {
    EXPECT_EQ(fcntl(fd->get(), F_GETFD), FD_CLOEXEC);
  }
  WaitFor(child);
}

TEST(SpawnTest, ProgramMayHaveAnotherNameThanItsFirstArgument) {
  SpawnOptions options;
  options.program = TestChildPath();
  options.argv = {"-nickname", "name"};
  EXPECT_EQ(OutputOf(options), "-nickname");
}

TEST(SpawnTest, ProgramIsLookedForInThePathOfTheParent) {
  const std::string directory =
      TestChildPath().substr(0, TestChildPath().rfind('/'));
  const std::string old_path = getenv("PATH");
  setenv("PATH", absl::StrCat("/no/such:", directory, ":/usr/bin").c_str(), 1);
  SpawnOptions options;
  options.argv = {"test_child", "say", "found"};
  options.environment = std::vector<std::string>{"PATH=/elsewhere"};
  EXPECT_EQ(OutputOf(options), "found");

  options.argv = {"no_such_program_at_all"};
  EXPECT_EQ(ErrnoFromStatus(Spawn(options).status()), ENOENT);

  // A directory of that name may not be run, which is worth more than ENOENT.
  setenv("PATH", "/no/such:/:/no/such/either", 1);
  options.argv = {"proc"};
  EXPECT_EQ(ErrnoFromStatus(Spawn(options).status()), EACCES);
  setenv("PATH", old_path.c_str(), 1);
}

TEST(SpawnTest, EnvironmentIsInheritedUnlessGiven) {
  setenv("EVKIT_SPAWN_TEST", "inherited", 1);
  SpawnOptions options = RunTestChild({"environment"});
  EXPECT_THAT(OutputOf(options), HasSubstr("EVKIT_SPAWN_TEST=inherited\n"));

  options.environment = std::vector<std::string>{"A=1", "B=two words"};
  EXPECT_EQ(OutputOf(options), "A=1\nB=two words\n");

  options.environment = std::vector<std::string>{};
  EXPECT_EQ(OutputOf(options), "");
}

TEST(SpawnTest, WorkingDirectoryIsTheChildsOnly) {
  char before[4096];
  ASSERT_NE(getcwd(before, sizeof(before)), nullptr);
  SpawnOptions options = RunTestChild({"cwd"});
  options.working_directory = "/usr";
  EXPECT_EQ(OutputOf(options), "/usr");
  char after[4096];
  ASSERT_NE(getcwd(after, sizeof(after)), nullptr);
  EXPECT_STREQ(before, after);
}

TEST(SpawnTest, UmaskIsTheChildsOnly) {
  const mode_t before = umask(022);
  SpawnOptions options = RunTestChild({"umask"});
  EXPECT_EQ(OutputOf(options), "22");
  options.umask = 077;
  EXPECT_EQ(OutputOf(options), "77");
  EXPECT_EQ(umask(before), 022u);
}

TEST(SpawnTest, ChildCanLeadASessionOrAProcessGroup) {
  SpawnOptions options = RunTestChild({"session"});
  EXPECT_EQ(OutputOf(options), "member member");
  options.process_group = 0;
  EXPECT_EQ(OutputOf(options), "member leader");
  options.process_group.reset();
  options.start_new_session = true;
  EXPECT_EQ(OutputOf(options), "leader leader");
}

TEST(SpawnTest, ChildCanJoinTheProcessGroupOfAnother) {
  SpawnOptions first = RunTestChild({"wait"});
  first.stdin_from = Stdio::Pipe();
  first.process_group = 0;
  Child leader = MustSpawn(first);
  SpawnOptions second = RunTestChild({"wait"});
  second.stdin_from = Stdio::Pipe();
  second.process_group = leader.pid;
  const Child member = MustSpawn(second);
  EXPECT_EQ(getpgid(member.pid), leader.pid);

  EXPECT_EQ(kill(-leader.pid, SIGTERM), 0);
  EXPECT_EQ(WaitFor(leader), ExitStatus::Signaled(SIGTERM));
  EXPECT_EQ(WaitFor(member), ExitStatus::Signaled(SIGTERM));
}

TEST(SpawnTest, ResourceLimitsAreTheChildsOnly) {
  SpawnOptions options = RunTestChild({"limit", absl::StrCat(RLIMIT_CORE)});
  options.resource_limits.emplace_back(RLIMIT_CORE, 0, 0);
  EXPECT_EQ(OutputOf(options), "0 0");
}

TEST(SpawnTest, DeathOfTheParentCanBeASignal) {
  SpawnOptions options = RunTestChild({"death_signal"});
  EXPECT_EQ(OutputOf(options), "0");
  options.parent_death_signal = SIGTERM;
  EXPECT_EQ(OutputOf(options), "15");
}

TEST(SpawnTest, DeathSignalComesWhenTheSpawningThreadEnds) {
  Child child;
  std::thread([&] {
    SpawnOptions options = RunTestChild({"wait"});
    options.stdin_from = Stdio::Pipe();
    options.parent_death_signal = SIGUSR2;
    child = MustSpawn(options);
  }).join();
  EXPECT_EQ(WaitFor(child), ExitStatus::Signaled(SIGUSR2));
}

TEST(SpawnTest, UserAndGroupsAreTheChildsOnly) {
  const uid_t before = geteuid();
  SpawnOptions options;  // A program that every user may run.
  options.argv = {"/bin/sh", "-c", "id -u; id -ru; id -g; id -rg; id -G"};
  options.user = 12345;
  options.group = 23456;
  options.extra_groups = std::vector<gid_t>{7, 8};
  options.stdout_to = Stdio::Pipe();
  const absl::StatusOr<Child> child = Spawn(options);
  if (!child.ok()) {
    EXPECT_EQ(child.status().message(),
              "Spawn(/bin/sh): setgroups: Operation not permitted");
    GTEST_SKIP() << "needs privileges";
  }
  EXPECT_EQ(ReadAll(child->stdout_pipe.get()),
            "12345\n12345\n23456\n23456\n23456 7 8\n");
  EXPECT_EQ(WaitFor(*child), ExitStatus::Exited(0));
  EXPECT_EQ(geteuid(), before);
}

TEST(SpawnTest, WorksOnAnyThread) {
  std::thread([] {
    EXPECT_EQ(OutputOf(RunTestChild({"say", "thread"})), "thread");
  }).join();
}

TEST(SpawnTest, RelativeProgramIsRelativeToTheChildsDirectory) {
  SpawnOptions options;
  options.argv = {"./test_child", "say", "here"};
  options.working_directory =
      TestChildPath().substr(0, TestChildPath().rfind('/'));
  EXPECT_EQ(OutputOf(options), "here");
}

TEST(SpawnTest, CallersMistakesAreInvalidArguments) {
  const auto code = [](const SpawnOptions& options) {
    return Spawn(options).status().code();
  };
  EXPECT_EQ(code(SpawnOptions()), absl::StatusCode::kInvalidArgument);

  SpawnOptions options = RunTestChild({std::string("a\0b", 3)});
  EXPECT_EQ(code(options), absl::StatusCode::kInvalidArgument);
  options = RunTestChild({});
  options.environment = std::vector<std::string>{std::string("A=\0", 3)};
  EXPECT_EQ(code(options), absl::StatusCode::kInvalidArgument);
  options = RunTestChild({});
  options.pass_fds.emplace_back(2, 0);
  EXPECT_EQ(code(options), absl::StatusCode::kInvalidArgument);
  options = RunTestChild({});
  options.pass_fds.emplace_back(5, 0);
  options.pass_fds.emplace_back(5, 0);
  EXPECT_EQ(code(options), absl::StatusCode::kInvalidArgument);
  options = RunTestChild({});
  options.stdin_from = Stdio::ToStdout();
  EXPECT_EQ(code(options), absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(HasChildren());
}

TEST(SpawnTest, SignalReachesTheChild) {
  SpawnOptions options = RunTestChild({"wait"});
  options.stdin_from = Stdio::Pipe();
  const Child child = MustSpawn(options);
  EXPECT_TRUE(child.Signal(SIGTERM).ok());
  EXPECT_EQ(WaitFor(child), ExitStatus::Signaled(SIGTERM));
}

}  // namespace
}  // namespace evkit

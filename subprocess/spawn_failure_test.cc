// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What is said, and what is left behind, when a child cannot be started.

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "evkit/base/errno_status.h"
#include "evkit/base/fault_injection.h"
#include "evkit/subprocess/internal/spawn_testing.h"
#include "evkit/subprocess/spawn.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using subprocess_internal::HasChildren;
using subprocess_internal::kSlowBuild;
using subprocess_internal::MustSpawn;
using subprocess_internal::OpenFds;
using subprocess_internal::RunTestChild;
using subprocess_internal::TestChildPath;
using subprocess_internal::WaitFor;

bool IsBlocked(int signal) {
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  return sigismember(&mask, signal) == 1;
}

// Checks that a failed Spawn() leaves the process as it was.
class SpawnFailureTest : public ::testing::Test {
 protected:
  void SetUp() override {
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, SIGUSR1);
    pthread_sigmask(SIG_SETMASK, &one, &old_mask_);
    fds_ = OpenFds();
  }

  void TearDown() override {
    EXPECT_EQ(OpenFds(), fds_);
    EXPECT_FALSE(HasChildren());
    EXPECT_TRUE(IsBlocked(SIGUSR1));
    EXPECT_FALSE(IsBlocked(SIGTERM));
    EXPECT_FALSE(IsBlocked(SIGUSR2));
    pthread_sigmask(SIG_SETMASK, &old_mask_, nullptr);
  }

  // With everything that a failure could forget to close.
  static SpawnOptions Run(std::vector<std::string> argv) {
    SpawnOptions options;
    options.argv = std::move(argv);
    options.stdin_from = Stdio::Pipe();
    options.stdout_to = Stdio::Pipe();
    options.stderr_to = Stdio::Null();
    return options;
  }

 private:
  sigset_t old_mask_;
  std::vector<int> fds_;
};

std::string WriteFile(const std::string& name, const std::string& text,
                      mode_t mode) {
  const std::string path = absl::StrCat(::testing::TempDir(), "/", name);
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, mode);
  EXPECT_EQ(write(fd, text.data(), text.size()),
            static_cast<ssize_t>(text.size()));
  close(fd);
  return path;
}

TEST_F(SpawnFailureTest, TextNamesTheProgramTheStepAndTheError) {
  const absl::Status status = Spawn(Run({"/no/such"})).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(status.message(),
            "Spawn(/no/such): execve: No such file or directory");
  EXPECT_EQ(ErrnoFromStatus(status), ENOENT);
}

TEST_F(SpawnFailureTest, EmptyNameIsNoProgram) {
  EXPECT_EQ(ErrnoFromStatus(Spawn(Run({""})).status()), ENOENT);
}

// A zombie, a descriptor or the errno lost when exec fails.
TEST_F(SpawnFailureTest, bug_G7_ExecErrorsAreExactAndLeaveNothing) {
  const std::string not_executable = WriteFile("not_executable", "x", 0644);
  const std::string no_format = WriteFile("no_format", "", 0755);
  const std::string no_interpreter =
      WriteFile("no_interpreter", "#!/no/such/interpreter\n", 0755);
  const std::string too_big(200 * 1024, 'x');  // More than one string may be.
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(ErrnoFromStatus(Spawn(Run({"/no/such"})).status()), ENOENT);
    EXPECT_EQ(ErrnoFromStatus(Spawn(Run({not_executable})).status()), EACCES);
    EXPECT_EQ(ErrnoFromStatus(Spawn(Run({no_format})).status()), ENOEXEC);
    EXPECT_EQ(ErrnoFromStatus(Spawn(Run({no_interpreter})).status()), ENOENT);
    EXPECT_EQ(ErrnoFromStatus(Spawn(Run({TestChildPath(), too_big})).status()),
              E2BIG);
  }
}

TEST_F(SpawnFailureTest, bug_G7_ZombieIsReapedWithoutPidfdsToo) {
  FaultInjection faults;
  faults.Fail("clone", EINVAL, 1);
  EXPECT_EQ(ErrnoFromStatus(Spawn(Run({"/no/such"})).status()), ENOENT);
  faults.Clear();
  faults.Fail("waitid", EINVAL, 1);  // No P_PIDFD before 5.4.
  EXPECT_EQ(ErrnoFromStatus(Spawn(Run({"/no/such"})).status()), ENOENT);
  faults.Clear();
  faults.Fail("waitid", EINTR, 1, 3);
  EXPECT_EQ(ErrnoFromStatus(Spawn(Run({"/no/such"})).status()), ENOENT);
}

TEST_F(SpawnFailureTest, bug_G7_FailureWhileSigchldIsIgnoredDoesNotHang) {
  const auto old = signal(SIGCHLD, SIG_IGN);
  EXPECT_EQ(ErrnoFromStatus(Spawn(Run({"/no/such"})).status()), ENOENT);
  signal(SIGCHLD, old);
}

// The mask stays blocked, or the pipes open, when no child could be made.
TEST_F(SpawnFailureTest, bug_G8_NoChildToBeHadRestoresEverything) {
  for (const int error : {EAGAIN, ENOMEM, EPERM, ENOSYS}) {
    FaultInjection faults;
    faults.Fail("clone", error);
    const absl::Status status = Spawn(Run({TestChildPath()})).status();
    EXPECT_EQ(ErrnoFromStatus(status), error);
    EXPECT_EQ(status.message(), absl::StrCat("Spawn(", TestChildPath(),
                                             "): clone: ", strerror(error)));
  }
  EXPECT_EQ(WaitFor(MustSpawn(RunTestChild({}))), ExitStatus::Exited(0));
}

TEST_F(SpawnFailureTest, bug_G8_TooManyProcessesOfTheUserIsReported) {
  if (geteuid() != 0) GTEST_SKIP() << "needs another user to limit";
  SpawnOptions options = Run({"/bin/true"});
  options.user = 23457;
  options.resource_limits.emplace_back(RLIMIT_NPROC, 0, 0);
  const absl::StatusOr<Child> child = Spawn(options);
  if (ErrnoFromStatus(child.status()) == EINVAL) {
    GTEST_SKIP() << "root of a namespace: " << child.status();
  }
  EXPECT_EQ(child.status().message(),
            "Spawn(/bin/true): execve: Resource temporarily unavailable");
}

// Each step of the child, and each call of the parent before it.
TEST_F(SpawnFailureTest, EveryStepThatFailsIsNamed) {
  const struct {
    const char* call;
    const char* text;
    void (*ask)(SpawnOptions& options);
  } kSteps[] = {
      {"open", "open(/dev/null)", nullptr},
      {"pipe2", "pipe2", nullptr},
      {"rt_sigprocmask@RunChild", "rt_sigprocmask", nullptr},
      {"rt_sigprocmask@signal_block.h", "rt_sigprocmask", nullptr},
      {"raw_setsid", "setsid",
       [](SpawnOptions& options) { options.start_new_session = true; }},
      {"raw_setpgid", "setpgid",
       [](SpawnOptions& options) { options.process_group = 0; }},
      {"raw_chdir", "chdir",
       [](SpawnOptions& options) { options.working_directory = "/"; }},
      {"raw_dup3", "dup3(fd=0)", nullptr},
      {"raw_fcntl", "fcntl F_SETFD(fd=2)",
       [](SpawnOptions& options) { options.stderr_to = Stdio::Fd(2); }},
      {"raw_prlimit", "setrlimit",
       [](SpawnOptions& options) {
         options.resource_limits.emplace_back(RLIMIT_CORE, 0, 0);
       }},
      {"raw_setgroups", "setgroups",
       [](SpawnOptions& options) { options.extra_groups.emplace(); }},
      {"raw_setresgid", "setresgid",
       [](SpawnOptions& options) { options.group = getegid(); }},
      {"raw_setresuid", "setresuid",
       [](SpawnOptions& options) { options.user = geteuid(); }},
      {"raw_prctl", "prctl(PR_SET_PDEATHSIG)",
       [](SpawnOptions& options) { options.parent_death_signal = SIGTERM; }},
      {"raw_execve", "execve", nullptr},
  };
  for (const auto& step : kSteps) {
    SpawnOptions options = Run({TestChildPath()});
    if (step.ask != nullptr) step.ask(options);
    FaultInjection faults;
    faults.Fail(step.call, ENOSPC);
    EXPECT_EQ(Spawn(options).status().message(),
              absl::StrCat("Spawn(", TestChildPath(), "): ", step.text,
                           ": No space left on device"))
        << step.call;
    EXPECT_FALSE(HasChildren()) << step.call;
  }
}

TEST_F(SpawnFailureTest, OutOfDescriptorsAtAnyPointLeavesNothing) {
  for (int nth = 1;; ++nth) {
    FaultInjection faults;
    faults.Fail("pipe2", EMFILE, nth);
    const absl::StatusOr<Child> child = Spawn(Run({TestChildPath()}));
    if (child.ok()) {
      EXPECT_EQ(nth, 3);
      WaitFor(*child);
      break;
    }
    EXPECT_EQ(child.status().code(), absl::StatusCode::kResourceExhausted);
  }
}

TEST_F(SpawnFailureTest, FirstUseOfAThreadWithoutMemoryForTheStackIsReported) {
  pthread_t thread;
  const auto body = [](void*) -> void* {
    for (const char* call : {"mmap", "mprotect"}) {
      FaultInjection faults;
      faults.Fail(call, ENOMEM);
      EXPECT_EQ(ErrnoFromStatus(Spawn(Run({TestChildPath()})).status()),
                ENOMEM);
      EXPECT_EQ(faults.Count("clone"), 0);
    }
    EXPECT_EQ(WaitFor(MustSpawn(RunTestChild({}))), ExitStatus::Exited(0));
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, nullptr, body, nullptr), 0);
  pthread_join(thread, nullptr);
}

TEST_F(SpawnFailureTest, OldKernelsGiveAPidfdAfterwardsOrNone) {
  {
    FaultInjection faults;
    faults.Fail("clone", EINVAL, 1);
    const Child child = MustSpawn(RunTestChild({"exit", "4"}));
    EXPECT_EQ(faults.Count("clone"), 2);
    EXPECT_EQ(faults.Count("pidfd_open"), 1);
    EXPECT_TRUE(static_cast<bool>(child.pidfd));
    EXPECT_EQ(WaitFor(child), ExitStatus::Exited(4));
  }
  FaultInjection faults;
  faults.Fail("clone", EINVAL, 1);
  faults.Fail("pidfd_open", ENOSYS);
  SpawnOptions options = RunTestChild({"wait"});
  options.stdin_from = Stdio::Pipe();
  const Child child = MustSpawn(options);
  EXPECT_FALSE(static_cast<bool>(child.pidfd));
  EXPECT_TRUE(child.Signal(SIGKILL).ok());  // By kill(2).
  EXPECT_EQ(faults.Count("kill"), 1);
  EXPECT_EQ(WaitFor(child), ExitStatus::Signaled(SIGKILL));
}

}  // namespace
}  // namespace evkit

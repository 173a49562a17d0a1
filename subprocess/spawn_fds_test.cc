// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Which descriptors, signals and mask a child has.

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "evkit/base/errno_status.h"
#include "evkit/base/fault_injection.h"
#include "evkit/subprocess/internal/spawn_testing.h"
#include "evkit/subprocess/spawn.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using subprocess_internal::kSlowBuild;
using subprocess_internal::MustSpawn;
using subprocess_internal::OpenFds;
using subprocess_internal::OutputOf;
using subprocess_internal::ReadAll;
using subprocess_internal::RunTestChild;
using subprocess_internal::WaitFor;
using ::testing::HasSubstr;

std::string Inode(int fd) {
  struct stat info;
  if (fstat(fd, &info) < 0) return "closed ";
  return absl::StrCat(info.st_ino, " ");
}

// A descriptor on something of its own, that would leak: not close-on-exec.
UniqueFd NewLeakyFd() {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  close(ends[0]);
  return UniqueFd(ends[1]);
}

// Lets a test rearrange 0, 1 and 2, and puts them back.
class SavedStdio {
 public:
  SavedStdio() {
    for (int fd = 0; fd < 3; ++fd) {
      saved_[fd].Reset(fcntl(fd, F_DUPFD_CLOEXEC, 100));
    }
  }
  ~SavedStdio() { Restore(); }
  void Restore() {
    for (int fd = 0; fd < 3; ++fd) {
      if (saved_[fd]) dup2(saved_[fd].get(), fd);
    }
  }

 private:
  UniqueFd saved_[3];
};

TEST(SpawnFdsTest, PassedDescriptorsHaveTheNumbersAskedFor) {
  const UniqueFd a = NewLeakyFd();
  const UniqueFd b = NewLeakyFd();
  SpawnOptions options = RunTestChild({"fds", "inode", "9", "inode", "40"});
  options.stdin_from = Stdio::Null();
  options.pass_fds.emplace_back(9, a.get());
  options.pass_fds.emplace_back(40, b.get());
  EXPECT_EQ(OutputOf(options),
            absl::StrCat("0 1 2 9 40 ", Inode(a.get()), Inode(b.get())));
}

TEST(SpawnFdsTest, PassedDescriptorMayKeepItsNumberAndIsNotCloseOnExec) {
  const UniqueFd fd = NewLeakyFd();
  fcntl(fd.get(), F_SETFD, FD_CLOEXEC);
  SpawnOptions options = RunTestChild({"inode", absl::StrCat(fd.get())});
  options.pass_fds.emplace_back(fd.get(), fd.get());
  EXPECT_EQ(OutputOf(options), Inode(fd.get()));
  EXPECT_EQ(fcntl(fd.get(), F_GETFD), FD_CLOEXEC);
}

TEST(SpawnFdsTest, PassedDescriptorsMaySwapNumbers) {
  const UniqueFd a = NewLeakyFd();
  const UniqueFd b = NewLeakyFd();
  const UniqueFd c = NewLeakyFd();
  SpawnOptions options =
      RunTestChild({"inode", absl::StrCat(a.get()), "inode",
                    absl::StrCat(b.get()), "inode", absl::StrCat(c.get())});
  options.pass_fds.emplace_back(a.get(), b.get());
  options.pass_fds.emplace_back(b.get(), c.get());
  options.pass_fds.emplace_back(c.get(), a.get());
  EXPECT_EQ(OutputOf(options),
            absl::StrCat(Inode(b.get()), Inode(c.get()), Inode(a.get())));
}

TEST(SpawnFdsTest, ClosedDescriptorsCannotBeGiven) {
  const int before = static_cast<int>(OpenFds().size());
  SpawnOptions options = RunTestChild({});
  options.stdin_from = Stdio::Fd(77);
  options.stdout_to = Stdio::Pipe();
  absl::Status status = Spawn(options).status();
  EXPECT_EQ(ErrnoFromStatus(status), EBADF);
  EXPECT_THAT(std::string(status.message()), HasSubstr("fd=77"));

  options.stdin_from = Stdio::Pipe();
  options.pass_fds.emplace_back(5, 78);
  status = Spawn(options).status();
  EXPECT_EQ(ErrnoFromStatus(status), EBADF);
  EXPECT_THAT(std::string(status.message()), HasSubstr("fd=78"));
  EXPECT_EQ(static_cast<int>(OpenFds().size()), before);
}

// The signal mask and ignored signals of the parent in the child.
TEST(SpawnFdsTest, bug_G9_ChildHasNoMaskAndNoIgnoredSignals) {
  sigset_t all;
  sigfillset(&all);
  sigset_t old_mask;
  pthread_sigmask(SIG_SETMASK, &all, &old_mask);
  const auto old_pipe = signal(SIGPIPE, SIG_IGN);
  const auto old_hup = signal(SIGHUP, SIG_IGN);
  const auto old_rt = signal(SIGRTMAX, SIG_IGN);
  const auto old_usr1 = signal(SIGUSR1, [](int) {});

  EXPECT_EQ(OutputOf(RunTestChild({"signals"})),
            "SigBlk:\t0000000000000000\n"
            "SigIgn:\t0000000000000000\n"
            "SigCgt:\t0000000000000000\n");

  struct sigaction action;
  sigaction(SIGPIPE, nullptr, &action);
  EXPECT_EQ(action.sa_handler, SIG_IGN) << "the parent's were changed";
  sigset_t now;
  pthread_sigmask(SIG_SETMASK, nullptr, &now);
  EXPECT_TRUE(sigismember(&now, SIGUSR2));
  signal(SIGPIPE, old_pipe);
  signal(SIGHUP, old_hup);
  signal(SIGRTMAX, old_rt);
  signal(SIGUSR1, old_usr1);
  pthread_sigmask(SIG_SETMASK, &old_mask, nullptr);
}

// Descriptors that other threads open end up in children.
TEST(SpawnFdsTest, bug_G10_ChildrenGetNothingOfWhatOtherThreadsOpen) {
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      while (!stop) {
        int ends[2];
        if (pipe(ends) < 0) continue;  // Not close-on-exec, on purpose.
        const int copy = fcntl(ends[0], F_DUPFD, 200);
        close(copy);
        close(ends[0]);
        close(ends[1]);
      }
    });
  }
  for (int i = 0; i < (kSlowBuild ? 15 : 80); ++i) {
    const UniqueFd passed = NewLeakyFd();
    SpawnOptions options = RunTestChild({"fds"});
    options.pass_fds.emplace_back(7, passed.get());
    ASSERT_EQ(OutputOf(options), "0 1 2 7 ") << "at child " << i;
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
}

TEST(SpawnFdsTest, bug_G10_SameOnKernelsWithoutCloseRange) {
  const UniqueFd leaky = NewLeakyFd();
  const UniqueFd high(fcntl(leaky.get(), F_DUPFD, 300));
  FaultInjection faults;
  SpawnOptions options = RunTestChild({"fds"});
  options.pass_fds.emplace_back(7, leaky.get());

  faults.Fail("close_range", ENOSYS);  // Before 5.9.
  EXPECT_EQ(OutputOf(options), "0 1 2 7 ");
  EXPECT_GT(faults.Count("raw_getdents64"), 0);

  faults.Clear();
  faults.Fail("close_range", EINVAL);  // Before 5.11: no CLOSE_RANGE_CLOEXEC.
  EXPECT_EQ(OutputOf(options), "0 1 2 7 ");

  faults.Fail("raw_open", ENOENT);  // And no /proc.
  EXPECT_EQ(OutputOf(options), "0 1 2 7 ");

  if (kSlowBuild) return;  // A million calls.
  faults.Fail("raw_prlimit", EPERM);
  EXPECT_EQ(OutputOf(options), "0 1 2 7 ");
}

TEST(SpawnFdsTest, bug_G10_ManyLeakyDescriptorsAreMarkedWithoutCloseRange) {
  std::vector<UniqueFd> leaky;
  for (int i = 0; i < 300; ++i) {
    leaky.emplace_back(open("/dev/null", O_RDONLY));
  }
  FaultInjection faults;
  faults.Fail("close_range", ENOSYS);
  EXPECT_EQ(OutputOf(RunTestChild({"fds"})), "0 1 2 ");
  EXPECT_GT(faults.Count("raw_getdents64"), 2) << "one buffer was enough";
}

// dup2 in an order that overwrites what is still needed.
TEST(SpawnFdsTest, bug_G11_StdioMayBeAnyPermutationOfItself) {
  SavedStdio saved;
  std::string inodes[3];
  std::vector<UniqueFd> files;
  for (int fd = 0; fd < 3; ++fd) {
    files.push_back(NewLeakyFd());
    dup2(files.back().get(), fd);
    inodes[fd] = Inode(fd);
  }
  std::vector<std::string> failures;
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  for (int in = 0; in < 3; ++in) {
    for (int out = 0; out < 3; ++out) {
      for (int err = 0; err < 3; ++err) {
        SpawnOptions options = RunTestChild(
            {"to", "9", "inode", "0", "inode", "1", "inode", "2", "fds"});
        options.stdin_from = Stdio::Fd(in);
        options.stdout_to = Stdio::Fd(out);
        options.stderr_to = Stdio::Fd(err);
        int report[2];
        ASSERT_EQ(pipe2(report, O_CLOEXEC), 0);
        options.pass_fds.emplace_back(9, report[1]);
        const Child child = MustSpawn(options);
        close(report[1]);
        const std::string got = ReadAll(report[0]);
        close(report[0]);
        const std::string expected =
            absl::StrCat(inodes[in], inodes[out], inodes[err], "0 1 2 9 ");
        if (got != expected) failures.push_back(absl::StrCat(in, out, err));
        WaitFor(child);
      }
    }
  }
  close(ends[0]);
  close(ends[1]);
  saved.Restore();
  EXPECT_THAT(failures, ::testing::IsEmpty());
}

TEST(SpawnFdsTest, bug_G11_AnyOfTheParentsStdioMayBeClosed) {
  using Kind = Stdio::Kind;
  std::vector<std::string> failures;
  for (int closed = 0; closed < 8; ++closed) {
    for (const Kind kind : {Kind::kInherit, Kind::kNull, Kind::kNewPipe}) {
      SavedStdio saved;
      const UniqueFd spare = NewLeakyFd();
      std::string expected;
      for (int fd = 0; fd < 3; ++fd) {
        if ((closed & 1 << fd) != 0) {
          close(fd);
        } else {
          dup2(spare.get(), fd);
        }
      }
      int report[2];
      // Takes the closed numbers, if there are: the harshest case.
      if (pipe2(report, O_CLOEXEC) < 0) abort();
      const auto stdio = [&] {
        if (kind == Kind::kInherit) return Stdio::Inherit();
        return kind == Kind::kNull ? Stdio::Null() : Stdio::Pipe();
      };
      SpawnOptions options = RunTestChild({"to", "9", "fds"});
      options.stdin_from = stdio();
      options.stdout_to = stdio();
      options.stderr_to = stdio();
      options.pass_fds.emplace_back(9, report[1]);
      const absl::StatusOr<Child> child = Spawn(options);
      close(report[1]);
      std::string got = child.ok() ? ReadAll(report[0]) : "failed";
      close(report[0]);
      if (kind == Kind::kInherit) {
        for (int fd = 0; fd < 3; ++fd) {
          if ((closed & 1 << fd) == 0) absl::StrAppend(&expected, fd, " ");
        }
        expected += "9 ";
      } else {
        expected = "0 1 2 9 ";
      }
      if (child.ok()) {
        for (const UniqueFd* end :
             {&child->stdin_pipe, &child->stdout_pipe, &child->stderr_pipe}) {
          if (*end && end->get() < 3) got += "parent's end took a stdio number";
        }
        WaitFor(*child);
      }
      if (got != expected) {
        failures.push_back(absl::StrCat("closed ", closed, ", kind ",
                                        static_cast<int>(kind), ": ", got,
                                        " instead of ", expected));
      }
    }
  }
  EXPECT_THAT(failures, ::testing::IsEmpty());
}

}  // namespace
}  // namespace evkit

// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What is special to io_uring; the rest is in selector_conformance.cc and
// kernel_selectors_test.cc.

#include "evkit/selectors/uring_selector.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "evkit/base/errno_status.h"
#include "evkit/base/fault_injection.h"
#include "evkit/selectors/internal/test_descriptors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using selectors_internal::Drain;
using selectors_internal::Duplicate;
using selectors_internal::OpenDescriptorCount;
using selectors_internal::Pipe;
using selectors_internal::RaiseDescriptorLimit;
using selectors_internal::SocketPair;
using selectors_internal::WriteByte;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class UringSelectorTest : public ::testing::Test {
 protected:
  void SetUp() override {
    absl::StatusOr<std::unique_ptr<UringSelector>> selector =
        UringSelector::Create();
    if (!selector.ok()) {
      ASSERT_EQ(selector.status().code(), absl::StatusCode::kUnimplemented)
          << selector.status();
      GTEST_SKIP() << selector.status();
    }
    selector_ = *std::move(selector);
  }

  std::vector<ReadyEvent> Ready(absl::Duration timeout = absl::ZeroDuration()) {
    std::vector<ReadyEvent> events;
    const absl::Status status = selector_->Select(timeout, events);
    EXPECT_TRUE(status.ok()) << status;
    return events;
  }

  // Whether the writing end has nobody left to read.
  static bool IsBroken(const Pipe& pipe) {
    signal(SIGPIPE, SIG_IGN);
    return write(pipe.writer.get(), "x", 1) < 0 && errno == EPIPE;
  }

  static int Calls(const FaultInjection& faults) {
    int count = 0;
    for (const FaultInjection::Site& site : faults.Sites()) count += site.count;
    return count;
  }

  std::unique_ptr<UringSelector> selector_;
};

TEST(UringSelectorCreateTest, KernelThatRefusesIsUnimplementedAndSaysWhy) {
  for (const int error : {ENOSYS, EPERM, EINVAL}) {
    FaultInjection faults;
    faults.Fail("io_uring_setup", error);
    const absl::Status status = UringSelector::Create().status();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
    EXPECT_THAT(std::string(status.message()), HasSubstr("io_uring"));
  }
}

TEST(UringSelectorCreateTest, OutOfDescriptorsIsReported) {
  FaultInjection faults;
  faults.Fail("io_uring_setup", EMFILE);
  const absl::Status status = UringSelector::Create().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ErrnoFromStatus(status), EMFILE);
}

TEST_F(UringSelectorTest, OutOfMemoryInCreateLeaksNothing) {
  const size_t open = OpenDescriptorCount();
  for (const int call : {1, 2}) {
    FaultInjection faults;
    faults.Fail("mmap", ENOMEM, call);
    EXPECT_EQ(ErrnoFromStatus(UringSelector::Create().status()), ENOMEM);
    EXPECT_EQ(OpenDescriptorCount(), open);
  }
}

TEST_F(UringSelectorTest, RegisterAndUnregisterInOneTurnAreOneCheck) {
  Pipe pipe;
  const int fd = pipe.reader.get();
  FaultInjection faults;
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(selector_->Register(fd, Interest::kRead, 1).ok());
    ASSERT_TRUE(selector_->Unregister(fd).ok());
  }
  EXPECT_EQ(Calls(faults), 10);
  EXPECT_EQ(faults.Count("fcntl"), 10);
  EXPECT_THAT(Ready(), IsEmpty());
  EXPECT_EQ(Calls(faults), 10);
}

TEST_F(UringSelectorTest, PollThatHasNothingToSayIsNoSystemCall) {
  Pipe pipe;
  const int fd = pipe.reader.get();
  ASSERT_TRUE(selector_->Register(fd, Interest::kRead, 1).ok());
  EXPECT_THAT(Ready(), IsEmpty());
  {
    FaultInjection faults;
    EXPECT_THAT(Ready(), IsEmpty());
    EXPECT_EQ(Calls(faults), 0);
  }
  WriteByte(pipe.writer.get());
  EXPECT_THAT(Ready(), ElementsAre(ReadyEvent(fd, Interest::kRead, 1)));
}

TEST_F(UringSelectorTest, UnregisterAfterAnEventIsNoSystemCall) {
  Pipe pipe;
  WriteByte(pipe.writer.get());
  ASSERT_TRUE(selector_->Register(pipe.reader.get(), Interest::kRead, 1).ok());
  EXPECT_THAT(Ready(), SizeIs(1));
  FaultInjection faults;
  ASSERT_TRUE(selector_->Unregister(pipe.reader.get()).ok());
  EXPECT_THAT(faults.Sites(), IsEmpty());
}

TEST_F(UringSelectorTest, WaitAfterARemovalIsOneSystemCall) {
  Pipe pipe;
  ASSERT_TRUE(selector_->Register(pipe.reader.get(), Interest::kRead, 1).ok());
  EXPECT_THAT(Ready(), IsEmpty());
  ASSERT_TRUE(selector_->Unregister(pipe.reader.get()).ok());
  FaultInjection faults;
  EXPECT_THAT(Ready(absl::Milliseconds(1)), IsEmpty());
  EXPECT_EQ(faults.Count("io_uring_enter"), 1);
}

// A poll holds the file.
TEST_F(UringSelectorTest, CloseAfterUnregisterClosesTheFileAtOnce) {
  for (const bool modified : {false, true}) {
    Pipe pipe;
    const int fd = pipe.reader.get();
    ASSERT_TRUE(selector_->Register(fd, Interest::kRead, 1).ok());
    EXPECT_THAT(Ready(), IsEmpty());
    if (modified) {
      ASSERT_TRUE(selector_->Modify(fd, Interest::kReadWrite, 1).ok());
    }
    ASSERT_TRUE(selector_->Unregister(fd).ok());
    pipe.reader.Reset();
    EXPECT_TRUE(IsBroken(pipe));
  }
}

TEST_F(UringSelectorTest, CloseLetsGoOfTheFilesAtOnce) {
  std::vector<Pipe> pipes(10);
  for (const Pipe& pipe : pipes) {
    ASSERT_TRUE(
        selector_->Register(pipe.reader.get(), Interest::kRead, 1).ok());
  }
  EXPECT_THAT(Ready(), IsEmpty());
  selector_->Close();
  for (Pipe& pipe : pipes) {
    pipe.reader.Reset();
    EXPECT_TRUE(IsBroken(pipe));
  }
}

TEST_F(UringSelectorTest, RemovalThatTheKernelRefusesIsMadeUpFor) {
  Pipe pipe;
  ASSERT_TRUE(selector_->Register(pipe.reader.get(), Interest::kRead, 1).ok());
  EXPECT_THAT(Ready(), IsEmpty());
  {
    FaultInjection faults;
    faults.Fail("io_uring_enter", EAGAIN);
    ASSERT_TRUE(selector_->Unregister(pipe.reader.get()).ok());
  }
  WriteByte(pipe.writer.get());
  EXPECT_THAT(Ready(absl::Milliseconds(1)), IsEmpty());
  Drain(pipe.reader.get());
  pipe.reader.Reset();
  EXPECT_TRUE(IsBroken(pipe));
}

TEST_F(UringSelectorTest, ClosedUnderneathWhileWatchedIsReportedAtMostOnce) {
  Pipe pipe;
  const int fd = pipe.reader.get();
  ASSERT_TRUE(selector_->Register(fd, Interest::kRead, 1).ok());
  EXPECT_THAT(Ready(), IsEmpty());
  pipe.reader.Reset();
  WriteByte(pipe.writer.get());
  EXPECT_THAT(Ready(), SizeIs(1));
  EXPECT_LE(Ready().size(), 1u);
  EXPECT_THAT(Ready(absl::Milliseconds(1)), IsEmpty());
  EXPECT_EQ(selector_->Unregister(fd)->token, 1u);
}

TEST_F(UringSelectorTest, CannotWatchItself) {
  for (int fd = 3; fd < 100; ++fd) {
    if (fcntl(fd, F_GETFD) < 0) continue;
    char path[64] = {};
    const std::string link = "/proc/self/fd/" + std::to_string(fd);
    if (readlink(link.c_str(), path, sizeof path - 1) < 0 ||
        std::string(path) != "anon_inode:[io_uring]") {
      continue;
    }
    EXPECT_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    const absl::Status status = selector_->Register(fd, Interest::kRead, 1);
    EXPECT_EQ(ErrnoFromStatus(status), EINVAL) << status;
    EXPECT_EQ(selector_->size(), 0u);
    return;
  }
  ADD_FAILURE() << "no ring found";
}

// More at once than the rings have room for.
TEST_F(UringSelectorTest, FullRingsLoseNothing) {
  if (RaiseDescriptorLimit() < 12100) GTEST_SKIP() << "not so many allowed";
  std::vector<Pipe> pipes(6000);
  for (size_t i = 0; i < pipes.size(); ++i) {
    ASSERT_TRUE(
        selector_->Register(pipes[i].reader.get(), Interest::kRead, i).ok());
  }
  EXPECT_THAT(Ready(), IsEmpty());
  for (const Pipe& pipe : pipes) WriteByte(pipe.writer.get());
  std::vector<int> seen(pipes.size());
  for (int turn = 0; turn < 3; ++turn) {
    for (const ReadyEvent& event : Ready()) ++seen[event.token];
  }
  EXPECT_THAT(seen, ::testing::Each(::testing::Gt(0)));
  for (const Pipe& pipe : pipes) Drain(pipe.reader.get());
  // What the kernel had noted before that comes by and by.
  int turns = 0;
  while (!Ready().empty()) ASSERT_LT(++turns, 1000);
  for (const Pipe& pipe : pipes) {
    ASSERT_TRUE(selector_->Unregister(pipe.reader.get()).ok());
  }
}

// Linux 6.12 and later bring them in portions.
TEST_F(UringSelectorTest, WhatBecameReadyMeanwhileComesAtOnce) {
  std::vector<Pipe> pipes(200);
  for (size_t i = 0; i < pipes.size(); ++i) {
    ASSERT_TRUE(
        selector_->Register(pipes[i].reader.get(), Interest::kRead, i).ok());
  }
  EXPECT_THAT(Ready(), IsEmpty());
  for (const Pipe& pipe : pipes) WriteByte(pipe.writer.get());
  EXPECT_THAT(Ready(absl::InfiniteDuration()), SizeIs(200));
}

TEST_F(UringSelectorTest, FullRingThatCannotBeSubmittedIsReported) {
  if (RaiseDescriptorLimit() < 4100) GTEST_SKIP() << "not so many allowed";
  std::vector<Pipe> pipes(2000);
  for (const Pipe& pipe : pipes) {
    ASSERT_TRUE(
        selector_->Register(pipe.writer.get(), Interest::kWrite, 1).ok());
  }
  std::vector<ReadyEvent> events;
  for (const int error : {EAGAIN, EBUSY, ENOMEM}) {
    FaultInjection faults;
    faults.Fail("io_uring_enter", error, 1);
    EXPECT_EQ(ErrnoFromStatus(selector_->Select(absl::ZeroDuration(), events)),
              error);
    EXPECT_THAT(events, IsEmpty());
  }
  EXPECT_THAT(Ready(), SizeIs(2000));
}

TEST_F(UringSelectorTest, LostCompletionsAreAskedForAnew) {
  SocketPair sockets;
  const int fd = sockets.ours.get();
  ASSERT_TRUE(selector_->Register(fd, Interest::kReadWrite, 1).ok());
  const size_t open = OpenDescriptorCount();
  FaultInjection faults;
  faults.Fail("io_uring_enter", EBADR, 1);
  EXPECT_THAT(Ready(), ElementsAre(ReadyEvent(fd, Interest::kWrite, 1)));
  EXPECT_EQ(faults.Count("io_uring_setup"), 1);
  EXPECT_EQ(OpenDescriptorCount(), open);
}

TEST_F(UringSelectorTest, NewRingThatIsRefusedIsAnErrorAndTriedAgain) {
  Pipe pipe;
  const int fd = pipe.writer.get();
  ASSERT_TRUE(selector_->Register(fd, Interest::kWrite, 1).ok());
  std::vector<ReadyEvent> events;
  {
    FaultInjection faults;
    faults.Fail("io_uring_enter", EBADR);
    faults.Fail("io_uring_setup", EMFILE);
    EXPECT_EQ(ErrnoFromStatus(selector_->Select(absl::ZeroDuration(), events)),
              EMFILE);
  }
  EXPECT_THAT(Ready(), ElementsAre(ReadyEvent(fd, Interest::kWrite, 1)));
}

TEST_F(UringSelectorTest, MayMoveToAnotherThreadAndBack) {
  Pipe pipe, quiet;
  const int fd = pipe.reader.get();
  ASSERT_TRUE(selector_->Register(fd, Interest::kRead, 1).ok());
  ASSERT_TRUE(selector_->Register(quiet.reader.get(), Interest::kRead, 2).ok());
  EXPECT_THAT(Ready(), IsEmpty());
  for (int i = 0; i < 3; ++i) {
    std::thread([&] {
      EXPECT_THAT(Ready(), IsEmpty());
      WriteByte(pipe.writer.get());
      EXPECT_THAT(Ready(absl::InfiniteDuration()),
                  ElementsAre(ReadyEvent(fd, Interest::kRead, 1)));
      Drain(fd);
      EXPECT_THAT(Ready(), IsEmpty());
    }).join();
    WriteByte(pipe.writer.get());
    EXPECT_THAT(Ready(absl::InfiniteDuration()),
                ElementsAre(ReadyEvent(fd, Interest::kRead, 1)));
    Drain(fd);
  }
  std::thread([&] {
    ASSERT_TRUE(selector_->Unregister(fd).ok());
    selector_->Close();
  }).join();
}

TEST_F(UringSelectorTest, ForkedChildMayDestroyItsCopy) {
  Pipe pipe;
  const int fd = pipe.reader.get();
  ASSERT_TRUE(selector_->Register(fd, Interest::kRead, 1).ok());
  EXPECT_THAT(Ready(), IsEmpty());
  const pid_t child = fork();
  if (child == 0) {
    selector_->Unregister(fd).status().IgnoreError();
    selector_.reset();
    _exit(0);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  WriteByte(pipe.writer.get());
  EXPECT_THAT(Ready(absl::InfiniteDuration()),
              ElementsAre(ReadyEvent(fd, Interest::kRead, 1)));
}

// The ring lives as long as the child does.
TEST_F(UringSelectorTest, CloseLetsGoOfTheFilesThatAChildHasTheRingOf) {
  Pipe pipe, release;
  ASSERT_TRUE(selector_->Register(pipe.reader.get(), Interest::kRead, 1).ok());
  EXPECT_THAT(Ready(), IsEmpty());
  const pid_t child = fork();
  if (child == 0) {
    pipe.reader.Reset();
    release.writer.Reset();
    fcntl(release.reader.get(), F_SETFL, 0);
    char byte;
    while (read(release.reader.get(), &byte, 1) < 0) {
    }
    _exit(0);
  }
  selector_->Close();
  pipe.reader.Reset();
  // Once the child has closed its copy, too.
  while (!IsBroken(pipe)) {
  }
  release.writer.Reset();
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
}

TEST_F(UringSelectorTest, SharedReadersAreBothToldOfWhatCame) {
  Pipe pipe;
  const UniqueFd duplicate = Duplicate(pipe.reader.get());
  ASSERT_TRUE(selector_->Register(pipe.reader.get(), Interest::kRead, 1).ok());
  ASSERT_TRUE(selector_->Register(duplicate.get(), Interest::kRead, 2).ok());
  EXPECT_THAT(Ready(), IsEmpty());
  WriteByte(pipe.writer.get());
  EXPECT_THAT(Ready(), SizeIs(2));
}

}  // namespace
}  // namespace evkit

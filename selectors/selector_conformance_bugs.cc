// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Bugs that selectors of other event loops really had.

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "evkit/base/errno_status.h"
#include "evkit/selectors/internal/test_descriptors.h"
#include "evkit/selectors/selector_conformance.h"
#include "gmock/gmock.h"

namespace evkit {
namespace {

using selectors_internal::Duplicate;
using selectors_internal::MonotonicNow;
using selectors_internal::Pipe;
using selectors_internal::RaiseDescriptorLimit;
using selectors_internal::ReadableAfter;
using selectors_internal::ReopenAs;
using selectors_internal::SocketPair;
using selectors_internal::WriteByte;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// joyent/libuv#826, #968, #971
TEST_P(SelectorConformanceTest, bug_A1_NewOwnerOfANumberGetsNoEventOfTheOld) {
  Pipe first, second, fresh;
  WriteByte(first.writer.get());
  WriteByte(second.writer.get());
  const int number = second.reader.get();
  ASSERT_TRUE(selector_->Register(first.reader.get(), Interest::kRead, 1).ok());
  ASSERT_TRUE(selector_->Register(number, Interest::kRead, 2).ok());
  const std::vector<ReadyEvent> batch = Ready();
  ASSERT_THAT(batch, SizeIs(2));

  // Handling the event of `first` replaces `second`.
  ASSERT_TRUE(selector_->Unregister(number).ok());
  ReopenAs(second.reader, fresh.reader.get());
  ASSERT_TRUE(selector_->Register(number, Interest::kRead, 3).ok());

  // The event in hand is told apart by its token, and is not repeated.
  for (const ReadyEvent& event : batch) EXPECT_NE(event.token, 3u);
  EXPECT_THAT(Ready(),
              ElementsAre(ReadyEvent(first.reader.get(), Interest::kRead, 1)));
  WriteByte(fresh.writer.get());
  EXPECT_THAT(Ready(), SizeIs(2));
}

// The harder way: closed first, and a duplicate keeps the old pipe readable.
TEST_P(SelectorConformanceTest, bug_A1_NewOwnerGetsNoEventOfAPipeThatLivesOn) {
  Pipe old, fresh;
  WriteByte(old.writer.get());
  const int number = old.reader.get();
  const UniqueFd duplicate = Duplicate(number);
  ASSERT_TRUE(selector_->Register(number, Interest::kRead, 1).ok());
  ReopenAs(old.reader, fresh.reader.get());
  ASSERT_TRUE(selector_->Unregister(number).ok());
  ASSERT_TRUE(selector_->Register(number, Interest::kRead, 2).ok());

  ExpectQuiet();
  WriteByte(fresh.writer.get());
  EXPECT_THAT(Ready(), ElementsAre(ReadyEvent(number, Interest::kRead, 2)));
}

// joyent/libuv#1099, #1100, libuv#1148, uvloop#61
TEST_P(SelectorConformanceTest, bug_A2_DuplicateClosedAfterUnregisterIsQuiet) {
  Pipe pipe;
  UniqueFd duplicate = Duplicate(pipe.reader.get());
  ASSERT_TRUE(selector_->Register(duplicate.get(), Interest::kRead, 1).ok());
  ASSERT_TRUE(selector_->Unregister(duplicate.get()).ok());
  duplicate.Reset();
  WriteByte(pipe.writer.get());
  ExpectQuiet();
}

TEST_P(SelectorConformanceTest, bug_A2_DuplicateClosedBeforeUnregisterIsQuiet) {
  Pipe pipe;
  const UniqueFd other = ReadableAfter(absl::Milliseconds(3));
  UniqueFd duplicate = Duplicate(pipe.reader.get());
  const int number = duplicate.get();
  ASSERT_TRUE(selector_->Register(number, Interest::kRead, 1).ok());
  ASSERT_TRUE(selector_->Register(other.get(), Interest::kRead, 2).ok());
  duplicate.Reset();
  ASSERT_TRUE(selector_->Unregister(number).ok());
  WriteByte(pipe.writer.get());
  EXPECT_THAT(Ready(absl::InfiniteDuration()),
              ElementsAre(ReadyEvent(other.get(), Interest::kRead, 2)));
  ASSERT_TRUE(selector_->Unregister(other.get()).ok());
  ExpectQuiet();
}

TEST_P(SelectorConformanceTest, bug_A2_NumberThatIsTheSameFileAgainIsWatched) {
  Pipe pipe;
  UniqueFd duplicate = Duplicate(pipe.reader.get());
  const int number = duplicate.get();
  ASSERT_TRUE(selector_->Register(number, Interest::kRead, 1).ok());
  ASSERT_EQ(close(duplicate.Release()), 0);
  ASSERT_TRUE(selector_->Unregister(number).ok());
  duplicate = Duplicate(pipe.reader.get(), number);
  ASSERT_EQ(duplicate.get(), number);
  ASSERT_TRUE(selector_->Register(number, Interest::kRead, 2).ok());
  ExpectQuiet();
  WriteByte(pipe.writer.get());
  EXPECT_THAT(Ready(), ElementsAre(ReadyEvent(number, Interest::kRead, 2)));
}

// A child process that does nothing but keep the descriptors open.
class IdleChild {
 public:
  IdleChild() : pid_(fork()) {
    if (pid_ != 0) return;
    char byte;
    fcntl(release_.reader.get(), F_SETFL, 0);
    release_.writer.Reset();
    while (read(release_.reader.get(), &byte, 1) < 0) {
    }
    _exit(0);
  }
  ~IdleChild() {
    release_.writer.Reset();
    waitpid(pid_, nullptr, 0);
  }

 private:
  Pipe release_;
  const pid_t pid_;
};

// joyent/libuv#1099
TEST_P(SelectorConformanceTest, bug_A3_PipeThatAChildKeepsOpenIsQuiet) {
  for (const bool unregister_first : {true, false}) {
    Pipe pipe;
    const int fd = pipe.reader.get();
    ASSERT_TRUE(selector_->Register(fd, Interest::kRead, 1).ok());
    IdleChild child;
    if (unregister_first) {
      ASSERT_TRUE(selector_->Unregister(fd).ok());
    }
    pipe.reader.Reset();
    if (!unregister_first) {
      ASSERT_TRUE(selector_->Unregister(fd).ok());
    }
    WriteByte(pipe.writer.get());
    ExpectQuiet();
  }
}

// libuv 2256be01b, uvloop dd812a4
TEST_P(SelectorConformanceTest, bug_A6_SecondRegistrationIsRefused) {
  Pipe pipe;
  const int fd = pipe.writer.get();
  ASSERT_TRUE(selector_->Register(fd, Interest::kWrite, 1).ok());
  EXPECT_EQ(selector_->Register(fd, Interest::kRead, 2).code(),
            absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(selector_->size(), 1u);
  EXPECT_THAT(Ready(), ElementsAre(ReadyEvent(fd, Interest::kWrite, 1)));
}

// uvloop#761, #712
TEST_P(SelectorConformanceTest, bug_A11_FlagsOfTheDescriptorStayAsTheyWere) {
  for (const int flags : {0, O_NONBLOCK}) {
    Pipe pipe;
    const int fd = pipe.reader.get();
    ASSERT_EQ(fcntl(fd, F_SETFL, flags), 0);
    const int before = fcntl(fd, F_GETFL);
    ASSERT_TRUE(selector_->Register(fd, Interest::kRead, 1).ok());
    ASSERT_TRUE(selector_->Modify(fd, Interest::kReadWrite, 1).ok());
    Ready();
    ASSERT_TRUE(selector_->Unregister(fd).ok());
    EXPECT_EQ(fcntl(fd, F_GETFL), before);
    EXPECT_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
  }
}

// RUSTSEC-2024-0019 (mio)
TEST_P(SelectorConformanceTest, bug_A12_TokenIsNotDeliveredAfterUnregister) {
  Pipe a, b;
  for (uint64_t token = 1; token < 50; ++token) {
    ASSERT_TRUE(
        selector_->Register(a.writer.get(), Interest::kWrite, token).ok());
    ASSERT_TRUE(
        selector_->Register(b.writer.get(), Interest::kWrite, 1000 + token)
            .ok());
    if (token % 2 == 0) {
      EXPECT_THAT(Ready(), SizeIs(2));
    }
    ASSERT_TRUE(selector_->Unregister(a.writer.get()).ok());
    EXPECT_THAT(Ready(), ElementsAre(ReadyEvent(
                             b.writer.get(), Interest::kWrite, 1000 + token)));
    ASSERT_TRUE(selector_->Unregister(b.writer.get()).ok());
  }
  EXPECT_THAT(Ready(), IsEmpty());
}

// oatpp#926, mongoose#90, getdns#222: FD_SET beyond the end of the set.
TEST_P(SelectorConformanceTest, bug_B1_DescriptorsFrom1024OnWorkOrAreRefused) {
  if (RaiseDescriptorLimit() <= 1024) GTEST_SKIP() << "not so many allowed";
  Pipe pipe;
  for (const int minimum : {1023, 1024}) {
    const UniqueFd writer = Duplicate(pipe.writer.get(), minimum);
    const int fd = writer.get();
    ASSERT_GE(fd, minimum);
    const absl::Status status = selector_->Register(fd, Interest::kWrite, 1);
    if (fd <= GetParam().max_fd) {
      ASSERT_TRUE(status.ok()) << status;
      EXPECT_THAT(Ready(), ElementsAre(ReadyEvent(fd, Interest::kWrite, 1)));
      EXPECT_TRUE(selector_->Unregister(fd).ok());
    } else {
      EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
      EXPECT_THAT(std::string(status.message()),
                  HasSubstr(absl::StrCat("fd ", fd)));
      EXPECT_EQ(selector_->Modify(fd, Interest::kWrite, 1).code(),
                absl::StatusCode::kNotFound);
      EXPECT_THAT(Ready(), IsEmpty());
    }
  }
}

// seastar#762, #1785, #3204: errors cannot be masked, only unregistered.
TEST_P(SelectorConformanceTest, bug_B2_ResetAfterUnregisterDoesNotSpin) {
  SocketPair sockets;
  const int fd = sockets.ours.get();
  ASSERT_TRUE(selector_->Register(fd, Interest::kRead, 1).ok());
  WriteByte(fd);  // Unread by the peer, so its closing is a reset.
  sockets.peer.Reset();
  EXPECT_THAT(Ready(), ElementsAre(ReadyEvent(fd, Interest::kRead, 1)));
  ASSERT_TRUE(selector_->Unregister(fd).ok());
  ExpectQuiet();
}

// twisted#6259, aiohttp#967, curio#377
TEST_P(SelectorConformanceTest, bug_B3_LongTimeoutsDoNotOverflow) {
  for (const absl::Duration timeout :
       {absl::Seconds(1000), absl::Milliseconds(INT64_C(2147483647)),
        absl::Milliseconds(INT64_C(2147483648)),
        absl::Milliseconds(INT64_C(2147483649)), absl::Seconds(1e12),
        absl::Seconds(1e300), absl::Seconds(INT64_MAX)}) {
    const UniqueFd timer = ReadableAfter(absl::Microseconds(100));
    ASSERT_TRUE(selector_->Register(timer.get(), Interest::kRead, 1).ok());
    EXPECT_THAT(Ready(timeout),
                ElementsAre(ReadyEvent(timer.get(), Interest::kRead, 1)))
        << timeout;
    ASSERT_TRUE(selector_->Unregister(timer.get()).ok());
  }
}

// uvloop#233, libuv#4250. SEL-06
TEST_P(SelectorConformanceTest, bug_B4_WaitIsNeverTooShort) {
  for (const absl::Duration timeout :
       {absl::Nanoseconds(1) / 4, absl::Nanoseconds(1), absl::Microseconds(400),
        absl::Milliseconds(1), absl::Microseconds(1000.1),
        absl::Nanoseconds(2999999)}) {
    ExpectQuiet(timeout);
  }
}

// uvloop#61
TEST_P(SelectorConformanceTest, bug_B6_ClosedDescriptorIsNoErrorOnlyInRemoval) {
  Pipe a, b;
  const int removed = a.reader.get();
  const int modified = b.reader.get();
  ASSERT_TRUE(selector_->Register(removed, Interest::kRead, 1).ok());
  ASSERT_TRUE(selector_->Register(modified, Interest::kRead, 2).ok());
  a = Pipe();
  b = Pipe();
  EXPECT_TRUE(selector_->Unregister(removed).ok());
  a.reader.Reset();
  b.reader.Reset();
  if (GetParam().refuses_closed_descriptors) {
    EXPECT_FALSE(selector_->Modify(modified, Interest::kWrite, 2).ok());
    EXPECT_EQ(selector_->Unregister(modified).status().code(),
              absl::StatusCode::kNotFound);
  }
}

TEST_P(SelectorConformanceTest, bug_B7_ManyReadyDescriptorsAreAllServed) {
  const size_t limit = std::min<size_t>(RaiseDescriptorLimit(),
                                        static_cast<size_t>(GetParam().max_fd));
  const size_t count = std::min<size_t>(5000, (limit - 64) / 2);
  std::vector<Pipe> pipes(count);
  for (size_t i = 0; i < count; ++i) {
    WriteByte(pipes[i].writer.get());
    ASSERT_TRUE(
        selector_->Register(pipes[i].reader.get(), Interest::kRead, i).ok());
  }
  std::vector<bool> served(count);
  for (int turn = 0; turn < 5; ++turn) {
    for (const ReadyEvent& event : Ready()) served[event.token] = true;
  }
  EXPECT_EQ(static_cast<size_t>(std::count(served.begin(), served.end(), true)),
            count);
}

// libuv's poll_nested_epoll
TEST_P(SelectorConformanceTest, bug_B8_EpollDescriptorCanBeWatched) {
  Pipe pipe;
  const UniqueFd inner(epoll_create1(EPOLL_CLOEXEC));
  epoll_event event = {};
  event.events = EPOLLIN;
  ASSERT_EQ(epoll_ctl(inner.get(), EPOLL_CTL_ADD, pipe.reader.get(), &event),
            0);
  ASSERT_TRUE(selector_->Register(inner.get(), Interest::kRead, 1).ok());
  EXPECT_THAT(Ready(), IsEmpty());
  WriteByte(pipe.writer.get());
  EXPECT_THAT(Ready(absl::InfiniteDuration()),
              ElementsAre(ReadyEvent(inner.get(), Interest::kRead, 1)));
}

// libuv's poll_bad_fdtype
TEST_P(SelectorConformanceTest, bug_B9_RegularFileIsAlwaysReadyOrRefused) {
  const UniqueFd file(memfd_create("regular", MFD_CLOEXEC));
  const absl::Status status =
      selector_->Register(file.get(), Interest::kReadWrite, 1);
  if (GetParam().takes_regular_files) {
    ASSERT_TRUE(status.ok()) << status;
    EXPECT_THAT(Ready(),
                ElementsAre(ReadyEvent(file.get(), Interest::kReadWrite, 1)));
  } else {
    EXPECT_EQ(ErrnoFromStatus(status), EPERM) << status;
    EXPECT_EQ(selector_->size(), 0u);
    ExpectQuiet();
  }
}

// cppalliance/corosio#207
TEST_P(SelectorConformanceTest, bug_B10_ClosedUnderneathIsReportedAtMostOnce) {
  Pipe closed, open;
  const int fd = closed.reader.get();
  ASSERT_TRUE(selector_->Register(fd, Interest::kRead, 1).ok());
  ASSERT_TRUE(selector_->Register(open.reader.get(), Interest::kRead, 2).ok());
  closed.reader.Reset();
  for (const ReadyEvent& event : Ready()) {
    EXPECT_EQ(event, ReadyEvent(fd, Interest::kRead, 1));
  }
  ExpectQuiet();

  WriteByte(open.writer.get());
  EXPECT_THAT(Ready(),
              ElementsAre(ReadyEvent(open.reader.get(), Interest::kRead, 2)));
  EXPECT_EQ(*selector_->Unregister(fd), SelectorKey(fd, Interest::kRead, 1));
}

// socketry/io-event#71
TEST_P(SelectorConformanceTest, bug_B11_ReopenedNumberStartsAfresh) {
  Pipe old, fresh;
  const int number = old.reader.get();
  WriteByte(old.writer.get());
  ASSERT_TRUE(selector_->Register(number, Interest::kRead, 1).ok());
  EXPECT_THAT(Ready(), SizeIs(1));
  ASSERT_TRUE(selector_->Unregister(number).ok());

  ReopenAs(old.reader, fresh.writer.get());
  ASSERT_TRUE(selector_->Register(number, Interest::kRead, 2).ok());
  EXPECT_THAT(Ready(), IsEmpty());
  ASSERT_TRUE(selector_->Modify(number, Interest::kWrite, 3).ok());
  EXPECT_THAT(Ready(), ElementsAre(ReadyEvent(number, Interest::kWrite, 3)));
}

}  // namespace
}  // namespace evkit

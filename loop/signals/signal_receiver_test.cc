// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/signals/signal_receiver.h"

#include <dirent.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "evkit/base/errno_status.h"
#include "evkit/base/fault_injection.h"
#include "evkit/loop/signals/internal/signal_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using signals_internal::HandlerOf;
using signals_internal::IsReadable;
using signals_internal::kThreadSanitizer;
using signals_internal::ScopedDisposition;
using signals_internal::WaitUntilReadable;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::unique_ptr<SignalReceiver> MakeReceiver() {
  auto receiver = SignalReceiver::Create();
  EXPECT_TRUE(receiver.ok()) << receiver.status();
  return *std::move(receiver);
}

int CountOpenDescriptors() {
  DIR* const directory = ::opendir("/proc/self/fd");
  int count = 0;
  while (::readdir(directory) != nullptr) ++count;
  ::closedir(directory);
  return count;
}

std::atomic<int> foreign_calls{0};
void ForeignHandler(int) { ++foreign_calls; }

class SignalReceiverTest : public ::testing::Test {
 protected:
  SignalReceiver::Callback Note() {
    return [this](int signal) { signals_.push_back(signal); };
  }

  std::unique_ptr<SignalReceiver> receiver_ = MakeReceiver();
  std::vector<int> signals_;
};

TEST_F(SignalReceiverTest, CallsBackFromDispatchAndFromNowhereElse) {
  ASSERT_TRUE(receiver_->Watch(SIGUSR1, Note()).ok());
  EXPECT_EQ(receiver_->size(), 1);
  EXPECT_FALSE(IsReadable(*receiver_));
  ::raise(SIGUSR1);
  EXPECT_TRUE(IsReadable(*receiver_));
  EXPECT_THAT(signals_, IsEmpty());
  receiver_->Dispatch();
  EXPECT_THAT(signals_, ElementsAre(SIGUSR1));
  EXPECT_FALSE(IsReadable(*receiver_));
  receiver_->Dispatch();
  EXPECT_THAT(signals_, SizeIs(1));
}

// SIG-03
TEST_F(SignalReceiverTest, EachDeliveryIsOneCall) {
  ASSERT_TRUE(receiver_->Watch(SIGUSR1, Note()).ok());
  ::raise(SIGUSR1);
  ::raise(SIGUSR1);
  ::raise(SIGUSR1);
  receiver_->Dispatch();
  EXPECT_THAT(signals_, ElementsAre(SIGUSR1, SIGUSR1, SIGUSR1));
}

// SIG-03
TEST_F(SignalReceiverTest, WhatTheKernelCoalescesIsOneDelivery) {
  if (kThreadSanitizer) GTEST_SKIP() << "it coalesces on its own account";
  ASSERT_TRUE(receiver_->Watch(SIGUSR1, Note()).ok());
  ASSERT_TRUE(receiver_->Watch(SIGRTMIN, Note()).ok());
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR1);
  sigaddset(&blocked, SIGRTMIN);
  ASSERT_EQ(::pthread_sigmask(SIG_BLOCK, &blocked, nullptr), 0);
  for (int i = 0; i < 3; ++i) {
    ::raise(SIGRTMIN);
    ::raise(SIGUSR1);
  }
  EXPECT_FALSE(IsReadable(*receiver_));
  ASSERT_EQ(::pthread_sigmask(SIG_UNBLOCK, &blocked, nullptr), 0);
  WaitUntilReadable(*receiver_);
  receiver_->Dispatch();
  EXPECT_THAT(signals_, ElementsAre(SIGUSR1, SIGRTMIN, SIGRTMIN, SIGRTMIN));
}

// SIG-03
TEST_F(SignalReceiverTest, DifferentSignalsKeepTheirOrder) {
  for (const int signal : {SIGUSR1, SIGUSR2, SIGHUP}) {
    ASSERT_TRUE(receiver_->Watch(signal, Note()).ok());
  }
  const std::vector<int> order = {SIGUSR2, SIGUSR1, SIGUSR2, SIGHUP, SIGUSR1};
  for (const int signal : order) ::raise(signal);
  receiver_->Dispatch();
  EXPECT_EQ(signals_, order);
}

// SIG-03
TEST_F(SignalReceiverTest, WhatDoesNotFitTheOrderComesAfterItAndIsNotLost) {
  ASSERT_TRUE(receiver_->Watch(SIGUSR1, Note()).ok());
  ASSERT_TRUE(receiver_->Watch(SIGUSR2, Note()).ok());
  std::vector<int> expected;
  for (size_t i = 0; i < SignalReceiver::kDeliveriesInOrder; ++i) {
    expected.push_back(i % 2 == 0 ? SIGUSR2 : SIGUSR1);
    ::raise(expected.back());
  }
  for (int i = 0; i < 1000; ++i) {
    ::raise(SIGUSR2);
    ::raise(SIGUSR1);
  }
  expected.insert(expected.end(), 1000, SIGUSR1);
  expected.insert(expected.end(), 1000, SIGUSR2);
  receiver_->Dispatch();
  EXPECT_EQ(signals_, expected);
  EXPECT_FALSE(IsReadable(*receiver_));
  signals_.clear();
  ::raise(SIGUSR2);
  ::raise(SIGUSR1);
  receiver_->Dispatch();
  EXPECT_THAT(signals_, ElementsAre(SIGUSR2, SIGUSR1));
}

TEST_F(SignalReceiverTest, SignalRaisedByACallbackIsForTheNextDispatch) {
  ASSERT_TRUE(receiver_
                  ->Watch(SIGUSR1,
                          [&](int signal) {
                            signals_.push_back(signal);
                            ::raise(SIGUSR1);
                          })
                  .ok());
  ::raise(SIGUSR1);
  for (size_t calls = 1; calls <= 1000; ++calls) {
    receiver_->Dispatch();
    ASSERT_THAT(signals_, SizeIs(calls));
    ASSERT_TRUE(IsReadable(*receiver_));
  }
}

// SIG-04
TEST_F(SignalReceiverTest, SecondWatchReplacesTheCallbackAndLosesNothing) {
  auto owned = std::make_shared<int>();
  ASSERT_TRUE(receiver_->Watch(SIGUSR1, [owned](int) { FAIL(); }).ok());
  ::raise(SIGUSR1);
  ASSERT_TRUE(receiver_->Watch(SIGUSR1, Note()).ok());
  EXPECT_EQ(owned.use_count(), 1);
  EXPECT_EQ(receiver_->size(), 1);
  receiver_->Dispatch();
  EXPECT_THAT(signals_, ElementsAre(SIGUSR1));
}

// SIG-11
TEST_F(SignalReceiverTest, UnwatchedSignalIsDroppedThoughItHadArrived) {
  const ScopedDisposition ignored(SIGUSR1, SIG_IGN);
  for (size_t sent : {size_t{1}, 2 * SignalReceiver::kDeliveriesInOrder}) {
    ASSERT_TRUE(receiver_->Watch(SIGUSR1, Note()).ok());
    ASSERT_TRUE(receiver_->Watch(SIGUSR2, Note()).ok());
    for (size_t i = 0; i < sent; ++i) ::raise(SIGUSR1);
    ::raise(SIGUSR2);
    EXPECT_TRUE(receiver_->Unwatch(SIGUSR1));
    EXPECT_FALSE(receiver_->Unwatch(SIGUSR1));
    ::raise(SIGUSR1);
    EXPECT_EQ(receiver_->size(), 1);
    receiver_->Dispatch();
    EXPECT_THAT(signals_, ElementsAre(SIGUSR2));
    signals_.clear();
  }
}

// SIG-11
TEST_F(SignalReceiverTest, NewWatchIsNotToldOfWhatWasBefore) {
  for (size_t sent : {size_t{1}, 2 * SignalReceiver::kDeliveriesInOrder}) {
    ASSERT_TRUE(receiver_->Watch(SIGUSR1, Note()).ok());
    for (size_t i = 0; i < sent; ++i) ::raise(SIGUSR1);
    EXPECT_TRUE(receiver_->Unwatch(SIGUSR1));
    ASSERT_TRUE(receiver_->Watch(SIGUSR1, Note()).ok());
    receiver_->Dispatch();
    EXPECT_THAT(signals_, IsEmpty());
    ::raise(SIGUSR1);
    receiver_->Dispatch();
    EXPECT_THAT(signals_, ElementsAre(SIGUSR1));
    signals_.clear();
    EXPECT_TRUE(receiver_->Unwatch(SIGUSR1));
  }
}

TEST_F(SignalReceiverTest, CallbackMayUnwatchReplaceAndDispatch) {
  std::vector<std::string> trace;
  ASSERT_TRUE(receiver_
                  ->Watch(SIGUSR1,
                          [&](int) {
                            trace.push_back("first");
                            EXPECT_TRUE(receiver_
                                            ->Watch(SIGUSR1,
                                                    [&](int) {
                                                      trace.push_back("second");
                                                    })
                                            .ok());
                            EXPECT_TRUE(receiver_->Unwatch(SIGUSR2));
                            receiver_->Dispatch();
                            trace.push_back("end of first");
                          })
                  .ok());
  ASSERT_TRUE(receiver_->Watch(SIGUSR2, Note()).ok());
  ::raise(SIGUSR1);
  ::raise(SIGUSR2);
  ::raise(SIGUSR1);
  receiver_->Dispatch();
  EXPECT_THAT(trace, ElementsAre("first", "second", "end of first"));
  EXPECT_THAT(signals_, IsEmpty());
}

TEST_F(SignalReceiverTest, CallbackMayDestroyTheReceiver) {
  for (size_t sent : {size_t{2}, 2 * SignalReceiver::kDeliveriesInOrder}) {
    for (size_t before : {size_t{0}, sent - 2}) {
      receiver_ = MakeReceiver();
      int calls = 0;
      ASSERT_TRUE(receiver_
                      ->Watch(SIGUSR1,
                              [&, before](int) {
                                if (++calls > static_cast<int>(before)) {
                                  receiver_.reset();
                                }
                              })
                      .ok());
      for (size_t i = 0; i < sent; ++i) ::raise(SIGUSR1);
      receiver_->Dispatch();
      EXPECT_EQ(receiver_, nullptr);
      EXPECT_EQ(calls, before + 1);
    }
  }
}

#if defined(__cpp_exceptions)
TEST_F(SignalReceiverTest, RestWaitsForTheNextDispatchIfACallbackThrows) {
  ASSERT_TRUE(
      receiver_->Watch(SIGUSR1, [](int) { throw std::runtime_error("no"); })
          .ok());
  ASSERT_TRUE(receiver_->Watch(SIGUSR2, Note()).ok());
  ::raise(SIGUSR1);
  ::raise(SIGUSR2);
  EXPECT_THROW(receiver_->Dispatch(), std::runtime_error);
  EXPECT_THAT(signals_, IsEmpty());
  EXPECT_TRUE(IsReadable(*receiver_));
  receiver_->Dispatch();
  EXPECT_THAT(signals_, ElementsAre(SIGUSR2));
}
#endif

// SIG-09
TEST_F(SignalReceiverTest, AllReceiversAreToldOnAnyThread) {
  constexpr int kThreads = 4;
  constexpr int kSignals = 100;
  const ScopedDisposition ignored(SIGUSR1, SIG_IGN);
  std::atomic<int> watching{0};
  std::atomic<bool> sent{false};
  std::vector<std::thread> threads;
  std::vector<int> counts(kThreads);
  for (int& count : counts) {
    threads.emplace_back([&watching, &sent, &count] {
      const std::unique_ptr<SignalReceiver> own = MakeReceiver();
      ASSERT_TRUE(own->Watch(SIGUSR1, [&count](int) { ++count; }).ok());
      ++watching;
      while (!sent) std::this_thread::yield();
      while (count < kSignals) {
        WaitUntilReadable(*own);
        own->Dispatch();
      }
    });
  }
  while (watching < kThreads) std::this_thread::yield();
  for (int i = 0; i < kSignals; ++i) ::raise(SIGUSR1);
  sent = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(counts, Each(kSignals));
  EXPECT_EQ(HandlerOf(SIGUSR1), SIG_IGN);
}

// SIG-07, SIG-10: the flags.
TEST_F(SignalReceiverTest, WhatWasThereBeforeIsRestored) {
  const ScopedDisposition foreign(SIGUSR1, &ForeignHandler, SA_NODEFER);
  ASSERT_TRUE(receiver_->Watch(SIGUSR1, Note()).ok());
  struct sigaction action;
  ASSERT_EQ(::sigaction(SIGUSR1, nullptr, &action), 0);
  EXPECT_NE(action.sa_handler, &ForeignHandler);
  EXPECT_EQ(action.sa_flags & (SA_RESTART | SA_RESETHAND), SA_RESTART);
  ::raise(SIGUSR1);
  EXPECT_EQ(foreign_calls, 0);

  EXPECT_TRUE(receiver_->Unwatch(SIGUSR1));
  ASSERT_EQ(::sigaction(SIGUSR1, nullptr, &action), 0);
  EXPECT_EQ(action.sa_handler, &ForeignHandler);
  EXPECT_EQ(action.sa_flags & SA_NODEFER, SA_NODEFER);
  ::raise(SIGUSR1);
  EXPECT_EQ(foreign_calls.exchange(0), 1);
}

TEST_F(SignalReceiverTest, bug_F3_LastOfTwoReceiversRestoresTheOldHandler) {
  const ScopedDisposition ignored(SIGUSR1, SIG_IGN);
  auto other = MakeReceiver();
  ASSERT_TRUE(receiver_->Watch(SIGUSR1, Note()).ok());
  ASSERT_TRUE(other->Watch(SIGUSR1, Note()).ok());
  ::raise(SIGUSR1);
  receiver_->Dispatch();
  other->Dispatch();
  EXPECT_THAT(signals_, ElementsAre(SIGUSR1, SIGUSR1));
  receiver_.reset();
  EXPECT_NE(HandlerOf(SIGUSR1), SIG_IGN);
  ::raise(SIGUSR1);
  other->Dispatch();
  EXPECT_THAT(signals_, SizeIs(3));
  other.reset();
  EXPECT_EQ(HandlerOf(SIGUSR1), SIG_IGN);
}

TEST_F(SignalReceiverTest, HandlerThatSomebodyElseInstalledStays) {
  // `foreign` puts back what it found, which is ours.
  const ScopedDisposition original(SIGUSR1, SIG_DFL);
  ASSERT_TRUE(receiver_->Watch(SIGUSR1, Note()).ok());
  const ScopedDisposition foreign(SIGUSR1, &ForeignHandler);
  EXPECT_TRUE(receiver_->Unwatch(SIGUSR1));
  EXPECT_EQ(HandlerOf(SIGUSR1), &ForeignHandler);
  // It is what was there before, the next time.
  ASSERT_TRUE(receiver_->Watch(SIGUSR1, Note()).ok());
  EXPECT_NE(HandlerOf(SIGUSR1), &ForeignHandler);
  EXPECT_TRUE(receiver_->Unwatch(SIGUSR1));
  EXPECT_EQ(HandlerOf(SIGUSR1), &ForeignHandler);
}

std::atomic<pid_t> foreign_pid{0};
struct sigaction before_foreign;

// SIGCHLD is for whoever has children.
TEST_F(SignalReceiverTest, EarlierHandlerHearsOfSigchldToo) {
  struct sigaction foreign = {};
  foreign.sa_flags = SA_SIGINFO;
  foreign.sa_sigaction = [](int, siginfo_t* info, void*) {
    ++foreign_calls;
    foreign_pid = info == nullptr ? -1 : info->si_pid;
  };
  foreign_calls = 0;
  struct sigaction old;
  ASSERT_EQ(::sigaction(SIGCHLD, &foreign, &old), 0);
  ASSERT_TRUE(receiver_->Watch(SIGCHLD, Note()).ok());
  ::raise(SIGCHLD);
  EXPECT_EQ(foreign_calls, 1);
  EXPECT_EQ(foreign_pid, ::getpid());
  receiver_->Dispatch();
  EXPECT_THAT(signals_, ElementsAre(SIGCHLD));

  // Only once, however often it is watched and unwatched.
  EXPECT_TRUE(receiver_->Unwatch(SIGCHLD));
  ASSERT_TRUE(receiver_->Watch(SIGCHLD, Note()).ok());
  ::raise(SIGCHLD);
  EXPECT_EQ(foreign_calls, 2);
  EXPECT_TRUE(receiver_->Unwatch(SIGCHLD));
  ::raise(SIGCHLD);
  EXPECT_EQ(foreign_calls, 3);
  ASSERT_EQ(::sigaction(SIGCHLD, &old, nullptr), 0);
}

// It was installed over ours, and calls what it found there.
TEST_F(SignalReceiverTest, HandlersThatCallEachOtherEnd) {
  foreign_calls = 0;
  struct sigaction old;
  ASSERT_EQ(::sigaction(SIGCHLD, nullptr, &old), 0);
  ASSERT_TRUE(receiver_->Watch(SIGCHLD, Note()).ok());
  struct sigaction foreign = {};
  foreign.sa_flags = SA_SIGINFO;
  foreign.sa_sigaction = [](int signal, siginfo_t* info, void* context) {
    ++foreign_calls;
    before_foreign.sa_sigaction(signal, info, context);
  };
  ASSERT_EQ(::sigaction(SIGCHLD, &foreign, &before_foreign), 0);
  EXPECT_TRUE(receiver_->Unwatch(SIGCHLD));
  ASSERT_TRUE(receiver_->Watch(SIGCHLD, Note()).ok());
  ::raise(SIGCHLD);
  EXPECT_EQ(foreign_calls, 1);
  EXPECT_TRUE(receiver_->Unwatch(SIGCHLD));
  ASSERT_EQ(::sigaction(SIGCHLD, &old, nullptr), 0);
}

TEST_F(SignalReceiverTest, KernelGoesOnReapingWhereSigchldWasIgnored) {
  ScopedDisposition ignored(SIGCHLD, SIG_IGN);
  ASSERT_TRUE(receiver_->Watch(SIGCHLD, Note()).ok());
  const pid_t child = signals_internal::Fork([] { return 0; });
  WaitUntilReadable(*receiver_);
  EXPECT_EQ(::waitpid(child, nullptr, 0), -1);
  EXPECT_EQ(errno, ECHILD);
  EXPECT_TRUE(receiver_->Unwatch(SIGCHLD));
}

TEST_F(SignalReceiverTest, bug_F4_ReceiverCanBeDestroyedWithSignalsPending) {
  const int before = CountOpenDescriptors();
  {
    const auto other = MakeReceiver();
    ASSERT_TRUE(other->Watch(SIGUSR1, Note()).ok());
    for (size_t i = 0; i < 2 * SignalReceiver::kDeliveriesInOrder; ++i) {
      ::raise(SIGUSR1);
    }
  }
  EXPECT_EQ(HandlerOf(SIGUSR1), SIG_DFL);
  EXPECT_EQ(CountOpenDescriptors(), before);
  // Its place is given to the next one, empty.
  const auto next = MakeReceiver();
  ASSERT_TRUE(next->Watch(SIGUSR1, Note()).ok());
  EXPECT_FALSE(IsReadable(*next));
  next->Dispatch();
  EXPECT_THAT(signals_, IsEmpty());
  ::raise(SIGUSR1);
  next->Dispatch();
  EXPECT_THAT(signals_, ElementsAre(SIGUSR1));
}

TEST_F(SignalReceiverTest, ManyReceiversLeaveNothingBehind) {
  const int before = CountOpenDescriptors();
  for (int i = 0; i < 1000; ++i) {
    const auto other = MakeReceiver();
    ASSERT_TRUE(other->Watch(SIGUSR1, Note()).ok());
    ::raise(SIGUSR1);
    other->Dispatch();
  }
  EXPECT_THAT(signals_, SizeIs(1000));
  EXPECT_EQ(CountOpenDescriptors(), before);
}

// SIG-05
TEST_F(SignalReceiverTest, bug_F10_NumbersThatCannotBeWatchedAreRefused) {
  for (const int number : {-1, 0, 32, 33, 65, 64 + SIGUSR1, 1 << 20}) {
    const absl::Status status = receiver_->Watch(number, Note());
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << number;
    EXPECT_THAT(std::string(status.message()),
                HasSubstr("invalid signal number " + std::to_string(number)));
    EXPECT_FALSE(receiver_->Unwatch(number));
  }
  for (const int number : {SIGKILL, SIGSTOP}) {
    const absl::Status status = receiver_->Watch(number, Note());
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(status.message(),
              "sig " + std::to_string(number) + " cannot be caught");
    EXPECT_FALSE(receiver_->Unwatch(number));
  }
  EXPECT_EQ(receiver_->size(), 0);
}

TEST_F(SignalReceiverTest, bug_F10_RealTimeSignalsAreSignals) {
  for (const int number : {SIGRTMIN, SIGRTMAX}) {
    ASSERT_TRUE(receiver_->Watch(number, Note()).ok());
    ::raise(number);
  }
  receiver_->Dispatch();
  EXPECT_THAT(signals_, ElementsAre(SIGRTMIN, SIGRTMAX));
}

TEST_F(SignalReceiverTest, NullCallbackIsABug) {
  EXPECT_DEATH((void)MakeReceiver()->Watch(SIGUSR1, nullptr),
               "must not be null");
}

TEST_F(SignalReceiverTest, FailingEventfdIsReported) {
  FaultInjection faults;
  faults.Fail("eventfd", EMFILE);
  EXPECT_EQ(ErrnoFromStatus(SignalReceiver::Create().status()), EMFILE);
}

// SIG-13
TEST_F(SignalReceiverTest, FailingSigactionLeavesNothingBehind) {
  const ScopedDisposition ignored(SIGUSR1, SIG_IGN);
  for (const int nth : {1, 2}) {
    {
      FaultInjection faults;
      faults.Fail("sigaction@Install", ENOMEM, nth);
      const absl::Status status = receiver_->Watch(SIGUSR1, Note());
      EXPECT_EQ(ErrnoFromStatus(status), ENOMEM);
    }
    EXPECT_EQ(HandlerOf(SIGUSR1), SIG_IGN);
    EXPECT_EQ(receiver_->size(), 0);
    EXPECT_FALSE(receiver_->Unwatch(SIGUSR1));
    ::raise(SIGUSR1);
    EXPECT_FALSE(IsReadable(*receiver_));
  }
  ASSERT_TRUE(receiver_->Watch(SIGUSR1, Note()).ok());
  ::raise(SIGUSR1);
  receiver_->Dispatch();
  EXPECT_THAT(signals_, ElementsAre(SIGUSR1));
}

// SIG-10
TEST_F(SignalReceiverTest, SystemCallsAreRestarted) {
  ASSERT_TRUE(receiver_->Watch(SIGUSR1, Note()).ok());
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  const pthread_t reader = ::pthread_self();
  std::thread interrupter([&] {
    for (int i = 0; i < 100; ++i) ::pthread_kill(reader, SIGUSR1);
    EXPECT_EQ(::write(pipe[1], "x", 1), 1);
  });
  char byte;
  EXPECT_EQ(::read(pipe[0], &byte, 1), 1);
  interrupter.join();
  ::close(pipe[0]);
  ::close(pipe[1]);
}

TEST_F(SignalReceiverTest, bug_F2_NoSignalIsLostBetweenTheLookAndTheWait) {
  constexpr int kRounds = 5000;
  std::atomic<int> received{0};
  ASSERT_TRUE(receiver_->Watch(SIGUSR1, [&](int) { ++received; }).ok());
  const pthread_t waiter = ::pthread_self();
  std::thread sender([&] {
    for (int i = 0; i < kRounds; ++i) {
      ::pthread_kill(waiter, SIGUSR1);
      while (received <= i) std::this_thread::yield();
    }
  });
  // One that is lost leaves this waiting for ever.
  while (received < kRounds) {
    WaitUntilReadable(*receiver_);
    receiver_->Dispatch();
  }
  sender.join();
  EXPECT_EQ(received, kRounds);
}

TEST_F(SignalReceiverTest, bug_F7_SignalsOnAllThreadsWhileReceiversComeAndGo) {
  constexpr int kSenders = 8;
  constexpr int kSent = 500;
  const ScopedDisposition ignored(SIGUSR1, SIG_IGN);
  const ScopedDisposition also_ignored(SIGUSR2, SIG_IGN);
  int received = 0;
  ASSERT_TRUE(receiver_->Watch(SIGUSR1, [&](int) { ++received; }).ok());
  std::atomic<bool> done{false};
  std::vector<std::thread> comers;
  for (int i = 0; i < 2; ++i) {
    comers.emplace_back([&done] {
      while (!done) {
        const auto own = MakeReceiver();
        for (const int signal : {SIGUSR1, SIGUSR2}) {
          EXPECT_TRUE(own->Watch(signal, [](int) {}).ok());
        }
        own->Dispatch();
        EXPECT_TRUE(own->Unwatch(SIGUSR2));
        own->Dispatch();
      }
    });
  }
  std::vector<std::thread> senders;
  for (int i = 0; i < kSenders; ++i) {
    senders.emplace_back([] {
      for (int sent = 0; sent < kSent; ++sent) {
        ::raise(SIGUSR1);
        ::raise(SIGUSR2);
      }
    });
  }
  while (received < kSenders * kSent) {
    WaitUntilReadable(*receiver_);
    receiver_->Dispatch();
  }
  for (std::thread& sender : senders) sender.join();
  done = true;
  for (std::thread& comer : comers) comer.join();
  receiver_->Dispatch();
  EXPECT_EQ(received, kSenders * kSent);
}

TEST_F(SignalReceiverTest, bug_F8_HandlerKeepsErrno) {
  ASSERT_TRUE(receiver_->Watch(SIGUSR1, Note()).ok());
  FaultInjection faults;
  faults.Fail("write@Wake", EBADF, 1);
  faults.Fail("write@Wake", EINTR, 2, 3);
  for (int i = 0; i < 3; ++i) {
    errno = ENOTTY;
    ::raise(SIGUSR1);
    EXPECT_EQ(errno, ENOTTY);
  }
  EXPECT_EQ(faults.Count("write@Wake"), 6);
}

TEST_F(SignalReceiverTest, bug_F8_HandlerDoesNothingButWrite) {
  ASSERT_TRUE(receiver_->Watch(SIGUSR1, Note()).ok());
  FaultInjection faults;
  ::raise(SIGUSR1);
  std::vector<std::string> calls;
  for (const FaultInjection::Site& site : faults.Sites()) {
    calls.push_back(site.call);
    EXPECT_EQ(site.count, 1);
  }
  EXPECT_THAT(calls, ElementsAre("getpid", "write"));
}

}  // namespace
}  // namespace evkit

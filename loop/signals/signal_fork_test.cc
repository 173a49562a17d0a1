// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What becomes of signals when the process forks: the child's are the child's,
// the parent's the parent's.

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "evkit/loop/default_event_loop.h"
#include "evkit/loop/event_loop.h"
#include "evkit/loop/signals/internal/signal_testing.h"
#include "evkit/loop/signals/signal_handlers.h"
#include "evkit/loop/signals/signal_receiver.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

// A child of a process with threads may have some, too.
extern "C" const char* __tsan_default_options() { return "die_after_fork=0"; }

namespace evkit {
namespace {

using signals_internal::Fork;
using signals_internal::HandlerOf;
using signals_internal::IsReadable;
using signals_internal::kThreadSanitizer;
using signals_internal::ScopedDisposition;
using signals_internal::WaitFor;
using signals_internal::WaitUntilReadable;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// What a child of these tests says when all was well.
constexpr int kAllWasWell = 0;

std::atomic<int> foreign_calls{0};
void ForeignHandler(int) { ++foreign_calls; }

class SignalForkTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(receiver_->Watch(SIGTERM, Note()).ok());
    ASSERT_TRUE(receiver_->Watch(SIGHUP, Note()).ok());
  }

  SignalReceiver::Callback Note() {
    return [this](int signal) { signals_.push_back(signal); };
  }

  void ExpectTheParentIsUndisturbed() {
    EXPECT_FALSE(IsReadable(*receiver_));
    receiver_->Dispatch();
    EXPECT_THAT(signals_, IsEmpty());
    ::raise(SIGTERM);
    EXPECT_TRUE(IsReadable(*receiver_));
    receiver_->Dispatch();
    EXPECT_THAT(std::exchange(signals_, {}), ElementsAre(SIGTERM));
  }

  std::unique_ptr<SignalReceiver> receiver_ = *SignalReceiver::Create();
  std::vector<int> signals_;
};

TEST_F(SignalForkTest, bug_F6_SignalToTheChildDoesToItWhatItDidBefore) {
  const pid_t child = Fork([] {
    ::raise(SIGTERM);
    return 1;
  });
  const int status = WaitFor(child);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGTERM);
  ExpectTheParentIsUndisturbed();
}

TEST_F(SignalForkTest, bug_F6_SignalThatWasHandledBeforeIsSoInTheChild) {
  const ScopedDisposition foreign(SIGUSR1, &ForeignHandler);
  const ScopedDisposition ignored(SIGUSR2, SIG_IGN);
  ASSERT_TRUE(receiver_->Watch(SIGUSR1, Note()).ok());
  ASSERT_TRUE(receiver_->Watch(SIGUSR2, Note()).ok());
  const pid_t child = Fork([] {
    for (int i = 1; i <= 3; ++i) {
      ::raise(SIGUSR1);
      ::raise(SIGUSR2);
      if (foreign_calls != i) return i;
    }
    return kAllWasWell;
  });
  EXPECT_EQ(WaitFor(child), kAllWasWell);
  EXPECT_EQ(foreign_calls, 0);
  ExpectTheParentIsUndisturbed();
  EXPECT_TRUE(receiver_->Unwatch(SIGUSR1));
  EXPECT_TRUE(receiver_->Unwatch(SIGUSR2));
}

// vfork() bumps no generation, and its child shares the parent's memory.
TEST_F(SignalForkTest, bug_F6_SignalToAChildOfVforkIsTheChilds) {
  const pid_t child = ::vfork();
  if (child == 0) {
    ::kill(::getpid(), SIGTERM);
    ::_exit(1);
  }
  const int status = WaitFor(child);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGTERM);
  ExpectTheParentIsUndisturbed();
}

TEST_F(SignalForkTest, bug_F6_SignalToTheParentIsNotTheChilds) {
  int go[2];
  ASSERT_EQ(::pipe(go), 0);
  const pid_t child = Fork([&] {
    char byte;
    if (::read(go[0], &byte, 1) != 1) return 1;
    // The parent's wake-up is left to the parent.
    receiver_->Dispatch();
    return signals_.empty() ? kAllWasWell : 2;
  });
  ::raise(SIGHUP);
  EXPECT_EQ(::write(go[1], "x", 1), 1);
  EXPECT_EQ(WaitFor(child), kAllWasWell);
  EXPECT_TRUE(IsReadable(*receiver_));
  receiver_->Dispatch();
  EXPECT_THAT(signals_, ElementsAre(SIGHUP));
  ::close(go[0]);
  ::close(go[1]);
}

TEST_F(SignalForkTest, bug_K2_SignalToTheChildDoesNotWakeTheParent) {
  const auto loop = *NewDefaultEventLoop();
  int calls = 0;
  const auto callback = [&] {
    ++calls;
    loop->Stop();
  };
  ASSERT_TRUE(AddSignalHandler(*loop, SIGUSR1, callback).ok());
  const pid_t child = Fork([] {
    ::raise(SIGUSR1);
    return 1;
  });
  EXPECT_EQ(WTERMSIG(WaitFor(child)), SIGUSR1);
  for (int turn = 0; turn < 3; ++turn) {
    loop->Stop();
    EXPECT_TRUE(loop->RunForever().ok());
  }
  EXPECT_EQ(calls, 0);
  ::raise(SIGUSR1);
  EXPECT_TRUE(loop->RunForever().ok());
  EXPECT_EQ(calls, 1);
}

TEST_F(SignalForkTest, bug_K2_ChildMayHandleSignalsWithALoopOfItsOwn) {
  const ScopedDisposition ignored(SIGUSR1, SIG_IGN);
  ASSERT_TRUE(receiver_->Watch(SIGUSR1, Note()).ok());
  const pid_t child = Fork([&] {
    const auto loop = *NewDefaultEventLoop();
    int calls = 0;
    const auto callback = [&] {
      ++calls;
      loop->Stop();
    };
    if (!AddSignalHandler(*loop, SIGHUP, callback).ok()) return 1;
    // What the child has not asked for does what it did before.
    if (HandlerOf(SIGTERM) != SIG_DFL || HandlerOf(SIGUSR1) != SIG_IGN) {
      return 2;
    }
    ::raise(SIGHUP);
    if (!loop->RunForever().ok() || calls != 1) return 3;
    receiver_.reset();
    ::raise(SIGHUP);
    if (!loop->RunForever().ok() || calls != 2) return 4;
    if (!loop->Close().ok() || HandlerOf(SIGHUP) != SIG_DFL) return 5;
    return signals_.empty() ? kAllWasWell : 6;
  });
  EXPECT_EQ(WaitFor(child), kAllWasWell);
  ExpectTheParentIsUndisturbed();
  EXPECT_TRUE(receiver_->Unwatch(SIGUSR1));
  EXPECT_EQ(HandlerOf(SIGUSR1), SIG_IGN);
}

TEST_F(SignalForkTest, bug_K2_SoMayAGrandchild) {
  const pid_t child = Fork([&] {
    const auto own = *SignalReceiver::Create();
    if (!own->Watch(SIGHUP, Note()).ok()) return 1;
    const pid_t grandchild = Fork([&] {
      const auto next = *SignalReceiver::Create();
      if (HandlerOf(SIGHUP) != SIG_DFL) return 1;
      if (!next->Watch(SIGTERM, Note()).ok()) return 2;
      ::raise(SIGTERM);
      next->Dispatch();
      return signals_ == std::vector<int>{SIGTERM} ? kAllWasWell : 3;
    });
    if (WaitFor(grandchild) != kAllWasWell) return 2;
    ::raise(SIGHUP);
    own->Dispatch();
    return signals_ == std::vector<int>{SIGHUP} ? kAllWasWell : 3;
  });
  EXPECT_EQ(WaitFor(child), kAllWasWell);
  ExpectTheParentIsUndisturbed();
}

TEST_F(SignalForkTest, bug_K1_InheritedReceiverRefusesToDoAnything) {
  const auto loop = *NewDefaultEventLoop();
  ASSERT_TRUE(AddSignalHandler(*loop, SIGTERM, [] {}).ok());
  const auto without_handlers = *NewDefaultEventLoop();
  const pid_t child = Fork([&] {
    const auto is_refused = [](const absl::Status& status) {
      return status.code() == absl::StatusCode::kFailedPrecondition;
    };
    if (!is_refused(receiver_->Watch(SIGUSR1, Note()))) return 1;
    if (!is_refused(receiver_->Watch(SIGTERM, Note()))) return 2;
    if (receiver_->Unwatch(SIGTERM)) return 3;
    if (!is_refused(AddSignalHandler(*loop, SIGTERM, [] {}))) return 4;
    if (!is_refused(AddSignalHandler(*loop, SIGUSR1, [] {}))) return 5;
    if (RemoveSignalHandler(*loop, SIGTERM)) return 6;
    if (!is_refused(AddSignalHandler(*without_handlers, SIGUSR1, [] {}))) {
      return 7;
    }
    if (HandlerOf(SIGUSR1) != SIG_DFL) return 8;
    return kAllWasWell;
  });
  EXPECT_EQ(WaitFor(child), kAllWasWell);
  ExpectTheParentIsUndisturbed();
}

// Seconds of processor time that this process has used.
double ProcessorTime() {
  rusage usage;
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         1e-6 * static_cast<double>(usage.ru_utime.tv_usec +
                                    usage.ru_stime.tv_usec);
}

TEST_F(SignalForkTest, bug_F5_ChildClosesALoopThatHasSignalsPending) {
  auto loop = *NewDefaultEventLoop();
  int calls = 0;
  const auto callback = [&] {
    ++calls;
    loop->Stop();
  };
  ASSERT_TRUE(AddSignalHandler(*loop, SIGUSR1, callback).ok());
  ::raise(SIGUSR1);
  const pid_t child = Fork([&] {
    const double before = ProcessorTime();
    if (!loop->Close().ok()) return 1;
    loop.reset();
    if (calls != 0) return 2;
    return ProcessorTime() - before < 0.5 ? kAllWasWell : 3;
  });
  EXPECT_EQ(WaitFor(child), kAllWasWell);
  EXPECT_TRUE(loop->RunForever().ok());
  EXPECT_EQ(calls, 1);
}

TEST_F(SignalForkTest, bug_K3_ChildThatDestroysItsReceiversOnlyClosesThem) {
  ::raise(SIGHUP);
  const pid_t child = Fork([&] {
    receiver_.reset();
    // The handler is still the parent's: nothing was asked of the kernel.
    if (HandlerOf(SIGTERM) == SIG_DFL) return 1;
    ::raise(SIGTERM);
    return 2;
  });
  EXPECT_EQ(WTERMSIG(WaitFor(child)), SIGTERM);
  EXPECT_TRUE(IsReadable(*receiver_));
  receiver_->Dispatch();
  EXPECT_THAT(std::exchange(signals_, {}), ElementsAre(SIGHUP));
  ExpectTheParentIsUndisturbed();
}

// The other threads hold the registry's lock, or are inside the handler, at the
// moment of some of the forks.
TEST_F(SignalForkTest, bug_K3_ForkInTheMiddleOfOtherThreadsSignals) {
  const ScopedDisposition ignored(SIGUSR1, SIG_IGN);
  std::atomic<bool> done{false};
  std::thread comer([&done] {
    while (!done) {
      const auto own = *SignalReceiver::Create();
      EXPECT_TRUE(own->Watch(SIGUSR1, [](int) {}).ok());
      ::raise(SIGUSR1);
      own->Dispatch();
    }
  });
  for (int round = 0; round < 50; ++round) {
    const pid_t child = Fork([&] {
      const auto own = *SignalReceiver::Create();
      if (!own->Watch(SIGHUP, Note()).ok()) return 1;
      if (kThreadSanitizer) return kAllWasWell;
      ::raise(SIGHUP);
      ::raise(SIGUSR1);
      WaitUntilReadable(*own);
      own->Dispatch();
      receiver_.reset();
      return signals_ == std::vector<int>{SIGHUP} ? kAllWasWell : 2;
    });
    EXPECT_EQ(WaitFor(child), kAllWasWell);
  }
  done = true;
  comer.join();
  ExpectTheParentIsUndisturbed();
}

}  // namespace
}  // namespace evkit

// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/policy/event_loop_policy.h"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "evkit/policy/internal/minimal_loop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using policy_internal::MinimalLoop;
using ::testing::ExitedWithCode;
using ::testing::HasSubstr;

absl::StatusOr<std::unique_ptr<AbstractEventLoop>> NewMinimalLoop() {
  return std::make_unique<MinimalLoop>();
}

AbstractEventLoop* LoopOf(EventLoopPolicy& policy) {
  return policy.GetEventLoop().value_or(nullptr);
}

// Runs `body` in a thread that is not the main one, and waits for it.
void InAnotherThread(std::function<void()> body) {
  std::thread(std::move(body)).join();
}

// How the child ended that runs `check`: 0 if that returns true.
template <typename Check>
int InForkedChild(Check check) {
  const pid_t child = fork();
  if (child == 0) _exit(check() ? 0 : 1);
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return status;
}

// LOOP-08
TEST(DefaultEventLoopPolicyTest, ReturnsTheLoopThatWasSetLast) {
  DefaultEventLoopPolicy policy(NewMinimalLoop);
  MinimalLoop first;
  MinimalLoop second;
  policy.SetEventLoop(&first);
  EXPECT_EQ(LoopOf(policy), &first);
  policy.SetEventLoop(&second);
  EXPECT_EQ(LoopOf(policy), &second);
}

// LOOP-09
TEST(DefaultEventLoopPolicyTest, MakesALoopForTheMainThreadAndKeepsIt) {
  int made = 0;
  DefaultEventLoopPolicy policy([&made] {
    ++made;
    return NewMinimalLoop();
  });
  AbstractEventLoop* const loop = LoopOf(policy);
  ASSERT_NE(loop, nullptr);
  EXPECT_FALSE(loop->IsClosed());
  EXPECT_FALSE(loop->IsRunning());
  EXPECT_EQ(LoopOf(policy), loop);
  EXPECT_EQ(made, 1);
}

// LOOP-09
TEST(DefaultEventLoopPolicyTest, AFailureToMakeALoopIsReturnedAndForgotten) {
  bool fail = true;
  DefaultEventLoopPolicy policy(
      [&fail]() -> absl::StatusOr<std::unique_ptr<AbstractEventLoop>> {
        if (fail) return absl::ResourceExhaustedError("no descriptors left");
        return std::make_unique<MinimalLoop>();
      });
  EXPECT_EQ(policy.GetEventLoop().status().message(), "no descriptors left");
  EXPECT_EQ(policy.NewEventLoop().status().message(), "no descriptors left");
  fail = false;
  EXPECT_TRUE(policy.GetEventLoop().ok());
}

// LOOP-09
TEST(DefaultEventLoopPolicyTest, ALoopItMadeOutlivesAnotherOneBeingSet) {
  DefaultEventLoopPolicy policy(NewMinimalLoop);
  AbstractEventLoop* const made = LoopOf(policy);
  MinimalLoop mine;
  policy.SetEventLoop(&mine);
  EXPECT_EQ(LoopOf(policy), &mine);
  EXPECT_FALSE(made->IsClosed());
}

// LOOP-10
TEST(DefaultEventLoopPolicyTest, MakesNoLoopForOtherThreadsButNamesThem) {
  DefaultEventLoopPolicy policy(NewMinimalLoop);
  InAnotherThread([&policy] {
    const absl::Status status = policy.GetEventLoop().status();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(status.message(), HasSubstr(absl::StrCat("thread ", gettid())));
  });
}

// LOOP-10, LOOP-11
TEST(DefaultEventLoopPolicyTest, MakesNoLoopOnceNullWasSet) {
  DefaultEventLoopPolicy policy(NewMinimalLoop);
  policy.SetEventLoop(nullptr);
  const absl::Status status = policy.GetEventLoop().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(status.message(), HasSubstr(absl::StrCat("thread ", getpid())));
}

// LOOP-10, LOOP-11
TEST(DefaultEventLoopPolicyTest, NullTakesAwayTheLoopThatWasSetOrMade) {
  DefaultEventLoopPolicy policy(NewMinimalLoop);
  EXPECT_TRUE(policy.GetEventLoop().ok());
  policy.SetEventLoop(nullptr);
  EXPECT_FALSE(policy.GetEventLoop().ok());
  MinimalLoop loop;
  policy.SetEventLoop(&loop);
  EXPECT_TRUE(policy.GetEventLoop().ok());
  policy.SetEventLoop(nullptr);
  EXPECT_FALSE(policy.GetEventLoop().ok());
}

// LOOP-11
TEST(DefaultEventLoopPolicyTest, SettingALoopConcernsTheCallingThreadOnly) {
  DefaultEventLoopPolicy policy(NewMinimalLoop);
  MinimalLoop mine;
  policy.SetEventLoop(&mine);
  InAnotherThread([&policy] {
    EXPECT_FALSE(policy.GetEventLoop().ok());
    MinimalLoop other;
    policy.SetEventLoop(&other);
    EXPECT_EQ(LoopOf(policy), &other);
    policy.SetEventLoop(nullptr);
  });
  EXPECT_EQ(LoopOf(policy), &mine);
}

// LOOP-11
TEST(DefaultEventLoopPolicyTest, NullInAnotherThreadLeavesTheMainThreadAlone) {
  DefaultEventLoopPolicy policy(NewMinimalLoop);
  InAnotherThread([&policy] { policy.SetEventLoop(nullptr); });
  EXPECT_TRUE(policy.GetEventLoop().ok());
}

// LOOP-13
TEST(DefaultEventLoopPolicyTest, NewLoopsAreFreshAndNotCurrent) {
  DefaultEventLoopPolicy policy(NewMinimalLoop);
  const auto first = policy.NewEventLoop();
  const auto second = policy.NewEventLoop();
  ASSERT_TRUE(first.ok());
  ASSERT_TRUE(second.ok());
  EXPECT_NE(*first, *second);
  EXPECT_FALSE((*first)->IsClosed());
  EXPECT_FALSE((*first)->IsRunning());
  InAnotherThread([&policy] {
    EXPECT_TRUE(policy.NewEventLoop().ok());
    EXPECT_FALSE(policy.GetEventLoop().ok());
  });
  EXPECT_NE(LoopOf(policy), first->get());
  EXPECT_NE(LoopOf(policy), second->get());
}

// LOOP-14
TEST(DefaultEventLoopPolicyTest, AClosedLoopStaysCurrent) {
  DefaultEventLoopPolicy policy(NewMinimalLoop);
  MinimalLoop loop;
  policy.SetEventLoop(&loop);
  ASSERT_TRUE(loop.Close().ok());
  EXPECT_EQ(LoopOf(policy), &loop);
}

TEST(DefaultEventLoopPolicyTest, PoliciesDoNotShareTheirLoops) {
  DefaultEventLoopPolicy policy(NewMinimalLoop);
  DefaultEventLoopPolicy other_policy(NewMinimalLoop);
  MinimalLoop loop;
  policy.SetEventLoop(&loop);
  EXPECT_NE(LoopOf(other_policy), &loop);
  EXPECT_EQ(LoopOf(policy), &loop);
}

TEST(DefaultEventLoopPolicyTest, APolicyAtTheAddressOfAnotherStartsAnew) {
  std::optional<DefaultEventLoopPolicy> policy(NewMinimalLoop);
  MinimalLoop loop;
  policy->SetEventLoop(&loop);
  policy.emplace(NewMinimalLoop);
  EXPECT_NE(LoopOf(*policy), &loop);
}

// LOOP-05
TEST(DefaultEventLoopPolicyForkTest, AChildStartsAnew) {
  DefaultEventLoopPolicy policy(NewMinimalLoop);
  MinimalLoop loop;
  policy.SetEventLoop(&loop);
  EXPECT_EQ(InForkedChild([&] {
              AbstractEventLoop* const own = LoopOf(policy);
              return own != nullptr && own != &loop && LoopOf(policy) == own;
            }),
            0);
  EXPECT_EQ(LoopOf(policy), &loop);
}

// LOOP-05
TEST(DefaultEventLoopPolicyForkTest, AChildMakesALoopThoughTheParentMayNot) {
  DefaultEventLoopPolicy policy(NewMinimalLoop);
  policy.SetEventLoop(nullptr);
  EXPECT_EQ(InForkedChild([&] { return LoopOf(policy) != nullptr; }), 0);
  EXPECT_EQ(LoopOf(policy), nullptr);
}

// LOOP-05
TEST(DefaultEventLoopPolicyForkTest, TheThreadThatForkedIsTheChildsMainThread) {
  DefaultEventLoopPolicy policy(NewMinimalLoop);
  InAnotherThread([&policy] {
    EXPECT_EQ(LoopOf(policy), nullptr);
    EXPECT_EQ(InForkedChild([&] { return LoopOf(policy) != nullptr; }), 0);
  });
}

// LOOP-05
TEST(DefaultEventLoopPolicyForkTest, AChildsNullIsNotSeenByTheParent) {
  DefaultEventLoopPolicy policy(NewMinimalLoop);
  AbstractEventLoop* const loop = LoopOf(policy);
  EXPECT_EQ(InForkedChild([&] {
              policy.SetEventLoop(nullptr);
              return LoopOf(policy) == nullptr;
            }),
            0);
  EXPECT_EQ(LoopOf(policy), loop);
}

// Says so when it is destroyed, if it was told to.
class Witness {
 public:
  explicit Witness(const char* message) : message_(message) {}
  Witness(Witness&& other) noexcept
      : message_(std::exchange(other.message_, nullptr)) {}
  ~Witness() {
    if (message_ == nullptr) return;
    (void)!write(STDERR_FILENO, message_,
                 std::char_traits<char>::length(message_));
  }

 private:
  const char* message_;
};

class DefaultEventLoopPolicyExitTest : public ::testing::Test {
 protected:
  DefaultEventLoopPolicy policy_{NewMinimalLoop};
};

// LOOP-09
TEST_F(DefaultEventLoopPolicyExitTest, TheLoopItMadeIsDestroyedWithTheThread) {
  EXPECT_EXIT(
      {
        LoopOf(policy_)->CallSoon([witness = Witness("destroyed")] {});
        std::exit(0);
      },
      ExitedWithCode(0), "^destroyed$");
}

TEST_F(DefaultEventLoopPolicyExitTest, ExitInACallbackOfTheLoopItMadeIsFine) {
  EXPECT_EXIT(
      {
        LoopOf(policy_)->CallSoon([] { std::exit(3); });
        (void)LoopOf(policy_)->RunForever();
      },
      ExitedWithCode(3), "^$");
}

TEST_F(DefaultEventLoopPolicyExitTest, AForkedChildLeavesTheParentsLoopAlone) {
  EXPECT_EXIT(
      {
        LoopOf(policy_)->CallSoon([witness = Witness("destroyed once")] {});
        const pid_t child = fork();
        if (child == 0) std::exit(0);
        int status;
        waitpid(child, &status, 0);
        std::exit(status);
      },
      ExitedWithCode(0), "^destroyed once$");
}

TEST_F(DefaultEventLoopPolicyExitTest,
       AForkedChildWithItsOwnLoopLeavesItAlone) {
  EXPECT_EXIT(
      {
        LoopOf(policy_)->CallSoon([witness = Witness("parent's")] {});
        const pid_t child = fork();
        if (child == 0) {
          LoopOf(policy_)->CallSoon([witness = Witness("child's ")] {});
          std::exit(0);
        }
        int status;
        waitpid(child, &status, 0);
        std::exit(status);
      },
      ExitedWithCode(0), "^child's parent's$");
}

// Asks for its loop when it is destroyed, with the callback that holds it.
class AsksWhenDestroyed {
 public:
  explicit AsksWhenDestroyed(EventLoopPolicy& policy) : policy_(&policy) {}
  AsksWhenDestroyed(AsksWhenDestroyed&& other) noexcept
      : policy_(std::exchange(other.policy_, nullptr)) {}
  ~AsksWhenDestroyed() {
    if (policy_ == nullptr) return;
    policy_->SetEventLoop(nullptr);
    const Witness answer(policy_->GetEventLoop().ok() ? "a loop" : "no loop");
  }

 private:
  EventLoopPolicy* policy_;
};

TEST_F(DefaultEventLoopPolicyExitTest, AThreadThatEndsHasNoCurrentLoop) {
  EXPECT_EXIT(
      {
        LoopOf(policy_)->CallSoon([asks = AsksWhenDestroyed(policy_)] {});
        std::exit(0);
      },
      ExitedWithCode(0), "^no loop$");
}

TEST(DefaultEventLoopPolicyDeathTest, ANullFactoryIsABug) {
  EXPECT_DEATH(DefaultEventLoopPolicy(nullptr), "something to make loops");
}

TEST(DefaultEventLoopPolicyDeathTest, AFactoryThatMakesANullLoopIsABug) {
  DefaultEventLoopPolicy policy(
      [] { return std::unique_ptr<AbstractEventLoop>(); });
  EXPECT_DEATH((void)policy.GetEventLoop(), "null loop");
}

// A policy of the user's own: one loop for all.
class OneLoopPolicy final : public EventLoopPolicy {
 public:
  absl::StatusOr<AbstractEventLoop*> GetEventLoop() override { return &loop_; }
  void SetEventLoop(AbstractEventLoop*) override {}
  absl::StatusOr<std::unique_ptr<AbstractEventLoop>> NewEventLoop() override {
    return absl::UnimplementedError("one is enough");
  }

 private:
  MinimalLoop loop_;
};

class PolicySlotTest : public ::testing::Test {
 protected:
  PolicySlotTest() { SetEventLoopPolicy(nullptr); }
  ~PolicySlotTest() override { SetEventLoopPolicy(nullptr); }
};

TEST_F(PolicySlotTest, IsEmptyUntilSomebodyFillsIt) {
  EXPECT_EQ(GetEventLoopPolicy(), nullptr);
  const auto installed = GetOrInstallEventLoopPolicy(NewMinimalLoop);
  ASSERT_NE(installed, nullptr);
  EXPECT_EQ(GetEventLoopPolicy(), installed);
}

TEST_F(PolicySlotTest, TheFirstUseDecides) {
  int made = 0;
  const auto first = GetOrInstallEventLoopPolicy([&made] {
    ++made;
    return NewMinimalLoop();
  });
  const auto second = GetOrInstallEventLoopPolicy(
      []() -> absl::StatusOr<std::unique_ptr<AbstractEventLoop>> {
        ADD_FAILURE() << "the second factory was used";
        return absl::InternalError("");
      });
  EXPECT_EQ(first, second);
  EXPECT_TRUE(second->NewEventLoop().ok());
  EXPECT_EQ(made, 1);
}

// LOOP-16
TEST_F(PolicySlotTest, ThePolicyIsTheSameForAllThreadsAndItsLoopsAreNot) {
  const auto policy = GetOrInstallEventLoopPolicy(NewMinimalLoop);
  MinimalLoop loop;
  policy->SetEventLoop(&loop);
  InAnotherThread([&policy] {
    EXPECT_EQ(GetEventLoopPolicy(), policy);
    EXPECT_FALSE(GetEventLoopPolicy()->GetEventLoop().ok());
  });
}

// LOOP-16
TEST_F(PolicySlotTest, NullBringsBackAFreshDefault) {
  const auto first = GetOrInstallEventLoopPolicy(NewMinimalLoop);
  MinimalLoop loop;
  first->SetEventLoop(&loop);
  SetEventLoopPolicy(nullptr);
  EXPECT_EQ(GetEventLoopPolicy(), nullptr);
  const auto second = GetOrInstallEventLoopPolicy(NewMinimalLoop);
  EXPECT_NE(second, first);
  EXPECT_NE(LoopOf(*second), &loop);
  EXPECT_EQ(LoopOf(*first), &loop);
}

// LOOP-17
TEST_F(PolicySlotTest, APolicyOfTheUsersOwnIsNotReplacedByTheDefault) {
  const auto mine = std::make_shared<OneLoopPolicy>();
  SetEventLoopPolicy(mine);
  EXPECT_EQ(GetEventLoopPolicy(), mine);
  EXPECT_EQ(GetOrInstallEventLoopPolicy(NewMinimalLoop), mine);
  AbstractEventLoop* const loop = LoopOf(*mine);
  InAnotherThread([&] { EXPECT_EQ(LoopOf(*GetEventLoopPolicy()), loop); });
}

// A policy during whose call another thread replaces it.
class ReplacedDuringACallPolicy final : public EventLoopPolicy {
 public:
  explicit ReplacedDuringACallPolicy(bool& destroyed) : destroyed_(destroyed) {}
  ~ReplacedDuringACallPolicy() override { destroyed_ = true; }

  absl::StatusOr<AbstractEventLoop*> GetEventLoop() override {
    InAnotherThread([] { SetEventLoopPolicy(nullptr); });
    EXPECT_FALSE(destroyed_);
    return &loop_;
  }
  void SetEventLoop(AbstractEventLoop*) override {}
  absl::StatusOr<std::unique_ptr<AbstractEventLoop>> NewEventLoop() override {
    return absl::UnimplementedError("");
  }

 private:
  bool& destroyed_;
  MinimalLoop loop_;
};

// LOOP-16
TEST_F(PolicySlotTest, APolicyReplacedWhileAThreadUsesItLivesUntilThatIsDone) {
  bool destroyed = false;
  SetEventLoopPolicy(std::make_shared<ReplacedDuringACallPolicy>(destroyed));
  EXPECT_TRUE(GetEventLoopPolicy()->GetEventLoop().ok());
  EXPECT_TRUE(destroyed);
  EXPECT_EQ(GetEventLoopPolicy(), nullptr);
}

// Asks for the policy, and replaces it, while it is destroyed.
class ReentrantPolicy final : public EventLoopPolicy {
 public:
  ~ReentrantPolicy() override {
    EXPECT_EQ(GetEventLoopPolicy(), nullptr);
    SetEventLoopPolicy(std::make_shared<OneLoopPolicy>());
  }
  absl::StatusOr<AbstractEventLoop*> GetEventLoop() override { return nullptr; }
  void SetEventLoop(AbstractEventLoop*) override {}
  absl::StatusOr<std::unique_ptr<AbstractEventLoop>> NewEventLoop() override {
    return absl::UnimplementedError("");
  }
};

TEST_F(PolicySlotTest, APolicysDestructorMayUseTheSlot) {
  SetEventLoopPolicy(std::make_shared<ReentrantPolicy>());
  SetEventLoopPolicy(nullptr);
  EXPECT_NE(GetEventLoopPolicy(), nullptr);
}

// LOOP-16
TEST_F(PolicySlotTest, ManyThreadsMayUseAndReplaceIt) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 500;
  std::atomic<int> loops{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&loops, i] {
      for (int round = 0; round < kRounds; ++round) {
        const auto policy = GetOrInstallEventLoopPolicy(NewMinimalLoop);
        MinimalLoop mine;
        policy->SetEventLoop(&mine);
        EXPECT_EQ(LoopOf(*policy), &mine);
        policy->SetEventLoop(nullptr);
        if (policy->NewEventLoop().ok()) ++loops;
        if (round % kThreads == i) SetEventLoopPolicy(nullptr);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(loops, kThreads * kRounds);
}

}  // namespace
}  // namespace evkit

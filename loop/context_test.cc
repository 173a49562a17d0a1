// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/context.h"

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::Optional;

class ContextTest : public ::testing::Test {
 protected:
  const ContextVar<int> number_{"number"};
  const ContextVar<std::string> word_{"word", "default"};
};

TEST_F(ContextTest, VariableHasItsNameAndItsDefaultOrNothing) {
  EXPECT_EQ(number_.name(), "number");
  EXPECT_EQ(number_.Get(), std::nullopt);
  EXPECT_THAT(word_.Get(), Optional(std::string("default")));
}

TEST_F(ContextTest, ValueStaysUntilItIsSetAgain) {
  Context().Run([&] {
    number_.Set(1);
    word_.Set("one");
    EXPECT_THAT(number_.Get(), Optional(1));
    EXPECT_THAT(word_.Get(), Optional(std::string("one")));
    number_.Set(2);
    EXPECT_THAT(number_.Get(), Optional(2));
    EXPECT_THAT(word_.Get(), Optional(std::string("one")));
  });
}

TEST_F(ContextTest, VariablesOfTheSameNameAreNotTheSame) {
  const ContextVar<int> namesake("number");
  Context().Run([&] {
    number_.Set(1);
    namesake.Set(2);
    EXPECT_THAT(number_.Get(), Optional(1));
    EXPECT_THAT(namesake.Get(), Optional(2));
  });
}

TEST_F(ContextTest, ResetPutsBackWhatTheSetReplaced) {
  Context context;
  context.Run([&] {
    const auto first = number_.Set(1);
    const auto second = number_.Set(2);
    number_.Reset(second);
    EXPECT_THAT(number_.Get(), Optional(1));
    number_.Reset(first);
    EXPECT_EQ(number_.Get(), std::nullopt);

    const auto token = word_.Set("one");
    word_.Reset(token);
    EXPECT_THAT(word_.Get(), Optional(std::string("default")));
  });
  EXPECT_EQ(context.size(), 0u);
}

TEST_F(ContextTest, RunReturnsWhatTheFunctionReturns) {
  Context context;
  EXPECT_EQ(context.Run([] { return 7; }), 7);
  int place = 1;
  int& reference = context.Run([&]() -> int& { return place; });
  EXPECT_EQ(&reference, &place);
}

// CTX-02
TEST_F(ContextTest, ValuesSetInRunStayInThatContextAndAreNotSeenOutside) {
  Context context;
  context.Run([&] { number_.Set(1); });
  EXPECT_EQ(number_.Get(), std::nullopt);
  EXPECT_EQ(context.size(), 1u);
  context.Run([&] { EXPECT_THAT(number_.Get(), Optional(1)); });
}

TEST_F(ContextTest, RunsNest) {
  Context outer;
  Context inner;
  outer.Run([&] {
    number_.Set(1);
    inner.Run([&] {
      EXPECT_EQ(number_.Get(), std::nullopt);
      number_.Set(2);
      outer.Run([&] { EXPECT_THAT(number_.Get(), Optional(1)); });
      EXPECT_THAT(number_.Get(), Optional(2));
    });
    EXPECT_THAT(number_.Get(), Optional(1));
  });
}

TEST_F(ContextTest, CopiesOfTheObjectAreTheSameContextAndCopyIsANewOne) {
  Context context;
  const Context same = context;
  EXPECT_EQ(context, same);
  context.Run([&] { number_.Set(1); });
  EXPECT_EQ(same.size(), 1u);

  Context copy = context.Copy();
  EXPECT_FALSE(copy == context);
  copy.Run([&] {
    EXPECT_THAT(number_.Get(), Optional(1));
    number_.Set(2);
    word_.Set("two");
  });
  context.Run([&] { EXPECT_THAT(number_.Get(), Optional(1)); });
  EXPECT_EQ(context.size(), 1u);

  copy = context;
  EXPECT_EQ(copy, context);
  const Context& itself = copy;
  copy = itself;
  EXPECT_EQ(copy, context);
}

TEST_F(ContextTest, CopyCurrentDoesNotSeeWhatIsSetLater) {
  Context().Run([&] {
    number_.Set(1);
    Context copy = Context::CopyCurrent();
    number_.Set(2);
    copy.Run([&] { EXPECT_THAT(number_.Get(), Optional(1)); });
    EXPECT_THAT(number_.Get(), Optional(2));
  });
}

TEST_F(ContextTest, ContextMayBeReplacedAndDroppedWhileItRuns) {
  auto context = std::make_unique<Context>();
  context->Run([&] {
    number_.Set(1);
    *context = Context();
    EXPECT_THAT(number_.Get(), Optional(1));
    context.reset();
    EXPECT_THAT(number_.Get(), Optional(1));
  });
  EXPECT_EQ(number_.Get(), std::nullopt);
}

TEST_F(ContextTest, ValueIsDestroyedWhenTheLastContextThatHasItGoes) {
  const ContextVar<std::shared_ptr<int>> owner("owner");
  auto value = std::make_shared<int>(7);
  const std::weak_ptr<int> watched = value;
  std::optional<Context> first(std::in_place);
  first->Run([&] { owner.Set(std::move(value)); });
  std::optional<Context> second = first->Copy();
  first.reset();
  EXPECT_FALSE(watched.expired());
  second->Run([&] { owner.Set(nullptr); });
  EXPECT_TRUE(watched.expired());
}

// Reads a variable when it is destroyed, and sets it.
class Meddler {
 public:
  Meddler(const ContextVar<int>& variable, int& seen)
      : variable_(variable), seen_(seen) {}
  ~Meddler() {
    seen_ = variable_.Get().value_or(-1);
    variable_.Set(seen_ + 1);
  }

 private:
  const ContextVar<int>& variable_;
  int& seen_;
};

TEST_F(ContextTest, DestructorOfAValueMayUseVariables) {
  const ContextVar<std::shared_ptr<Meddler>> owner("owner");
  int seen = 0;
  Context context;
  context.Run([&] {
    number_.Set(1);
    owner.Set(std::make_shared<Meddler>(number_, seen));
    owner.Set(nullptr);
    EXPECT_EQ(seen, 1);
    EXPECT_THAT(number_.Get(), Optional(2));
  });
}

TEST_F(ContextTest, EachThreadStartsWithNothingSetAndDropsItsValuesAtItsEnd) {
  const ContextVar<std::shared_ptr<int>> owner("owner");
  const auto token = number_.Set(1);
  std::weak_ptr<int> watched;
  std::thread([&] {
    EXPECT_EQ(number_.Get(), std::nullopt);
    number_.Set(2);
    auto value = std::make_shared<int>(7);
    watched = value;
    owner.Set(std::move(value));
  }).join();
  EXPECT_TRUE(watched.expired());
  EXPECT_THAT(number_.Get(), Optional(1));
  number_.Reset(token);
}

TEST_F(ContextTest, ContextMayBeHandedToAnotherThread) {
  Context context;
  context.Run([&] { number_.Set(1); });
  std::thread([&, context]() mutable {
    context.Run([&] {
      EXPECT_THAT(number_.Get(), Optional(1));
      number_.Set(2);
    });
  }).join();
  context.Run([&] { EXPECT_THAT(number_.Get(), Optional(2)); });
}

TEST_F(ContextTest, CopiesMayBeUsedOnManyThreadsAtOnce) {
  Context context;
  context.Run([&] { number_.Set(7); });
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this, t, copy = context.Copy()]() mutable {
      for (int i = 0; i < 1000; ++i) {
        Context mine = copy.Copy();
        mine.Run([&] {
          EXPECT_THAT(number_.Get(), Optional(7));
          number_.Set(t);
          EXPECT_THAT(number_.Get(), Optional(t));
        });
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// The private copy of a scheduled callback becomes an object when asked for,
// also while it is in force below another context.
TEST_F(ContextTest, SlotKeepsItsValuesWhenItBecomesAnObjectWhileInForce) {
  loop_internal::ContextSlot slot;
  loop_internal::ScopedContextCell scope(slot.cell());
  number_.Set(1);
  std::optional<Context> object;
  Context().Run([&] { object = slot.context(); });
  EXPECT_THAT(number_.Get(), Optional(1));
  number_.Set(2);
  object->Run([&] {
    EXPECT_THAT(number_.Get(), Optional(2));
    number_.Set(3);
  });
  EXPECT_THAT(number_.Get(), Optional(3));
  EXPECT_EQ(slot.context(), *object);
}

TEST_F(ContextTest, SlotWithANamedContextHoldsNothingOfTheCurrentOne) {
  const ContextVar<std::shared_ptr<int>> owner("owner");
  loop_internal::ContextSlot slot;
  std::weak_ptr<int> watched;
  Context().Run([&] {
    auto value = std::make_shared<int>(7);
    watched = value;
    owner.Set(std::move(value));
    slot.CopyCurrent();
    slot.Use(Context());
  });
  EXPECT_TRUE(watched.expired());
}

}  // namespace
}  // namespace evkit

// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/selectors/selector.h"

#include "gtest/gtest.h"

namespace evkit {
namespace {

TEST(InterestTest, IsASetOfTwo) {
  EXPECT_EQ(Interest::kRead | Interest::kWrite, Interest::kReadWrite);
  EXPECT_EQ(Interest::kReadWrite & Interest::kWrite, Interest::kWrite);
  EXPECT_EQ(Interest::kRead & Interest::kWrite, Interest::kNone);
  EXPECT_EQ(~Interest::kRead, Interest::kWrite);
  EXPECT_EQ(~Interest::kNone, Interest::kReadWrite);
  EXPECT_EQ(~Interest::kReadWrite, Interest::kNone);
}

TEST(InterestTest, IsChangedInPlace) {
  Interest interest = Interest::kRead;
  interest |= Interest::kWrite;
  EXPECT_EQ(interest, Interest::kReadWrite);
  interest &= ~Interest::kRead;
  EXPECT_EQ(interest, Interest::kWrite);
}

TEST(InterestTest, AnyIsFalseOnlyOfNone) {
  EXPECT_FALSE(Any(Interest::kNone));
  EXPECT_TRUE(Any(Interest::kRead));
  EXPECT_TRUE(Any(Interest::kWrite));
  EXPECT_TRUE(Any(Interest::kReadWrite));
}

TEST(InterestTest, IncludesAsksForAllOfThePart) {
  EXPECT_TRUE(Includes(Interest::kReadWrite, Interest::kRead));
  EXPECT_TRUE(Includes(Interest::kRead, Interest::kNone));
  EXPECT_FALSE(Includes(Interest::kRead, Interest::kReadWrite));
  EXPECT_FALSE(Includes(Interest::kNone, Interest::kWrite));
}

TEST(InterestTest, IsKnownToTheCompiler) {
  static_assert(Includes(Interest::kRead | Interest::kWrite, ~Interest::kRead));
  static_assert(!Any(Interest::kRead & Interest::kWrite));
}

TEST(ReadyEventTest, ComparesByValue) {
  EXPECT_EQ(ReadyEvent(3, Interest::kRead, 7),
            ReadyEvent(3, Interest::kRead, 7));
  EXPECT_NE(ReadyEvent(3, Interest::kRead, 7),
            ReadyEvent(3, Interest::kRead, 8));
  EXPECT_NE(ReadyEvent(3, Interest::kRead, 7),
            ReadyEvent(3, Interest::kWrite, 7));
  EXPECT_EQ(ReadyEvent().fd, -1);
}

TEST(SelectorKeyTest, ComparesByValue) {
  EXPECT_EQ(SelectorKey(3, Interest::kRead, 7),
            SelectorKey(3, Interest::kRead, 7));
  EXPECT_NE(SelectorKey(3, Interest::kRead, 7),
            SelectorKey(4, Interest::kRead, 7));
  EXPECT_EQ(SelectorKey().interest, Interest::kNone);
}

}  // namespace
}  // namespace evkit

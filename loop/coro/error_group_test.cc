// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/coro/error_group.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(ErrorGroupTest, HasTheCodeOfTheFirstAndTheMessagesOfAll) {
  const absl::Status group = MakeErrorGroup(
      "several", {absl::NotFoundError("a"), absl::AbortedError("b")});
  EXPECT_EQ(group.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(group.message(), "several (2): NOT_FOUND: a; ABORTED: b");
  EXPECT_TRUE(IsErrorGroup(group));
  EXPECT_THAT(ErrorGroupMembers(group),
              ElementsAre(absl::NotFoundError("a"), absl::AbortedError("b")));
}

TEST(ErrorGroupTest, OtherStatusesAreNone) {
  for (const absl::Status& status :
       {absl::OkStatus(), absl::NotFoundError("a")}) {
    EXPECT_FALSE(IsErrorGroup(status));
    EXPECT_THAT(ErrorGroupMembers(status), IsEmpty());
  }
}

TEST(ErrorGroupTest, MembersKeepTheirPayloads) {
  absl::Status member = absl::InternalError("a");
  member.SetPayload("one", absl::Cord(std::string("\0\xff", 2)));
  member.SetPayload("two", absl::Cord(""));
  const absl::Status group =
      MakeErrorGroup("several", {member, absl::NotFoundError("")});
  const std::vector<absl::Status> members = ErrorGroupMembers(group);
  ASSERT_EQ(members.size(), 2u);
  EXPECT_EQ(members[0], member);
  EXPECT_EQ(members[1], absl::NotFoundError(""));
}

TEST(ErrorGroupTest, GroupsMayBeNested) {
  absl::Status group = absl::DataLossError("innermost");
  for (int i = 0; i < 5; ++i) {
    group = MakeErrorGroup("level", {group, absl::UnknownError("u")});
  }
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(IsErrorGroup(group));
    EXPECT_EQ(group.code(), absl::StatusCode::kDataLoss);
    ASSERT_EQ(ErrorGroupMembers(group).size(), 2u);
    group = ErrorGroupMembers(group)[0];
  }
  EXPECT_EQ(group, absl::DataLossError("innermost"));
}

TEST(ErrorGroupTest, AGroupIsNoCancellation) {
  EXPECT_EQ(
      MakeErrorGroup("g", {absl::CancelledError(), absl::AbortedError("b")})
          .code(),
      absl::StatusCode::kAborted);
  EXPECT_EQ(MakeErrorGroup("g", {absl::CancelledError()}).code(),
            absl::StatusCode::kUnknown);
  EXPECT_EQ(MakeErrorGroup("g", {}).code(), absl::StatusCode::kUnknown);
  EXPECT_TRUE(IsErrorGroup(MakeErrorGroup("g", {})));
}

TEST(ErrorGroupTest, APayloadThatWasTamperedWithIsReadAsFarAsItGoes) {
  const absl::Status group = MakeErrorGroup(
      "several", {absl::NotFoundError("a"), absl::AbortedError("b")});
  const std::string bytes(*group.GetPayload("evkit/error_group"));
  for (size_t size = 0; size < bytes.size(); ++size) {
    absl::Status cut = group;
    cut.SetPayload("evkit/error_group", absl::Cord(bytes.substr(0, size)));
    EXPECT_LE(ErrorGroupMembers(cut).size(), 2u);
    std::string garbage = bytes;
    garbage[size] = '\xff';
    cut.SetPayload("evkit/error_group", absl::Cord(garbage));
    ErrorGroupMembers(cut);
  }
}

}  // namespace
}  // namespace evkit

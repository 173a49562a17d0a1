// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/conformance/internal/json.h"

#include <string>

#include "gtest/gtest.h"

namespace evkit::conformance {
namespace {

TEST(JsonTest, ReadsEveryKindOfValue) {
  const absl::StatusOr<Json> json = Json::Parse(
      R"( {"a": [1, -20, null, "x\"\\\/\n\t"], "b": {}, "c": [] } )");
  ASSERT_TRUE(json.ok()) << json.status();
  const Json& a = json->Member("a");
  ASSERT_EQ(a.size(), 4u);
  EXPECT_EQ(a[0].integer(), 1);
  EXPECT_EQ(a[1].integer(), -20);
  EXPECT_TRUE(a[2].is_null());
  EXPECT_EQ(a[3].string(), "x\"\\/\n\t");
  EXPECT_TRUE(json->Member("b").is_object());
  EXPECT_EQ(json->Member("c").size(), 0u);
  EXPECT_TRUE(json->Member("d").is_null());
}

TEST(JsonTest, SaysWhereItIsSomethingElse) {
  for (const char* const text :
       {"", "[", "[1", "[1,", "[1,]", "[1 2]", "{", "{1:2}", R"({"a")",
        R"({"a":})", R"("a)", R"("\u0041")", "true", "nul", "1.5", "1-2",
        "99999999999", "1 1", "-"}) {
    const absl::StatusOr<Json> json = Json::Parse(text);
    EXPECT_EQ(json.status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
  EXPECT_EQ(Json::Parse("[1, x]").status().message(),
            "not the JSON of a program, at byte 4");
}

TEST(JsonTest, RefusesWhatWouldOverflowTheStack) {
  EXPECT_FALSE(Json::Parse(std::string(100'000, '[')).ok());
}

}  // namespace
}  // namespace evkit::conformance

// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "examples/supervisor/procfile.h"

#include "gtest/gtest.h"

namespace supervisor {
namespace {

TEST(ProcfileTest, NamesAndCommandsAreRead) {
  const auto services =
      ParseProcfile("# all of it\n\nweb: serve --url=http://x\n  db :run\n");
  ASSERT_TRUE(services.ok()) << services.status();
  ASSERT_EQ(services->size(), 2u);
  EXPECT_EQ((*services)[0].name, "web");
  EXPECT_EQ((*services)[0].command, "serve --url=http://x");
  EXPECT_EQ((*services)[1].name, "db");
  EXPECT_EQ((*services)[1].command, "run");
}

TEST(ProcfileTest, WhatIsNoServiceIsNamed) {
  EXPECT_EQ(ParseProcfile("web: x\nnonsense\n").status().message(),
            "line 2 is not \"name: command\"");
  EXPECT_FALSE(ParseProcfile("web:\n").ok());
  EXPECT_FALSE(ParseProcfile("# nothing\n").ok());
}

}  // namespace
}  // namespace supervisor

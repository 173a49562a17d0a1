// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/base/fork_generation.h"

#include <sys/wait.h>
#include <unistd.h>

#include "gtest/gtest.h"

namespace evkit {
namespace {

TEST(ForkGenerationTest, IsLargerInAChildAndUnchangedInTheParent) {
  const uint32_t before = ForkGeneration();
  const pid_t child = fork();
  if (child == 0) {
    _exit(ForkGeneration() > before && ForkedSince(before) ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(ForkGeneration(), before);
  EXPECT_FALSE(ForkedSince(before));
}

}  // namespace
}  // namespace evkit

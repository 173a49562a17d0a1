// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/base/errno_status.h"

#include <cerrno>

#include "absl/status/status.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

TEST(ErrnoStatusTest, TextNamesTheObjectAndTheError) {
  EXPECT_EQ(StatusFromErrno(EBADF, "epoll_ctl(ADD, fd=7)").message(),
            "epoll_ctl(ADD, fd=7): Bad file descriptor");
}

TEST(ErrnoStatusTest, ErrnoSurvives) {
  for (int error = 1; error < 134; ++error) {
    EXPECT_EQ(ErrnoFromStatus(StatusFromErrno(error, "x")), error);
  }
}

TEST(ErrnoStatusTest, OtherStatusesHaveNoErrno) {
  EXPECT_EQ(ErrnoFromStatus(absl::OkStatus()), 0);
  EXPECT_EQ(ErrnoFromStatus(absl::InternalError("x")), 0);
}

TEST(ErrnoStatusTest, NoErrnoLooksLikeACancellation) {
  for (int error = 1; error < 134; ++error) {
    EXPECT_FALSE(absl::IsCancelled(StatusFromErrno(error, "x"))) << error;
  }
}

}  // namespace
}  // namespace evkit

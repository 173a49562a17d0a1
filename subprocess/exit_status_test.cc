// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/subprocess/exit_status.h"

#include <signal.h>
#include <sys/wait.h>

#include <optional>
#include <sstream>

#include "gtest/gtest.h"

namespace evkit {
namespace {

siginfo_t Info(int code, int status) {
  siginfo_t info = {};
  info.si_code = code;
  info.si_status = status;
  return info;
}

// SUB-12
TEST(ExitStatusTest, ReturncodeIsTheExitCodeOrMinusTheSignal) {
  EXPECT_EQ(ExitStatus::Exited(0).returncode(), 0);
  EXPECT_EQ(ExitStatus::Exited(255).returncode(), 255);
  EXPECT_EQ(ExitStatus::Signaled(SIGKILL).returncode(), -9);
  EXPECT_EQ(ExitStatus::Signaled(SIGRTMAX).returncode(), -SIGRTMAX);
}

// WATCH-03
TEST(ExitStatusTest, ReturncodeIs255IfSomebodyElseReapedTheChild) {
  EXPECT_EQ(ExitStatus::Unknown().returncode(), 255);
  EXPECT_TRUE(ExitStatus::Unknown().unknown());
  EXPECT_FALSE(ExitStatus::Exited(255).unknown());
  EXPECT_NE(ExitStatus::Unknown(), ExitStatus::Exited(255));
}

TEST(ExitStatusTest, OnlyExitCodeZeroIsOk) {
  EXPECT_TRUE(ExitStatus::Exited(0).ok());
  EXPECT_FALSE(ExitStatus::Exited(1).ok());
  EXPECT_FALSE(ExitStatus::Signaled(SIGTERM).ok());
  EXPECT_FALSE(ExitStatus::Unknown().ok());
}

TEST(ExitStatusTest, IsPrintedForPeople) {
  EXPECT_EQ(ExitStatus::Exited(3).ToString(), "exit code 3");
  EXPECT_EQ(ExitStatus::Signaled(SIGTERM).ToString(), "killed by SIGTERM");
  EXPECT_EQ(ExitStatus::Signaled(SIGSEGV, true).ToString(),
            "killed by SIGSEGV (core dumped)");
  EXPECT_EQ(ExitStatus::Signaled(50).ToString(), "killed by signal 50");
  EXPECT_EQ(ExitStatus::Unknown().ToString(), "unknown exit status");
  std::ostringstream out;
  out << ExitStatus::Exited(0);
  EXPECT_EQ(out.str(), "exit code 0");
}

// Statuses decoded with half of their cases in mind.
TEST(ExitStatusTest, bug_G18_EveryWaitStatusIsDecoded) {
  const struct {
    int wait_status;
    siginfo_t info;
    std::optional<ExitStatus> expected;
  } kCases[] = {
      {0x0000, Info(CLD_EXITED, 0), ExitStatus::Exited(0)},
      {0x0100, Info(CLD_EXITED, 1), ExitStatus::Exited(1)},
      {0x7f00, Info(CLD_EXITED, 127), ExitStatus::Exited(127)},
      {0x8000, Info(CLD_EXITED, 128), ExitStatus::Exited(128)},
      {0xff00, Info(CLD_EXITED, 255), ExitStatus::Exited(255)},
      {0x0001, Info(CLD_KILLED, 1), ExitStatus::Signaled(SIGHUP)},
      {0x0009, Info(CLD_KILLED, 9), ExitStatus::Signaled(SIGKILL)},
      {0x000f, Info(CLD_KILLED, 15), ExitStatus::Signaled(SIGTERM)},
      {0x0040, Info(CLD_KILLED, 64), ExitStatus::Signaled(64)},
      {0x0086, Info(CLD_DUMPED, 6), ExitStatus::Signaled(SIGABRT, true)},
      {0x008b, Info(CLD_DUMPED, 11), ExitStatus::Signaled(SIGSEGV, true)},
      {0x137f, Info(CLD_STOPPED, SIGSTOP), std::nullopt},
      {0x057f, Info(CLD_TRAPPED, SIGTRAP), std::nullopt},
      {0xffff, Info(CLD_CONTINUED, SIGCONT), std::nullopt},
      {0x137f, Info(0, 0), std::nullopt},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(ExitStatus::FromWaitStatus(c.wait_status), c.expected)
        << c.wait_status;
    EXPECT_EQ(ExitStatus::FromSiginfo(c.info), c.expected) << c.wait_status;
  }
}

TEST(ExitStatusTest, EveryExitCodeAndSignalSurvives) {
  for (int code = 0; code <= 255; ++code) {
    EXPECT_EQ(ExitStatus::FromWaitStatus(W_EXITCODE(code, 0))->exit_code(),
              code);
  }
  for (int signal = 1; signal <= 64; ++signal) {
    EXPECT_EQ(ExitStatus::FromWaitStatus(W_EXITCODE(0, signal))->signal(),
              signal);
  }
}

TEST(ExitStatusDeathTest, AskingForWhatDidNotHappenIsABug) {
  EXPECT_DEATH(ExitStatus::Signaled(9).exit_code(), "did not exit by itself");
  EXPECT_DEATH(ExitStatus::Exited(9).signal(), "not ended by a signal");
  EXPECT_DEATH(ExitStatus::Exited(256), "eight bits");
}

}  // namespace
}  // namespace evkit

// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/connections/create_unix_server.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "evkit/base/errno_status.h"
#include "evkit/base/fault_injection.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/testing/test_loop.h"
#include "evkit/net/connections/server.h"
#include "evkit/net/connections/server_testing.h"
#include "evkit/net/socket.h"
#include "evkit/net/socket_address.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

namespace fs = std::filesystem;

class UnixServerTest : public ::testing::Test {
 protected:
  UnixServerTest() {
    // Sandboxes have long names, and a path has 107 bytes at most.
    std::string name = "/tmp/evkit_XXXXXX";
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    directory_ = name;
    path_ = name + "/s";
  }
  ~UnixServerTest() override { fs::remove_all(directory_); }

  absl::StatusOr<std::shared_ptr<Server>> Bind() {
    return BindUnixServer(test_.loop(), path_, diary_.NewFactory(), options_);
  }
  bool Exists() { return fs::exists(fs::symlink_status(path_)); }
  bool IsSocket() { return fs::is_socket(fs::symlink_status(path_)); }
  bool CanConnect() { return !IsRefused(*SocketAddress::Unix(path_)); }
  // A socket of somebody's, bound to the path, which listens.
  Socket Foreign() {
    Socket socket = *Socket::Create(AF_UNIX, SOCK_STREAM);
    EXPECT_TRUE(socket.Bind(*SocketAddress::Unix(path_)).ok());
    EXPECT_TRUE(socket.Listen(1).ok());
    return socket;
  }
  void WriteFile() { std::ofstream(path_) << "precious"; }
  std::string ReadFile() {
    std::string text;
    std::ifstream(path_) >> text;
    return text;
  }
  void RunUntilIdle() { ASSERT_TRUE(test_.RunUntilIdle().ok()); }

  TestLoop test_;
  Diary diary_;
  UnixServerOptions options_;
  std::string directory_;
  std::string path_;
};

// UNIX-07: a server as those of TCP.
TEST_F(UnixServerTest, ItServes) {
  const std::shared_ptr<Server> server = *Bind();
  EXPECT_TRUE(server->IsServing());
  ASSERT_EQ(server->Sockets().size(), 1u);
  EXPECT_EQ(server->Sockets()[0].LocalAddress()->path(), path_);
  Socket client = NewClient(*SocketAddress::Unix(path_));
  ASSERT_TRUE(client.Send("x").ok());
  RunUntilIdle();
  EXPECT_EQ(Received(client), "x");
  EXPECT_EQ(server->client_count(), 1u);

  const Task<void> forever = CreateTask(test_.loop(), server->ServeForever());
  RunUntilIdle();
  forever.Cancel();
  RunUntilIdle();
  EXPECT_TRUE(forever.cancelled());
  EXPECT_EQ(Received(client), "");
  EXPECT_THAT(diary_.entries, ElementsAre("new", "made", "data x", "lost"));
  EXPECT_FALSE(Exists());
}

// UNIX-07
TEST_F(UnixServerTest, ItListensWhenItIsToldTo) {
  options_.start_serving = false;
  const std::shared_ptr<Server> server = *Bind();
  EXPECT_TRUE(IsSocket());
  EXPECT_FALSE(CanConnect());
  ASSERT_TRUE(server->StartServing().ok());
  EXPECT_TRUE(CanConnect());
}

TEST_F(UnixServerTest, ATaskCreatesIt) {
  const auto task = CreateTask(
      test_.loop(), CreateUnixServer(diary_.NewFactory(), path_, options_));
  RunUntilIdle();
  const std::shared_ptr<Server> server = *task.Result();
  EXPECT_EQ(&server->loop(), &test_.loop());
  EXPECT_TRUE(CanConnect());
}

TEST_F(UnixServerTest, ATaskThatIsCancelledWhileItCreatesItLeavesNothing) {
  const auto task = CreateTask(
      test_.loop(), CreateUnixServer(diary_.NewFactory(), path_, options_));
  test_->CallSoon([&] {
    EXPECT_TRUE(Exists());
    task.Cancel();
  });
  RunUntilIdle();
  EXPECT_TRUE(task.cancelled());
  EXPECT_FALSE(Exists());
}

TEST_F(UnixServerTest, ABoundSocketWillDo) {
  Socket socket = *Socket::Create(AF_UNIX, SOCK_STREAM);
  ASSERT_TRUE(socket.Bind(*SocketAddress::Unix(path_)).ok());
  const auto task = CreateTask(
      test_.loop(),
      CreateUnixServer(diary_.NewFactory(), std::move(socket), options_));
  RunUntilIdle();
  const std::shared_ptr<Server> server = *task.Result();
  EXPECT_TRUE(CanConnect());
  server->Close();
  EXPECT_FALSE(Exists());
}

TEST_F(UnixServerTest, OtherSocketsAreRefused) {
  for (const auto& [family, type] :
       {std::pair(AF_INET, SOCK_STREAM), std::pair(AF_UNIX, SOCK_DGRAM)}) {
    EXPECT_EQ(BindUnixServer(test_.loop(), *Socket::Create(family, type),
                             diary_.NewFactory())
                  .status()
                  .code(),
              absl::StatusCode::kInvalidArgument);
  }
}

// UNIX-03
TEST_F(UnixServerTest, bug_H17_AStaleSocketIsReplaced) {
  Foreign();  // Closed, and its file left.
  ASSERT_TRUE(IsSocket());
  EXPECT_FALSE(CanConnect());
  const std::shared_ptr<Server> server = *Bind();
  EXPECT_TRUE(CanConnect());
  EXPECT_THAT(test_.log(), IsEmpty());
}

// UNIX-03
TEST_F(UnixServerTest, bug_H17_WhatIsNoSocketIsLeftAlone) {
  WriteFile();
  const absl::Status status = Bind().status();
  EXPECT_EQ(ErrnoFromStatus(status), EADDRINUSE);
  EXPECT_EQ(status.message(), "Address unix:" + path_ +
                                  " is already in use: Address already in use");
  EXPECT_EQ(ReadFile(), "precious");

  fs::remove(path_);
  fs::create_directory(path_);
  EXPECT_EQ(ErrnoFromStatus(Bind().status()), EADDRINUSE);
  EXPECT_TRUE(fs::is_directory(path_));
}

// UNIX-03: stat(2) would have followed it, and the link would be gone.
TEST_F(UnixServerTest, bug_H17_ALinkToASocketIsNoSocket) {
  const std::string link = directory_ + "/link";
  const Socket foreign = Foreign();
  fs::create_symlink(path_, link);
  path_ = link;
  EXPECT_EQ(ErrnoFromStatus(Bind().status()), EADDRINUSE);
  EXPECT_TRUE(fs::is_symlink(link));
}

// UNIX-04
TEST_F(UnixServerTest, ClosingRemovesTheFile) {
  const std::shared_ptr<Server> server = *Bind();
  ASSERT_TRUE(IsSocket());
  server->Close();
  EXPECT_FALSE(Exists());
  WriteFile();
  server->Close();
  EXPECT_EQ(ReadFile(), "precious");
}

// UNIX-04
TEST_F(UnixServerTest, bug_H17_AFileThatTookItsPlaceIsLeftAlone) {
  std::shared_ptr<Server> server = *Bind();
  fs::remove(path_);
  WriteFile();
  server->Close();
  EXPECT_EQ(ReadFile(), "precious");

  fs::remove(path_);
  server = *Bind();
  fs::remove(path_);
  const Socket foreign = Foreign();
  server->Close();
  EXPECT_TRUE(CanConnect());
}

// UNIX-04: the second server takes the path of the first over.
TEST_F(UnixServerTest, bug_H17_TheSuccessorsSocketIsLeftAlone) {
  const std::shared_ptr<Server> first = *Bind();
  const std::shared_ptr<Server> second = *Bind();
  first->Close();
  EXPECT_TRUE(CanConnect());
  RunUntilIdle();
  EXPECT_EQ(diary_.entries.size(), 3u);  // It came, and is gone.
  second->Close();
  EXPECT_FALSE(Exists());
}

// UNIX-04
TEST_F(UnixServerTest, AFileThatIsGoneIsNoError) {
  const std::shared_ptr<Server> server = *Bind();
  fs::remove(path_);
  server->Close();
  EXPECT_THAT(test_.log(), IsEmpty());
}

// UNIX-05
TEST_F(UnixServerTest, TheFileStaysIfItIsToStay) {
  options_.cleanup_socket = false;
  const std::shared_ptr<Server> server = *Bind();
  server->Close();
  EXPECT_TRUE(IsSocket());
}

// UNIX-05
TEST_F(UnixServerTest, AbstractNamesDoNotTouchTheFileSystem) {
  const std::string name = absl::StrCat(absl::string_view("\0", 1),
                                        "evkit-unix-server-test-", getpid());
  options_.mode = 0600;
  FaultInjection faults;
  const std::shared_ptr<Server> server =
      *BindUnixServer(test_.loop(), name, diary_.NewFactory(), options_);
  EXPECT_FALSE(IsRefused(*SocketAddress::Unix(name)));
  const absl::Status taken =
      BindUnixServer(test_.loop(), name, diary_.NewFactory(), options_)
          .status();
  EXPECT_EQ(ErrnoFromStatus(taken), EADDRINUSE);
  server->Close();
  EXPECT_EQ(
      faults.Count("lstat") + faults.Count("unlink") + faults.Count("fchmod"),
      0);
}

// UNIX-06
TEST_F(UnixServerTest, WhatKeepsAStaleSocketFromBeingRemovedIsReported) {
  Foreign();
  for (const char* const call : {"lstat", "unlink"}) {
    FaultInjection faults;
    faults.Fail(call, EACCES, 1);
    EXPECT_EQ(ErrnoFromStatus(Bind().status()), EADDRINUSE);
    EXPECT_THAT(test_.log().back(),
                HasSubstr("Unable to check or remove stale UNIX socket"));
    EXPECT_THAT(test_.log().back(), HasSubstr(path_));
  }
  EXPECT_EQ(test_.log().size(), 2u);
}

// UNIX-06
TEST_F(UnixServerTest, WhatKeepsTheFileFromBeingRemovedInTheEndIsReported) {
  for (const char* const call : {"lstat", "unlink"}) {
    const std::shared_ptr<Server> server = *Bind();
    FaultInjection faults;
    faults.Fail(call, EACCES);
    server->Close();
    EXPECT_FALSE(server->IsServing());
    EXPECT_THAT(test_.log().back(),
                HasSubstr("Unable to clean up listening UNIX socket"));
    EXPECT_THAT(test_.log().back(), HasSubstr(path_));
  }
  EXPECT_EQ(test_.log().size(), 2u);
}

TEST_F(UnixServerTest, ClosingTheLoopRemovesTheFile) {
  const std::shared_ptr<Server> server = *Bind();
  ASSERT_TRUE(test_->Close().ok());
  EXPECT_FALSE(Exists());
}

TEST_F(UnixServerTest, WhatFailsLeavesNoFile) {
  {
    FaultInjection faults;
    faults.Fail("listen", EADDRINUSE, 1);
    EXPECT_FALSE(Bind().ok());
    EXPECT_FALSE(Exists());
  }
  options_.mode = 0600;
  {
    FaultInjection faults;
    faults.Fail("fchmod", EPERM, 1);
    EXPECT_EQ(ErrnoFromStatus(Bind().status()), EPERM);
    EXPECT_FALSE(Exists());
  }
  ASSERT_TRUE(test_->Close().ok());
  EXPECT_FALSE(Bind().ok());
  EXPECT_FALSE(Exists());
}

TEST_F(UnixServerTest, AForkedChildDoesNotRemoveItsParentsFile) {
  const std::shared_ptr<Server> server = *Bind();
  const pid_t child = fork();
  if (child == 0) {
    server->Close();
    _exit(server->IsServing() ? 1 : 0);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(CanConnect());
}

TEST_F(UnixServerTest, TheFileHasThePermissionsThatAreAskedFor) {
  const mode_t old_mask = umask(022);
  for (const mode_t mode : {0600, 0660, 0700}) {
    options_.mode = mode;
    const std::shared_ptr<Server> server = *Bind();
    struct stat info;
    ASSERT_EQ(stat(path_.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, mode & ~022u);
  }
  umask(old_mask);
}

TEST_F(UnixServerTest, PathsAreNotCut) {
  path_ = directory_ + "/" + std::string(120, 'x');
  EXPECT_EQ(Bind().status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(fs::is_empty(directory_));
}

}  // namespace
}  // namespace evkit

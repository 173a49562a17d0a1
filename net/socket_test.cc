// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/socket.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "evkit/base/errno_status.h"
#include "evkit/base/fault_injection.h"
#include "evkit/base/unique_fd.h"
#include "evkit/net/socket_address.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::HasSubstr;

bool IsNonBlocking(int fd) { return (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0; }
bool IsCloseOnExec(int fd) { return (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0; }
bool IsOpen(int fd) { return fcntl(fd, F_GETFD) >= 0; }

// Until the kernel has moved what is on its way over the loopback device.
void WaitFor(const Socket& socket, short events) {
  pollfd entry = {socket.fd(), events, 0};
  ASSERT_EQ(poll(&entry, 1, -1), 1);
}

Socket Listening(const SocketAddress& address) {
  Socket socket = *Socket::Create(address.family(), SOCK_STREAM);
  EXPECT_TRUE(socket.Bind(address).ok());
  EXPECT_TRUE(socket.Listen(8).ok());
  return socket;
}

// The next connection of `listening`, which is on its way.
std::pair<Socket, SocketAddress> AcceptOne(Socket& listening) {
  WaitFor(listening, POLLIN);
  return *std::move(*listening.Accept());
}

std::string ReadSome(Socket& socket) {
  char buffer[64];
  const IoResult result = socket.Recv(absl::MakeSpan(buffer));
  EXPECT_TRUE(result.ok()) << result.error();
  return std::string(buffer, result.bytes());
}

TEST(SocketTest, EverySocketIsNonBlockingAndClosedOnExec) {
  Socket created = *Socket::Create(AF_INET, SOCK_STREAM);
  auto [a, b] = *Socket::Pair(SOCK_STREAM | SOCK_CLOEXEC);
  Socket listening = Listening(SocketAddress::LoopbackIPv4(0));
  ASSERT_TRUE(created.Connect(*listening.LocalAddress()).ok());
  auto [accepted, from] = AcceptOne(listening);
  for (const Socket* socket : {&created, &a, &b, &listening, &accepted}) {
    EXPECT_TRUE(IsNonBlocking(socket->fd()));
    EXPECT_TRUE(IsCloseOnExec(socket->fd()));
    EXPECT_EQ(socket->type(), SOCK_STREAM);
  }
  EXPECT_EQ(from, *created.LocalAddress());
  EXPECT_EQ(accepted.family(), AF_INET);
  EXPECT_EQ(a.family(), AF_UNIX);
}

TEST(SocketTest, AStreamCarriesBytesBothWaysUntilItsEnd) {
  const std::string abstract_name =
      absl::StrCat(absl::string_view("\0", 1), "evkit-test-", getpid());
  for (const SocketAddress& address :
       {SocketAddress::LoopbackIPv4(0), *SocketAddress::Unix(abstract_name)}) {
    Socket listening = Listening(address);
    EXPECT_FALSE(listening.Accept()->has_value());
    Socket client = *Socket::Create(address.family(), SOCK_STREAM);
    const absl::StatusOr<bool> connected =
        client.Connect(*listening.LocalAddress());
    ASSERT_TRUE(connected.ok()) << connected.status();
    auto [server, from] = AcceptOne(listening);
    WaitFor(client, POLLOUT);
    EXPECT_TRUE(client.TakeError("connect").ok());
    EXPECT_EQ(*client.PeerAddress(), *listening.LocalAddress());
    EXPECT_EQ(*server.LocalAddress(), *listening.LocalAddress());

    char buffer[8];
    EXPECT_TRUE(server.Recv(absl::MakeSpan(buffer)).would_block());
    EXPECT_EQ(client.Send("hello").bytes(), 5u);
    WaitFor(server, POLLIN);
    EXPECT_EQ(ReadSome(server), "hello");
    std::string first = "a";
    std::string second = "bc";
    const iovec pieces[] = {{first.data(), 1}, {second.data(), 2}};
    EXPECT_EQ(server.SendVector(pieces).bytes(), 3u);
    WaitFor(client, POLLIN);
    EXPECT_EQ(ReadSome(client), "abc");
    EXPECT_TRUE(client.Shutdown(SHUT_WR).ok());
    WaitFor(server, POLLIN);
    EXPECT_EQ(ReadSome(server), "");
  }
}

TEST(SocketTest, DatagramsSayWhereTheyComeFrom) {
  Socket a = *Socket::Create(AF_INET, SOCK_DGRAM);
  Socket b = *Socket::Create(AF_INET, SOCK_DGRAM);
  ASSERT_TRUE(a.Bind(SocketAddress::LoopbackIPv4(0)).ok());
  ASSERT_TRUE(b.Bind(SocketAddress::LoopbackIPv4(0)).ok());
  char buffer[16];
  SocketAddress from = SocketAddress::LoopbackIPv6(9);
  EXPECT_TRUE(b.RecvFrom(absl::MakeSpan(buffer), &from).would_block());
  EXPECT_EQ(from, SocketAddress::LoopbackIPv6(9));
  EXPECT_EQ(a.SendTo("ping", *b.LocalAddress()).bytes(), 4u);
  WaitFor(b, POLLIN);
  EXPECT_EQ(b.RecvFrom(absl::MakeSpan(buffer), &from).bytes(), 4u);
  EXPECT_EQ(from, *a.LocalAddress());
  EXPECT_EQ(absl::string_view(buffer, 4), "ping");
}

TEST(SocketTest, WritingToAClosedPeerIsAnErrorAndNoSignal) {
  auto [a, b] = *Socket::Pair();
  b.Close();
  const IoResult result = a.Send("x");
  EXPECT_TRUE(result.failed());
  EXPECT_EQ(result.error(), EPIPE);
  EXPECT_EQ(result.bytes(), 0u);
  char byte = 'x';
  const iovec piece = {&byte, 1};
  EXPECT_EQ(a.SendVector(absl::MakeConstSpan(&piece, 1)).error(), EPIPE);
  EXPECT_EQ(ErrnoFromStatus(result.ToStatus("send")), EPIPE);
}

TEST(SocketTest, AFullBufferWouldBlock) {
  auto [a, b] = *Socket::Pair();
  const std::string block(1 << 16, 'x');
  IoResult result = a.Send(block);
  while (result.ok()) result = a.Send(block);
  EXPECT_TRUE(result.would_block());
  EXPECT_FALSE(result.failed());
}

TEST(SocketTest, AFailedConnectIsToldByThePendingError) {
  Socket unused = *Socket::Create(AF_INET, SOCK_STREAM);
  ASSERT_TRUE(unused.Bind(SocketAddress::LoopbackIPv4(0)).ok());
  Socket client = *Socket::Create(AF_INET, SOCK_STREAM);
  const absl::StatusOr<bool> connected = client.Connect(*unused.LocalAddress());
  absl::Status error = connected.status();
  if (connected.ok()) {
    EXPECT_FALSE(*connected);
    WaitFor(client, POLLOUT);
    error = client.TakeError("Connect call failed");
    EXPECT_THAT(error.message(), HasSubstr("Connect call failed: "));
  }
  EXPECT_EQ(ErrnoFromStatus(error), ECONNREFUSED);
  EXPECT_TRUE(client.TakeError("again").ok());
}

TEST(SocketTest, AnErrorNamesTheCallTheDescriptorAndTheAddress) {
  Socket a = Listening(SocketAddress::LoopbackIPv4(0));
  Socket b = *Socket::Create(AF_INET, SOCK_STREAM);
  const absl::Status status = b.Bind(*a.LocalAddress());
  EXPECT_EQ(ErrnoFromStatus(status), EADDRINUSE);
  EXPECT_THAT(status.message(),
              HasSubstr(absl::StrCat("bind(fd=", b.fd(), ", 127.0.0.1:",
                                     a.LocalAddress()->port(), "): ")));
  EXPECT_EQ(ErrnoFromStatus(b.PeerAddress().status()), ENOTCONN);
  EXPECT_EQ(ErrnoFromStatus(b.Shutdown(SHUT_RD)), ENOTCONN);
  EXPECT_FALSE(b.Bind(SocketAddress()).ok());
  EXPECT_EQ(ErrnoFromStatus(Socket::Create(AF_INET, 99).status()), EINVAL);
}

TEST(SocketTest, OptionsAreSetAndRead) {
  Socket socket = *Socket::Create(AF_INET, SOCK_STREAM, IPPROTO_TCP);
  EXPECT_EQ(socket.protocol(), IPPROTO_TCP);
  EXPECT_EQ(*socket.GetOption(IPPROTO_TCP, TCP_NODELAY), 0);
  EXPECT_TRUE(socket.SetOption(IPPROTO_TCP, TCP_NODELAY, 1).ok());
  EXPECT_NE(*SocketView(&socket).GetOption(IPPROTO_TCP, TCP_NODELAY), 0);
  EXPECT_EQ(ErrnoFromStatus(socket.SetOption(SOL_SOCKET, 9999, 1)),
            ENOPROTOOPT);
  EXPECT_EQ(ErrnoFromStatus(socket.GetOption(SOL_SOCKET, 9999).status()),
            ENOPROTOOPT);
}

TEST(SocketTest, AViewOfAClosedSocketFails) {
  Socket socket = *Socket::Create(AF_INET, SOCK_STREAM);
  const SocketView view(&socket);
  EXPECT_EQ(view.fd(), socket.fd());
  EXPECT_EQ(view.family(), AF_INET);
  socket.Close();
  EXPECT_EQ(view.fd(), -1);
  EXPECT_EQ(ErrnoFromStatus(view.LocalAddress().status()), EBADF);
  EXPECT_EQ(ErrnoFromStatus(view.SetOption(SOL_SOCKET, SO_KEEPALIVE, 1)),
            EBADF);
}

TEST(SocketTest, AnAdoptedSocketIsMadeNonBlockingAndCloseOnExec) {
  int fds[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds), 0);
  const UniqueFd other(fds[1]);
  absl::StatusOr<Socket> socket = Socket::Adopt(UniqueFd(fds[0]));
  ASSERT_TRUE(socket.ok()) << socket.status();
  EXPECT_TRUE(IsNonBlocking(socket->fd()));
  EXPECT_TRUE(IsCloseOnExec(socket->fd()));
  EXPECT_EQ(socket->family(), AF_UNIX);
  EXPECT_EQ(socket->type(), SOCK_DGRAM);
}

TEST(SocketTest, WhatIsNoSocketIsNotAdoptedAndClosed) {
  int fds[2];
  ASSERT_EQ(pipe(fds), 0);
  const UniqueFd other(fds[1]);
  const absl::Status status = Socket::Adopt(UniqueFd(fds[0])).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ErrnoFromStatus(status), ENOTSOCK);
  EXPECT_FALSE(IsOpen(fds[0]));
  EXPECT_EQ(ErrnoFromStatus(Socket::Adopt(UniqueFd()).status()), EBADF);
}

TEST(SocketTest, AReleasedDescriptorStaysOpen) {
  Socket socket = *Socket::Create(AF_INET, SOCK_STREAM);
  const int fd = socket.fd();
  const UniqueFd released = socket.Release();
  EXPECT_EQ(released.get(), fd);
  EXPECT_TRUE(IsOpen(fd));
  EXPECT_FALSE(socket);
  EXPECT_EQ(socket.fd(), -1);
}

TEST(SocketFaultsTest, EveryCallHandsItsErrnoOn) {
  FaultInjection faults;
  faults.Fail("socket", EMFILE);
  EXPECT_EQ(ErrnoFromStatus(Socket::Create(AF_INET, SOCK_STREAM).status()),
            EMFILE);
  faults.Fail("socketpair", ENFILE);
  EXPECT_EQ(ErrnoFromStatus(Socket::Pair().status()), ENFILE);
  faults.Clear();
  auto [a, b] = *Socket::Pair();
  faults.Fail("listen", EADDRINUSE);
  EXPECT_EQ(ErrnoFromStatus(a.Listen(1)), EADDRINUSE);
  faults.Fail("accept4", EMFILE);
  EXPECT_EQ(ErrnoFromStatus(a.Accept().status()), EMFILE);
  faults.Fail("getsockopt", ENOBUFS);
  EXPECT_EQ(ErrnoFromStatus(a.TakeError("x")), ENOBUFS);
  faults.Fail("getsockname", ENOBUFS);
  EXPECT_EQ(ErrnoFromStatus(a.LocalAddress().status()), ENOBUFS);
  faults.Fail("recv", ECONNRESET);
  char buffer[4];
  EXPECT_EQ(a.Recv(absl::MakeSpan(buffer)).error(), ECONNRESET);
  faults.Fail("send", ENOBUFS);
  EXPECT_EQ(a.Send("x").error(), ENOBUFS);
  faults.Fail("connect", EACCES);
  EXPECT_EQ(ErrnoFromStatus(a.Connect(SocketAddress()).status()), EACCES);
}

TEST(SocketFaultsTest,
     AnInterruptedCallWouldBlockAndAnInterruptedConnectGoesOn) {
  auto [a, b] = *Socket::Pair();
  FaultInjection faults;
  char buffer[4];
  for (const int error : {EAGAIN, EINTR}) {
    faults.Clear();
    faults.Fail("recv", error);
    faults.Fail("send", error);
    faults.Fail("accept4", error);
    EXPECT_TRUE(a.Recv(absl::MakeSpan(buffer)).would_block());
    EXPECT_TRUE(a.Send("x").would_block());
    EXPECT_FALSE(a.Accept()->has_value());
  }
  for (const int error : {EINPROGRESS, EINTR}) {
    faults.Clear();
    faults.Fail("connect", error);
    EXPECT_FALSE(*a.Connect(SocketAddress()));
  }
  // Nothing is in progress: the backlog of a Unix socket is full.
  faults.Clear();
  faults.Fail("connect", EAGAIN);
  EXPECT_EQ(ErrnoFromStatus(a.Connect(SocketAddress()).status()), EAGAIN);
}

TEST(SocketFaultsTest, AnAdoptionThatFailsHalfwayClosesTheDescriptor) {
  for (const char* call : {"getsockopt", "fcntl"}) {
    for (int nth = 1; nth <= 3; ++nth) {
      int fds[2];
      ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
      const UniqueFd other(fds[1]);
      FaultInjection faults;
      faults.Fail(call, EIO, nth);
      EXPECT_EQ(ErrnoFromStatus(Socket::Adopt(UniqueFd(fds[0])).status()), EIO)
          << call << nth;
      EXPECT_FALSE(IsOpen(fds[0]));
    }
  }
}

// A file of these contents, already unlinked.
UniqueFd FileOf(absl::string_view contents) {
  std::string path = ::testing::TempDir() + "/evkit_socket_test.XXXXXX";
  UniqueFd file(mkstemp(path.data()));
  unlink(path.c_str());
  EXPECT_EQ(write(file.get(), contents.data(), contents.size()),
            static_cast<ssize_t>(contents.size()));
  return file;
}

TEST(SocketTest, PartsOfAFileAreSentFromAnOffset) {
  auto [a, b] = *Socket::Pair();
  const UniqueFd file = FileOf("0123456789");
  off_t offset = 2;
  EXPECT_EQ(a.SendFile(file.get(), &offset, 5).bytes(), 5u);
  EXPECT_EQ(offset, 7);
  EXPECT_EQ(ReadSome(b), "23456");
  EXPECT_EQ(a.SendFile(file.get(), &offset, 100).bytes(), 3u);
  EXPECT_EQ(a.SendFile(file.get(), &offset, 100).bytes(), 0u);
  EXPECT_EQ(offset, 10);
  EXPECT_EQ(ReadSome(b), "789");
  EXPECT_EQ(lseek(file.get(), 0, SEEK_CUR), 10);
}

TEST(SocketTest, bug_H24_MoreThanAnIntOfAFileIsSentInParts) {
  auto [a, b] = *Socket::Pair();
  const UniqueFd file = FileOf("");
  constexpr off_t kSize = (off_t{5} << 30) + 3;
  ASSERT_EQ(ftruncate(file.get(), kSize), 0);
  off_t offset = kSize - 3;
  EXPECT_EQ(a.SendFile(file.get(), &offset, size_t{6} << 30).bytes(), 3u);
  EXPECT_EQ(offset, kSize);
  FaultInjection faults;
  faults.LimitSize("sendfile", 1);
  offset = off_t{4} << 30;
  EXPECT_EQ(a.SendFile(file.get(), &offset, size_t{6} << 30).bytes(), 1u);
  EXPECT_EQ(offset, (off_t{4} << 30) + 1);
}

TEST(SocketTest, bug_H13_SendingAFileToNobodyIsAnErrorNotASignal) {
  const auto disposition = signal(SIGPIPE, SIG_DFL);
  auto [a, b] = *Socket::Pair();
  const UniqueFd file = FileOf("0123456789");
  b.Close();
  off_t offset = 0;
  EXPECT_EQ(a.SendFile(file.get(), &offset, 10).error(), EPIPE);
  signal(SIGPIPE, disposition);
}

TEST(SocketTest, NoDelayIsSetOnceAndInherited) {
  Socket listener = *Socket::Create(AF_INET, SOCK_STREAM);
  ASSERT_TRUE(listener.Bind(SocketAddress::LoopbackIPv4(0)).ok());
  ASSERT_TRUE(listener.SetNoDelay().ok());
  ASSERT_TRUE(listener.Listen(2).ok());
  Socket client = *Socket::Create(AF_INET, SOCK_STREAM);
  ASSERT_TRUE(client.Connect(*listener.LocalAddress()).ok());
  Socket accepted = std::move((*listener.Accept())->first);
  {
    FaultInjection faults;
    EXPECT_TRUE(listener.SetNoDelay().ok());
    EXPECT_TRUE(accepted.SetNoDelay().ok());
    EXPECT_EQ(faults.Count("setsockopt"), 0);
  }
  EXPECT_EQ(*accepted.GetOption(IPPROTO_TCP, TCP_NODELAY), 1);

  ASSERT_TRUE(accepted.SetOption(IPPROTO_TCP, TCP_NODELAY, 0).ok());
  EXPECT_TRUE(accepted.SetNoDelay().ok());
  EXPECT_EQ(*accepted.GetOption(IPPROTO_TCP, TCP_NODELAY), 1);
}

}  // namespace
}  // namespace evkit

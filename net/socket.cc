// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "evkit/base/errno_status.h"
#include "evkit/base/syscalls.h"
#include "evkit/base/unique_fd.h"
#include "evkit/base/without_sigpipe.h"
#include "evkit/net/socket_address.h"

namespace evkit {
namespace {

std::string CallText(absl::string_view call, int fd,
                     const SocketAddress& address) {
  return absl::StrCat(call, "(fd=", fd, ", ", address.ToString(), ")");
}

absl::StatusOr<int> IntOption(int fd, int level, int name) {
  int value = 0;
  socklen_t length = sizeof(value);
  if (sys::getsockopt(fd, level, name, &value, &length) != 0) {
    return StatusFromErrno(errno, absl::StrCat("getsockopt(fd=", fd, ", level=",
                                               level, ", name=", name, ")"));
  }
  return value;
}

absl::StatusOr<SocketAddress> AddressFrom(int (*call)(int, sockaddr*,
                                                      socklen_t*),
                                          int fd, absl::string_view what) {
  sockaddr_storage storage;
  socklen_t length = sizeof(storage);
  if (call(fd, reinterpret_cast<sockaddr*>(&storage), &length) != 0) {
    return StatusFromErrno(errno, absl::StrCat(what, "(fd=", fd, ")"));
  }
  return SocketAddress::FromSockaddr(reinterpret_cast<sockaddr*>(&storage),
                                     length);
}

}  // namespace

absl::Status IoResult::ToStatus(absl::string_view what) const {
  return ok() ? absl::OkStatus() : StatusFromErrno(error_, what);
}

uint32_t Socket::NewId() {
  static std::atomic<uint32_t> last{0};
  uint32_t id;
  do {
    id = last.fetch_add(1, std::memory_order_relaxed) + 1;
  } while (id == 0);
  return id;
}

absl::StatusOr<Socket> Socket::Create(int family, int type, int protocol) {
  UniqueFd fd(
      sys::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol));
  if (!fd) {
    return StatusFromErrno(
        errno, absl::StrCat("socket(family=", family, ", type=", type,
                            ", protocol=", protocol, ")"));
  }
  return Socket(std::move(fd), family, type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC),
                protocol);
}

absl::StatusOr<Socket> Socket::Adopt(UniqueFd fd) {
  absl::StatusOr<int> family = IntOption(fd.get(), SOL_SOCKET, SO_DOMAIN);
  if (!family.ok()) return std::move(family).status();
  absl::StatusOr<int> type = IntOption(fd.get(), SOL_SOCKET, SO_TYPE);
  if (!type.ok()) return std::move(type).status();
  absl::StatusOr<int> protocol = IntOption(fd.get(), SOL_SOCKET, SO_PROTOCOL);
  if (!protocol.ok()) return std::move(protocol).status();
  const int flags = sys::fcntl(fd.get(), F_GETFL, 0);
  if (flags < 0 || sys::fcntl(fd.get(), F_SETFL, flags | O_NONBLOCK) < 0 ||
      sys::fcntl(fd.get(), F_SETFD, FD_CLOEXEC) < 0) {
    return StatusFromErrno(errno, absl::StrCat("fcntl(fd=", fd.get(), ")"));
  }
  Socket socket(std::move(fd), *family, *type, *protocol);
  socket.is_sole_ = false;
  return socket;
}

absl::StatusOr<std::pair<Socket, Socket>> Socket::Pair(int type) {
  int fds[2];
  if (sys::socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) !=
      0) {
    return StatusFromErrno(errno, absl::StrCat("socketpair(type=", type, ")"));
  }
  type &= ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
  return std::pair(Socket(UniqueFd(fds[0]), AF_UNIX, type, 0),
                   Socket(UniqueFd(fds[1]), AF_UNIX, type, 0));
}

absl::Status Socket::Bind(const SocketAddress& address) {
  if (sys::bind(fd(), address.data(), address.size()) == 0) {
    return absl::OkStatus();
  }
  return StatusFromErrno(errno, CallText("bind", fd(), address));
}

absl::Status Socket::Listen(int backlog) {
  if (sys::listen(fd(), backlog) == 0) return absl::OkStatus();
  return StatusFromErrno(errno, absl::StrCat("listen(fd=", fd(), ")"));
}

absl::StatusOr<bool> Socket::Connect(const SocketAddress& address) {
  if (sys::connect(fd(), address.data(), address.size()) == 0) return true;
  // An interrupted connect goes on by itself, connect(2). EAGAIN of a Unix
  // socket is an error: nothing is in progress.
  if (errno == EINPROGRESS || errno == EINTR) return false;
  return StatusFromErrno(errno, CallText("connect", fd(), address));
}

absl::Status Socket::TakeError(absl::string_view what) {
  absl::StatusOr<int> error = IntOption(fd(), SOL_SOCKET, SO_ERROR);
  if (!error.ok()) return std::move(error).status();
  return *error == 0 ? absl::OkStatus() : StatusFromErrno(*error, what);
}

absl::StatusOr<std::optional<std::pair<Socket, SocketAddress>>>
Socket::Accept() {
  sockaddr_storage storage;
  socklen_t length = sizeof(storage);
  sockaddr* const from = reinterpret_cast<sockaddr*>(&storage);
  UniqueFd accepted(
      sys::accept4(fd(), from, &length, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!accepted) {
    if (errno == EAGAIN || errno == EINTR) return std::nullopt;
    return StatusFromErrno(errno, absl::StrCat("accept4(fd=", fd(), ")"));
  }
  absl::StatusOr<SocketAddress> address =
      SocketAddress::FromSockaddr(from, length);
  if (!address.ok()) return std::move(address).status();
  Socket connection(std::move(accepted), family_, type_, protocol_);
  connection.has_no_delay_ = has_no_delay_ && protocol_ != IPPROTO_MPTCP;
  return std::pair(std::move(connection), *std::move(address));
}

IoResult Socket::Recv(absl::Span<char> buffer, int flags) {
  return IoResult::FromSyscall(
      sys::recv(fd(), buffer.data(), buffer.size(), flags));
}

IoResult Socket::RecvFrom(absl::Span<char> buffer, SocketAddress* from,
                          int flags) {
  sockaddr_storage storage;
  socklen_t length = sizeof(storage);
  sockaddr* const address = reinterpret_cast<sockaddr*>(&storage);
  const IoResult result = IoResult::FromSyscall(sys::recvfrom(
      fd(), buffer.data(), buffer.size(), flags, address, &length));
  if (result.ok()) {
    absl::StatusOr<SocketAddress> parsed =
        SocketAddress::FromSockaddr(address, length);
    *from = parsed.ok() ? *std::move(parsed) : SocketAddress();
  }
  return result;
}

IoResult Socket::Send(absl::string_view data, int flags) {
  return IoResult::FromSyscall(
      sys::send(fd(), data.data(), data.size(), flags | MSG_NOSIGNAL));
}

IoResult Socket::SendVector(absl::Span<const iovec> pieces, int flags) {
  msghdr message = {};
  message.msg_iov = const_cast<iovec*>(pieces.data());
  message.msg_iovlen = pieces.size();
  return IoResult::FromSyscall(
      sys::sendmsg(fd(), &message, flags | MSG_NOSIGNAL));
}

IoResult Socket::SendTo(absl::string_view data, const SocketAddress& to,
                        int flags) {
  return IoResult::FromSyscall(sys::sendto(fd(), data.data(), data.size(),
                                           flags | MSG_NOSIGNAL, to.data(),
                                           to.size()));
}

IoResult Socket::SendFile(int file, off_t* offset, size_t count) {
  constexpr size_t kMost = 0x7ffff000;  // Of any call, see sendfile(2).
  return IoResult::FromSyscall(WithoutSigpipe([&]() -> ssize_t {
    return sys::sendfile(fd(), file, offset, std::min(count, kMost));
  }));
}

absl::Status Socket::Shutdown(int how) {
  if (sys::shutdown(fd(), how) == 0) return absl::OkStatus();
  return StatusFromErrno(errno,
                         absl::StrCat("shutdown(fd=", fd(), ", ", how, ")"));
}

absl::StatusOr<SocketAddress> Socket::LocalAddress() const {
  return AddressFrom(
      [](int fd, sockaddr* address, socklen_t* length) {
        return sys::getsockname(fd, address, length);
      },
      fd(), "getsockname");
}

absl::StatusOr<SocketAddress> Socket::PeerAddress() const {
  return AddressFrom(
      [](int fd, sockaddr* address, socklen_t* length) {
        return sys::getpeername(fd, address, length);
      },
      fd(), "getpeername");
}

absl::Status Socket::SetOption(int level, int name, int value) {
  if (sys::setsockopt(fd(), level, name, &value, sizeof(value)) == 0) {
    if (level == IPPROTO_TCP && name == TCP_NODELAY) has_no_delay_ = value != 0;
    return absl::OkStatus();
  }
  return StatusFromErrno(errno,
                         absl::StrCat("setsockopt(fd=", fd(), ", level=", level,
                                      ", name=", name, ", ", value, ")"));
}

absl::StatusOr<int> Socket::GetOption(int level, int name) const {
  return IntOption(fd(), level, name);
}

absl::Status Socket::SetNoDelay() {
  if (has_no_delay_) return absl::OkStatus();
  return SetOption(IPPROTO_TCP, TCP_NODELAY, 1);
}

}  // namespace evkit

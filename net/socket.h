// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// A socket that closes itself: non-blocking, close-on-exec, every call with a
// result that says whether it would have blocked. Knows of no loop.
//
//   absl::StatusOr<Socket> socket = Socket::Create(AF_INET, SOCK_STREAM);
//   absl::Status bound = socket->Bind(SocketAddress::LoopbackIPv4(0));

#ifndef EVKIT_NET_SOCKET_H_
#define EVKIT_NET_SOCKET_H_

#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "evkit/base/unique_fd.h"
#include "evkit/net/socket_address.h"

namespace evkit {

// How an attempt to move bytes ended: so many moved, or it would have blocked,
// or an errno. Cheaper to make and to look at than a status.
class [[nodiscard]] IoResult {
 public:
  // From what a system call returned; reads errno if that is negative.
  // EAGAIN and EINTR count as "would block": the readiness comes again.
  static IoResult FromSyscall(ssize_t returned) {
    return returned >= 0 ? Moved(static_cast<size_t>(returned)) : Failed(errno);
  }
  static IoResult Moved(size_t bytes) { return IoResult(bytes, 0); }
  static IoResult WouldBlock() { return Failed(EAGAIN); }
  static IoResult Failed(int error) { return IoResult(0, error); }

  bool ok() const { return error_ == 0; }
  bool would_block() const { return error_ == EAGAIN || error_ == EINTR; }
  // Neither of the two.
  bool failed() const { return !ok() && !would_block(); }

  // Requires ok(). Reading 0 bytes from a stream is its end.
  size_t bytes() const { return bytes_; }
  // The errno; 0 if ok().
  int error() const { return error_; }
  // StatusFromErrno(error(), what); OK if ok().
  absl::Status ToStatus(absl::string_view what) const;

 private:
  IoResult(size_t bytes, int error) : bytes_(bytes), error_(error) {}

  size_t bytes_;
  int error_;
};

// Movable. A default-constructed or moved-from one is empty, and only asked for
// `fd()`, `bool` and `Close()`. Belongs to one thread at a time. Errors name
// the call and the descriptor: "bind(fd=7, 127.0.0.1:80): Permission denied".
class Socket {
 public:
  Socket() = default;

  // socket(2), with SOCK_NONBLOCK and SOCK_CLOEXEC. Fails with its errnos.
  static absl::StatusOr<Socket> Create(int family, int type, int protocol = 0);

  // Takes over an open socket and makes it non-blocking and close-on-exec. On
  // an error `fd` is closed.
  //   kInvalidArgument: ENOTSOCK, it is not a socket.
  static absl::StatusOr<Socket> Adopt(UniqueFd fd);

  // Two connected sockets of the Unix domain; socketpair(2).
  static absl::StatusOr<std::pair<Socket, Socket>> Pair(int type = SOCK_STREAM);

  int fd() const { return fd_.get(); }
  // Not 0, and another number for each socket of the process (32 bits of them),
  // whatever descriptor it has; goes with it when it is moved. 0 if empty from
  // the beginning.
  uint32_t id() const { return id_; }
  explicit operator bool() const { return static_cast<bool>(fd_); }
  int family() const { return family_; }
  // SOCK_STREAM, SOCK_DGRAM, ... without flags.
  int type() const { return type_; }
  int protocol() const { return protocol_; }
  // Whether this is, as far as is known, the only descriptor: it was made here,
  // and not adopted.
  bool is_sole() const { return is_sole_; }

  void Close() { fd_.Reset(); }
  // Gives the descriptor up, open.
  [[nodiscard]] UniqueFd Release() { return std::move(fd_); }

  absl::Status Bind(const SocketAddress& address);
  absl::Status Listen(int backlog);

  // Begins to connect. True: connected already. False: in progress, the socket
  // becomes writable when it is decided, and `TakeError()` says how.
  absl::StatusOr<bool> Connect(const SocketAddress& address);

  // SO_ERROR: the pending error, which this clears; OK if there is none. `what`
  // begins the text.
  absl::Status TakeError(absl::string_view what);

  // A connection that waits to be accepted, and where it comes from; nothing if
  // there is none (or it vanished: EINTR). Other errnos of accept4(2),
  // ECONNABORTED and EMFILE among them, are errors. A TCP connection has
  // TCP_NODELAY if this has it (tcp(7)).
  absl::StatusOr<std::optional<std::pair<Socket, SocketAddress>>> Accept();

  IoResult Recv(absl::Span<char> buffer, int flags = 0);
  // Writes where it came from into `*from`.
  IoResult RecvFrom(absl::Span<char> buffer, SocketAddress* from,
                    int flags = 0);
  // Never raises SIGPIPE.
  IoResult Send(absl::string_view data, int flags = 0);
  // The pieces in order, as one; at most IOV_MAX.
  IoResult SendVector(absl::Span<const iovec> pieces, int flags = 0);
  IoResult SendTo(absl::string_view data, const SocketAddress& to,
                  int flags = 0);

  // Sends from `file`, whose own position stays, at most `count` bytes from
  // `*offset` on, and moves `*offset` behind what was sent; sendfile(2). More
  // than 2 GiB take several calls. 0 bytes: there the file ends. Never raises
  // SIGPIPE.
  IoResult SendFile(int file, off_t* offset, size_t count);

  // As Send(), and duplicates of `fds`, at most 253, go with the first byte;
  // SCM_RIGHTS of unix(7). On a stream, empty data or none sent means that they
  // do not go. Fails with EINVAL if they are more.
  IoResult SendWithFds(absl::string_view data, absl::Span<const int> fds,
                       int flags = 0);
  // As Recv(), and `*fds` becomes what came with the bytes, close-on-exec; at
  // most the descriptors of one SendWithFds(). After an error `*fds` is empty.
  // These errors also lose the bytes, and close what descriptors came:
  //   EMSGSIZE: more than `max_fds` came.
  //   EMFILE: some did not fit into this process.
  IoResult RecvWithFds(absl::Span<char> buffer, std::vector<UniqueFd>* fds,
                       size_t max_fds, int flags = 0);

  // For those who wait: whether there was nothing more to receive from a stream
  // when they received last. They say so themselves.
  bool drained() const { return drained_; }
  void set_drained(bool drained) { drained_ = drained; }

  // SHUT_RD, SHUT_WR, SHUT_RDWR.
  absl::Status Shutdown(int how);

  // Empty where the socket has none.
  absl::StatusOr<SocketAddress> LocalAddress() const;
  //   kFailedPrecondition: ENOTCONN, not connected.
  absl::StatusOr<SocketAddress> PeerAddress() const;

  // Options whose value is an int: SetOption(IPPROTO_TCP, TCP_NODELAY, 1).
  absl::Status SetOption(int level, int name, int value);
  absl::StatusOr<int> GetOption(int level, int name) const;

  // TCP_NODELAY of a TCP socket, without a system call if SetOption(), of this
  // one or of the one that accepted it, has set it before.
  absl::Status SetNoDelay();

 private:
  Socket(UniqueFd fd, int family, int type, int protocol)
      : fd_(std::move(fd)),
        protocol_(static_cast<uint16_t>(protocol)),
        family_(static_cast<uint8_t>(family)),
        type_(static_cast<uint8_t>(type & 0xf)),
        id_(NewId()) {}

  static uint32_t NewId();

  // Few bytes: there is one in each connection.
  UniqueFd fd_;
  uint16_t protocol_ = 0;
  uint8_t family_ = AF_UNSPEC;
  uint8_t type_ : 4 = 0;
  bool has_no_delay_ : 1 = false;
  bool drained_ : 1 = false;
  bool is_sole_ : 1 = true;
  uint32_t id_ = 0;
};

// Somebody else's socket, to look at and to set options of: what may be done to
// the socket of a transport (TR-24). Valid as long as its owner says. After the
// owner closed it, `fd()` is -1 and the others fail with EBADF.
class SocketView {
 public:
  // Views `*socket`, which must outlive this.
  explicit SocketView(Socket* socket) : socket_(socket) {}

  int fd() const { return socket_->fd(); }
  int family() const { return socket_->family(); }
  int type() const { return socket_->type(); }
  int protocol() const { return socket_->protocol(); }
  absl::StatusOr<SocketAddress> LocalAddress() const {
    return socket_->LocalAddress();
  }
  absl::StatusOr<SocketAddress> PeerAddress() const {
    return socket_->PeerAddress();
  }
  absl::Status SetOption(int level, int name, int value) const {
    return socket_->SetOption(level, name, value);
  }
  absl::StatusOr<int> GetOption(int level, int name) const {
    return socket_->GetOption(level, name);
  }

 private:
  Socket* socket_;
};

}  // namespace evkit

#endif  // EVKIT_NET_SOCKET_H_

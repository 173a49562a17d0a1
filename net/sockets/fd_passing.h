// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Handing descriptors to another process through a socket of the Unix domain,
// awaited. See sock_recv.h for what all awaits of sockets have in common.
//
//   const int fds[] = {listening.fd()};
//   co_await OrReturn(SendFds(socket, "take over", fds));
//   ...
//   ReceivedFds received = co_await OrReturn(RecvFds(socket, 4096, 1));

#ifndef EVKIT_NET_SOCKETS_FD_PASSING_H_
#define EVKIT_NET_SOCKETS_FD_PASSING_H_

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "evkit/base/unique_fd.h"
#include "evkit/net/socket.h"
#include "evkit/net/sockets/internal/socket_wait.h"

namespace evkit {

// Bytes, and the descriptors that came with them.
class ReceivedFds {
 public:
  ReceivedFds() = default;
  ReceivedFds(std::string data_in, std::vector<UniqueFd> fds_in)
      : data(std::move(data_in)), fds(std::move(fds_in)) {}
  ReceivedFds(ReceivedFds&&) = default;
  ReceivedFds& operator=(ReceivedFds&&) = default;

  std::string data;
  std::vector<UniqueFd> fds;
};

namespace net_internal {

class SendFdsAwait final : public SocketWait {
 public:
  SendFdsAwait(Socket& socket, absl::string_view data,
               absl::Span<const int> fds)
      : SocketWait("SendFds", socket, Direction::kWrite),
        rest_(data),
        fds_(fds) {}
  absl::Status await_resume() { return Finish(); }

 private:
  bool Attempt() override;

  absl::string_view rest_;
  absl::Span<const int> fds_;  // Empty once they are on their way.
};

class RecvFdsAwait final : public SocketWait {
 public:
  RecvFdsAwait(Socket& socket, size_t size, size_t max_fds)
      : SocketWait("RecvFds", socket, Direction::kRead),
        size_(size),
        max_fds_(max_fds) {}
  absl::StatusOr<ReceivedFds> await_resume();

 private:
  bool Attempt() override;

  const size_t size_;
  const size_t max_fds_;
  std::string data_;
  std::vector<UniqueFd> fds_;
};

}  // namespace net_internal

// Sends all of `data`, and duplicates of `fds`, at most 253, with its first
// byte. Both stay valid meanwhile; afterwards `fds` may be closed, even if
// nobody has received them yet. After an error, and when it is cancelled, it is
// unknown what was sent.
//   kInvalidArgument: `data` is empty, for descriptors need a byte to go with;
//     or there are too many of them; or the socket is not of the Unix domain.
//   kFailedPrecondition: EBADF, one of them is not open.
[[nodiscard]] inline net_internal::SendFdsAwait SendFds(
    Socket& socket, absl::string_view data, absl::Span<const int> fds) {
  return net_internal::SendFdsAwait(socket, data, fds);
}

// Some bytes, at most `size` and at most 1 MiB, and the descriptors that came
// with them, close-on-exec; those of two SendFds() never come together. No
// bytes: the end of the stream. After these errors the bytes are lost, and the
// descriptors closed:
//   kResourceExhausted: more than `max_fds` came; or, EMFILE, more than this
//     process may have.
[[nodiscard]] inline net_internal::RecvFdsAwait RecvFds(Socket& socket,
                                                        size_t size,
                                                        size_t max_fds) {
  return net_internal::RecvFdsAwait(socket, size, max_fds);
}

}  // namespace evkit

#endif  // EVKIT_NET_SOCKETS_FD_PASSING_H_

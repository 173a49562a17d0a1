// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Descriptors that go through a socket.

#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "evkit/base/syscalls.h"
#include "evkit/base/unique_fd.h"
#include "evkit/net/socket.h"

namespace evkit {
namespace {

constexpr size_t kMaxFds = 253;  // The kernel's SCM_MAX_FD.

// Takes over what descriptors came with `message`.
std::vector<UniqueFd> TakeFds(msghdr& message) {
  std::vector<UniqueFd> fds;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) {
      continue;
    }
    const size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    fds.reserve(fds.size() + count);
    for (size_t i = 0; i < count; ++i) {
      int fd;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
      fds.emplace_back(fd);
    }
  }
  return fds;
}

}  // namespace

IoResult Socket::SendWithFds(absl::string_view data, absl::Span<const int> fds,
                             int flags) {
  if (fds.size() > kMaxFds) return IoResult::Failed(EINVAL);
  iovec piece = {const_cast<char*>(data.data()), data.size()};
  msghdr message = {};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(kMaxFds * sizeof(int))];
  if (!fds.empty()) {
    const size_t size = fds.size() * sizeof(int);
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(size);
    std::memset(control, 0, message.msg_controllen);
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(size);
    std::memcpy(CMSG_DATA(header), fds.data(), size);
  }
  return IoResult::FromSyscall(
      sys::sendmsg(fd(), &message, flags | MSG_NOSIGNAL));
}

IoResult Socket::RecvWithFds(absl::Span<char> buffer,
                             std::vector<UniqueFd>* fds, size_t max_fds,
                             int flags) {
  fds->clear();
  iovec piece = {buffer.data(), buffer.size()};
  msghdr message = {};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  // Whatever the limit, there is room for all that can come, credentials too:
  // what does not fit the kernel cuts off, and the padding of a smaller buffer
  // would let some through.
  alignas(cmsghdr) char control[CMSG_SPACE(kMaxFds * sizeof(int)) + 1024];
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  const IoResult result = IoResult::FromSyscall(
      sys::recvmsg(fd(), &message, flags | MSG_CMSG_CLOEXEC));
  if (!result.ok()) return result;
  std::vector<UniqueFd> received = TakeFds(message);
  if ((message.msg_flags & MSG_CTRUNC) != 0) return IoResult::Failed(EMFILE);
  if (received.size() > max_fds) return IoResult::Failed(EMSGSIZE);
  *fds = std::move(received);
  return result;
}

}  // namespace evkit

// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The address of a socket: IPv4, IPv6, or a path of the Unix domain. A value of
// 28 bytes, those of a sockaddr_in6; only addresses of the Unix domain
// allocate.
//
//   auto address = SocketAddress::Parse("[fe80::1%eth0]:8080");
//   bind(fd, address->data(), address->size());

#ifndef EVKIT_NET_SOCKET_ADDRESS_H_
#define EVKIT_NET_SOCKET_ADDRESS_H_

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace evkit {

// Copyable, comparable, hashable. Thread-compatible.
class SocketAddress {
 public:
  // No address: `family()` is AF_UNSPEC, `size()` is 0.
  SocketAddress() : in6_() {}

  SocketAddress(const SocketAddress& other);
  SocketAddress(SocketAddress&& other) noexcept : in6_(other.in6_) {
    other.in6_.sin6_family = AF_UNSPEC;
  }
  SocketAddress& operator=(const SocketAddress& other);
  SocketAddress& operator=(SocketAddress&& other) noexcept {
    if (this == &other) return *this;
    Destroy();
    in6_ = other.in6_;
    other.in6_.sin6_family = AF_UNSPEC;
    return *this;
  }
  ~SocketAddress() { Destroy(); }

  // The address in `address`, `length` bytes of it, as the kernel gives it. A
  // length of 0, or AF_UNSPEC, is no address; an unnamed Unix socket has an
  // empty path.
  //   kInvalidArgument: shorter than its family demands, or longer.
  //   kUnimplemented: of another family.
  static absl::StatusOr<SocketAddress> FromSockaddr(const sockaddr* address,
                                                    socklen_t length);

  // From a number, not a name: "127.0.0.1", "::1", "fe80::1%eth0" or
  // "fe80::1%2" (RFC 4007; the interface is looked up). IPv4 needs all four
  // decimal parts, without leading zeros: no octal, no "127.1".
  //   kInvalidArgument: `host` is not one, or `port` is not in 0..65535.
  //   kNotFound: there is no such interface.
  static absl::StatusOr<SocketAddress> FromIp(absl::string_view host, int port);

  static SocketAddress IPv4(in_addr host, uint16_t port);
  static SocketAddress IPv6(const in6_addr& host, uint16_t port,
                            uint32_t scope_id = 0, uint32_t flow_info = 0);
  static SocketAddress LoopbackIPv4(uint16_t port);
  static SocketAddress LoopbackIPv6(uint16_t port);
  static SocketAddress AnyIPv4(uint16_t port);
  static SocketAddress AnyIPv6(uint16_t port);

  // A path of the file system, or, if it begins with a NUL byte, a name of the
  // abstract namespace, every byte of which counts (unix(7)).
  //   kInvalidArgument: empty; longer than 107 bytes (108 for an abstract one,
  //     the NUL included), never cut; or a path with a NUL inside.
  static absl::StatusOr<SocketAddress> Unix(absl::string_view path);

  // What `ToString()` prints: "127.0.0.1:80", "[::1]:80", "[fe80::1%eth0]:80",
  // "unix:/run/a.sock", "unix:@name" for an abstract one, in whose name a byte
  // that is not printable, or a backslash, is written \xHH.
  //   kInvalidArgument: none of these. kNotFound: there is no such interface.
  static absl::StatusOr<SocketAddress> Parse(absl::string_view text);

  // AF_INET, AF_INET6, AF_UNIX, or AF_UNSPEC.
  int family() const { return in6_.sin6_family; }

  // 0 for addresses of the Unix domain.
  uint16_t port() const;
  // The same address with this port. Requires an internet address (checked).
  SocketAddress WithPort(uint16_t port) const;

  // The number without the port, "fe80::1%eth0" (or "%7" where the interface
  // has no name any more); empty for addresses of the Unix domain.
  std::string host() const;

  // 0 for all but IPv6.
  uint32_t scope_id() const;

  // As given to `Unix()`; empty for an unnamed socket, and for internet
  // addresses.
  absl::string_view path() const;
  bool is_abstract() const;

  // For system calls. Valid until the address is changed or destroyed.
  const sockaddr* data() const;
  socklen_t size() const;

  // As `Parse()` reads it; "no address" and an unnamed socket's "unix:" are not
  // addresses to read. A path that begins with '@' is printed "unix:./@...".
  std::string ToString() const;

  friend bool operator==(const SocketAddress& a, const SocketAddress& b);
  template <typename H>
  friend H AbslHashValue(H hash, const SocketAddress& address) {
    const absl::string_view bytes = address.Significant();
    return H::combine(
        H::combine_contiguous(std::move(hash), bytes.data(), bytes.size()),
        bytes.size());
  }

 private:
  // What an address of the Unix domain consists of, elsewhere.
  class UnixPart {
   public:
    UnixPart() = default;

    sockaddr_un address = {};
    socklen_t length = 0;
  };
  // Where it is: a pointer that is aligned as the addresses are.
  class UnixReference {
   public:
    sa_family_t family;  // As all of them begin.
    std::byte pointer[sizeof(UnixPart*)];
  };

  // Becomes an address of the Unix domain, if it is none at all.
  UnixPart& MakeUnix();
  UnixPart& unix_part() const {
    UnixPart* part;
    std::memcpy(&part, unix_.pointer, sizeof(part));
    return *part;
  }
  // The bytes that tell it from others: padding is always zero.
  absl::string_view Significant() const;
  void Destroy() {
    if (family() == AF_UNIX) delete &unix_part();
  }

  // The family says which.
  union {
    sockaddr_in in4_;
    sockaddr_in6 in6_;
    UnixReference unix_;
  };
};

static_assert(sizeof(SocketAddress) == sizeof(sockaddr_in6));

}  // namespace evkit

#endif  // EVKIT_NET_SOCKET_ADDRESS_H_

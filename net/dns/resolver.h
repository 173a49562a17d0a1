// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// From names to addresses and back, at callback level: the interface of
// whatever knows names. `ThreadResolver` asks the system, `FakeResolver` a
// test. Coroutines use net/dns/get_addr_info.h.
//
//   Resolution resolution = resolver.Resolve(
//       "example.com", "https", AddressHints(),
//       [](absl::StatusOr<std::vector<AddressInfo>> addresses) { ... });

#ifndef EVKIT_NET_DNS_RESOLVER_H_
#define EVKIT_NET_DNS_RESOLVER_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "evkit/net/socket_address.h"

namespace evkit {

// A port: a number, or the name of a service, "https".
class Service {
 public:
  // None: port 0.
  Service() = default;
  // NOLINTBEGIN(google-explicit-constructor): a number is a service.
  Service(int port) : text_(std::to_string(port)) {}
  Service(const char* name) : text_(name) {}
  Service(absl::string_view name) : text_(name) {}
  Service(std::string name) : text_(std::move(name)) {}
  // NOLINTEND(google-explicit-constructor)

  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// What getaddrinfo(3) is to look for; 0 leaves it open. Fill in a named object.
class AddressHints {
 public:
  AddressHints() = default;

  int family = 0;    // AF_INET, AF_INET6.
  int type = 0;      // SOCK_STREAM, SOCK_DGRAM.
  int protocol = 0;  // IPPROTO_TCP, IPPROTO_UDP.
  int flags = 0;     // AI_PASSIVE, AI_CANONNAME, ...
};

// One thing that a name stands for.
class AddressInfo {
 public:
  AddressInfo() = default;

  int family = 0;
  int type = 0;
  int protocol = 0;
  // Only in the first of the list, and only with AI_CANONNAME.
  std::string canonical_name;
  SocketAddress address;
};

// What an address is called.
class NameInfo {
 public:
  NameInfo() = default;

  std::string host;
  std::string service;
};

// One question under way: destroying it takes the question back. May outlive
// the resolver and the loop. A default-constructed or moved-from one refers to
// nothing.
class [[nodiscard]] Resolution {
 public:
  Resolution() = default;
  // For resolvers: `cancel` is called by Cancel(); after the end it must do
  // nothing.
  explicit Resolution(absl::AnyInvocable<void() &&> cancel)
      : cancel_(std::move(cancel)) {}
  Resolution(Resolution&& other) noexcept
      : cancel_(std::exchange(other.cancel_, nullptr)) {}
  Resolution& operator=(Resolution&& other) noexcept {
    Resolution(std::move(other)).Swap(*this);
    return *this;
  }
  ~Resolution() { Cancel(); }

  // The question's `done` will not be called any more, and is destroyed at
  // once. A thread that is looking for the answer goes on until it has it
  // (DNS-06). Idempotent; nothing after the end.
  void Cancel() {
    if (cancel_ != nullptr) std::exchange(cancel_, nullptr)();
  }

 private:
  void Swap(Resolution& other) { std::swap(cancel_, other.cancel_); }

  absl::AnyInvocable<void() &&> cancel_;
};

// Belongs to one loop and its thread. `done` is called once, in a callback of
// the loop, never inside the call that takes it, in a copy of the context that
// was current there; it may destroy the resolver. Destroying the resolver
// destroys what has not been called. On a closed loop `done` is destroyed, and
// the loop's exception handler told, as by `CallSoon()`.
class Resolver {
 public:
  using AddressesDone =
      absl::AnyInvocable<void(absl::StatusOr<std::vector<AddressInfo>>) &&>;
  using NameDone = absl::AnyInvocable<void(absl::StatusOr<NameInfo>) &&>;

  Resolver() = default;
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;
  virtual ~Resolver() = default;

  // getaddrinfo(3): the addresses of `host`, with the port of `service`, in the
  // order in which they should be tried; IPv4 and IPv6 only, and thus possibly
  // none (DNS-01). An empty `host` is this machine: the addresses to bind to
  // with AI_PASSIVE, the loopback ones without.
  //   kInvalidArgument: `host` or `service` has a NUL byte inside or more
  //     than 1024 bytes; or `service` is a number not in 0..65535.
  //   Errors of getaddrinfo(3), as StatusFromGaiError().
  virtual Resolution Resolve(std::string host, Service service,
                             AddressHints hints, AddressesDone done) = 0;

  // getnameinfo(3): the names of `address`, with NI_NUMERICHOST and the like as
  // `flags` (DNS-03). Errors as StatusFromGaiError().
  virtual Resolution ResolveName(const SocketAddress& address, int flags,
                                 NameDone done) = 0;
};

}  // namespace evkit

#endif  // EVKIT_NET_DNS_RESOLVER_H_

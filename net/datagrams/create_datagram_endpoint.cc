// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/datagrams/create_datagram_endpoint.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "evkit/base/check.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/future.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/error_context.h"
#include "evkit/net/connections/internal/socket_file.h"
#include "evkit/net/datagrams/datagram_transport.h"
#include "evkit/net/dns/get_addr_info.h"
#include "evkit/net/dns/host_port.h"
#include "evkit/net/dns/numeric.h"
#include "evkit/net/dns/resolver.h"
#include "evkit/net/protocol.h"
#include "evkit/net/socket.h"
#include "evkit/net/socket_address.h"
#include "evkit/net/transport.h"
#include "evkit/policy/running_loop.h"

namespace evkit {
namespace {

// The addresses of one family and protocol.
class Group {
 public:
  Group(int family_in, int protocol_in)
      : family(family_in), protocol(protocol_in) {}

  int family;
  int protocol;
  // Without an address where none was asked for.
  std::vector<std::optional<SocketAddress>> local;
  std::vector<std::optional<SocketAddress>> remote;
};

// What the caller asked for, and what sockets are to be like.
class Plan {
 public:
  Plan() = default;

  std::vector<Group> groups;
  bool connect = true;
  bool reuse_port = false;
  bool allow_broadcast = false;
};

Coro<std::vector<AddressInfo>> Resolve(HostPort address, AddressHints hints) {
  std::optional<std::vector<AddressInfo>> found =
      ResolveNumeric(address.host, address.service, hints);
  if (!found.has_value()) {
    found =
        co_await OrReturn(GetAddrInfo(address.host, address.service, hints));
  }
  if (found->empty()) {
    co_return absl::NotFoundError("getaddrinfo() returned empty list");
  }
  co_return *std::move(found);
}

void AddTo(std::vector<Group>& groups, const std::vector<AddressInfo>& found,
           std::vector<std::optional<SocketAddress>> Group::*side) {
  for (const AddressInfo& info : found) {
    auto group =
        std::find_if(groups.begin(), groups.end(), [&](const Group& g) {
          return g.family == info.family && g.protocol == info.protocol;
        });
    if (group == groups.end()) {
      group = groups.insert(group, Group(info.family, info.protocol));
    }
    ((*group).*side).emplace_back(info.address);
  }
}

Coro<std::vector<Group>> FindAddresses(DatagramEndpointOptions options) {
  std::vector<Group> groups;
  AddressHints hints;
  hints.family = options.family;
  hints.type = SOCK_DGRAM;
  hints.protocol = options.protocol;
  hints.flags = options.flags;
  if (options.local_address.has_value()) {
    const std::vector<AddressInfo> found =
        co_await OrReturn(Resolve(*options.local_address, hints));
    AddTo(groups, found, &Group::local);
  }
  if (options.remote_address.has_value()) {
    const std::vector<AddressInfo> found =
        co_await OrReturn(Resolve(*options.remote_address, hints));
    AddTo(groups, found, &Group::remote);
  }
  if (!options.local_address.has_value() &&
      !options.remote_address.has_value()) {
    if (options.family != AF_INET && options.family != AF_INET6) {
      co_return absl::InvalidArgumentError("unexpected address family");
    }
    groups.emplace_back(options.family, options.protocol);
  }
  for (Group& group : groups) {
    if (!options.local_address.has_value()) group.local.emplace_back();
    if (!options.remote_address.has_value()) group.remote.emplace_back();
  }
  groups.erase(std::remove_if(groups.begin(), groups.end(),
                              [](const Group& group) {
                                return group.local.empty() ||
                                       group.remote.empty();
                              }),
               groups.end());
  if (groups.empty()) {
    co_return absl::InvalidArgumentError("can not get address information");
  }
  co_return groups;
}

absl::StatusOr<Socket> Open(const Plan& plan, const Group& group,
                            const std::optional<SocketAddress>& local,
                            const std::optional<SocketAddress>& remote) {
  absl::StatusOr<Socket> socket =
      Socket::Create(group.family, SOCK_DGRAM, group.protocol);
  if (!socket.ok()) return socket;
  absl::Status status;
  if (plan.reuse_port) {
    status = socket->SetOption(SOL_SOCKET, SO_REUSEPORT, 1);
  }
  if (status.ok() && plan.allow_broadcast) {
    status = socket->SetOption(SOL_SOCKET, SO_BROADCAST, 1);
  }
  if (status.ok() && local.has_value()) status = socket->Bind(*local);
  if (status.ok() && remote.has_value() && plan.connect) {
    status = socket->Connect(*remote).status();
  }
  if (!status.ok()) return status;
  return socket;
}

// The first that can be opened. Sets `*chosen` to its remote address.
absl::StatusOr<Socket> OpenFirst(const Plan& plan,
                                 std::optional<SocketAddress>* chosen) {
  absl::Status first_error;
  for (const Group& group : plan.groups) {
    for (const std::optional<SocketAddress>& remote : group.remote) {
      for (const std::optional<SocketAddress>& local : group.local) {
        absl::StatusOr<Socket> socket = Open(plan, group, local, remote);
        if (socket.ok()) {
          *chosen = remote;
          return socket;
        }
        if (first_error.ok()) first_error = std::move(socket).status();
      }
    }
  }
  return first_error;
}

// As CreateUnixServer() does it.
void RemoveStaleSocket(AbstractEventLoop& loop, const std::string& path) {
  const absl::Status removed = net_internal::RemoveStaleSocket(path);
  if (removed.ok()) return;
  ErrorContext report("Unable to check or remove stale UNIX socket");
  report.status = removed;
  report.details["path"] = path;
  loop.CallExceptionHandler(report);
}

}  // namespace

Coro<DatagramEndpoint> CreateDatagramEndpoint(
    DatagramProtocolFactory factory, Socket socket,
    DatagramTransportOptions options) {
  AbstractEventLoop* const loop = co_await OrReturn(GetRunningLoop());
  if (socket.type() != SOCK_DGRAM) {
    co_return absl::InvalidArgumentError(absl::StrCat(
        "a datagram socket was expected, got one of type ", socket.type()));
  }
  std::shared_ptr<DatagramProtocol> protocol = factory();
  EVKIT_CHECK(protocol != nullptr, "a factory makes a protocol");
  const Future<void> made = CreateFuture<void>(*loop);
  auto on_made = [made, then = std::move(options.on_made)]() mutable {
    made.SetResult().IgnoreError();
    if (then != nullptr) std::move(then)();
  };
  options.on_made = std::move(on_made);
  const std::shared_ptr<DatagramTransport> transport = NewDatagramTransport(
      *loop, std::move(socket), protocol, std::move(options));
  const absl::Status status = co_await made;
  if (!status.ok()) {
    transport->Close();
    co_return status;
  }
  co_return DatagramEndpoint(transport, std::move(protocol));
}

Coro<DatagramEndpoint> CreateDatagramEndpoint(DatagramProtocolFactory factory,
                                              DatagramEndpointOptions options) {
  Plan plan;
  plan.groups = co_await OrReturn(FindAddresses(options));
  plan.connect = !options.allow_broadcast;
  plan.reuse_port = options.reuse_port;
  plan.allow_broadcast = options.allow_broadcast;
  DatagramTransportOptions transport_options;
  transport_options.batch = options.batch;
  transport_options.max_datagram_size = options.max_datagram_size;
  absl::StatusOr<Socket> socket =
      OpenFirst(plan, &transport_options.remote_address);
  if (!socket.ok()) co_return std::move(socket).status();
  co_return co_await CreateDatagramEndpoint(
      std::move(factory), *std::move(socket), std::move(transport_options));
}

Coro<DatagramEndpoint> CreateUnixDatagramEndpoint(
    DatagramProtocolFactory factory, UnixDatagramEndpointOptions options) {
  AbstractEventLoop* const loop = co_await OrReturn(GetRunningLoop());
  std::optional<SocketAddress> local;
  DatagramTransportOptions transport_options;
  transport_options.batch = options.batch;
  transport_options.max_datagram_size = options.max_datagram_size;
  if (options.remote_path.has_value()) {
    transport_options.remote_address =
        co_await OrReturn(SocketAddress::Unix(*options.remote_path));
  }
  if (options.local_path.has_value()) {
    local = co_await OrReturn(SocketAddress::Unix(*options.local_path));
    if (!local->is_abstract()) RemoveStaleSocket(*loop, *options.local_path);
  }
  absl::StatusOr<Socket> socket =
      Open(Plan(), Group(AF_UNIX, 0), local, transport_options.remote_address);
  if (!socket.ok()) co_return std::move(socket).status();
  co_return co_await CreateDatagramEndpoint(
      std::move(factory), *std::move(socket), std::move(transport_options));
}

}  // namespace evkit

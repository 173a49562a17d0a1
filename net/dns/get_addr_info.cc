// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/dns/get_addr_info.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/waiter.h"
#include "evkit/net/dns/loop_resolver.h"
#include "evkit/net/dns/numeric.h"
#include "evkit/net/dns/resolver.h"
#include "evkit/net/socket_address.h"
#include "evkit/policy/running_loop.h"

namespace evkit {

// In each of these the question is a local below what its answer goes to, so it
// is taken back first, however the coroutine ends.

Coro<std::vector<AddressInfo>> GetAddrInfo(std::string host, Service service,
                                           AddressHints hints) {
  AbstractEventLoop* const loop = co_await OrReturn(GetRunningLoop());
  const std::shared_ptr<Resolver> resolver = GetResolver(*loop);
  Waiter answered("GetAddrInfo");
  std::optional<absl::StatusOr<std::vector<AddressInfo>>> answer;
  auto done = [&](absl::StatusOr<std::vector<AddressInfo>> result) {
    answer.emplace(std::move(result));
    answered.Complete();
  };
  const Resolution question = resolver->Resolve(
      std::move(host), std::move(service), hints, std::move(done));
  co_await OrReturn(answered);
  co_return *std::move(answer);
}

Coro<NameInfo> GetNameInfo(SocketAddress address, int flags) {
  AbstractEventLoop* const loop = co_await OrReturn(GetRunningLoop());
  const std::shared_ptr<Resolver> resolver = GetResolver(*loop);
  Waiter answered("GetNameInfo");
  std::optional<absl::StatusOr<NameInfo>> answer;
  auto done = [&](absl::StatusOr<NameInfo> result) {
    answer.emplace(std::move(result));
    answered.Complete();
  };
  const Resolution question =
      resolver->ResolveName(address, flags, std::move(done));
  co_await OrReturn(answered);
  co_return *std::move(answer);
}

Coro<std::vector<SocketAddress>> ResolveAddresses(std::string host,
                                                  Service service,
                                                  AddressHints hints) {
  if (hints.type == 0) hints.type = SOCK_STREAM;
  std::optional<std::vector<AddressInfo>> found =
      ResolveNumeric(host, service, hints);
  if (!found.has_value()) {
    found = co_await OrReturn(GetAddrInfo(host, service, hints));
  }
  std::vector<SocketAddress> addresses;
  for (AddressInfo& info : *found) {
    if (std::find(addresses.begin(), addresses.end(), info.address) ==
        addresses.end()) {
      addresses.push_back(std::move(info.address));
    }
  }
  if (addresses.empty()) {
    co_return absl::NotFoundError("getaddrinfo() returned empty list");
  }
  co_return addresses;
}

}  // namespace evkit

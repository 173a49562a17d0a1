// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Questions that need no resolver: the answer is in the question.

#ifndef EVKIT_NET_DNS_NUMERIC_H_
#define EVKIT_NET_DNS_NUMERIC_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "evkit/net/dns/resolver.h"
#include "evkit/net/socket_address.h"

namespace evkit {

// What getaddrinfo(3) would say, if `host` is a number as
// `SocketAddress::FromIp()` reads it, with a zone or without (CONN-08), of the
// family asked for, `service` is a number or empty, and the type and the
// protocol asked for are open or those of TCP or UDP. AI_ADDRCONFIG is
// ignored. Else nothing: ask. Never blocks. Thread-safe.
std::optional<std::vector<AddressInfo>> ResolveNumeric(
    const std::string& host, const Service& service, const AddressHints& hints);

// What getnameinfo(3) would say of an internet address, if `flags` ask for
// numbers only. Else nothing. Never blocks. Thread-safe.
std::optional<NameInfo> ResolveNumericName(const SocketAddress& address,
                                           int flags);

}  // namespace evkit

#endif  // EVKIT_NET_DNS_NUMERIC_H_

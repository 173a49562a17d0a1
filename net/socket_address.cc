// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/socket_address.h"

#include <arpa/inet.h>
#include <net/if.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "evkit/base/check.h"

namespace evkit {
namespace {

constexpr size_t kPathOffset = offsetof(sockaddr_un, sun_path);

absl::Status NotAnAddress(absl::string_view text, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat(
      "\"", absl::CHexEscape(text), "\" is not an address: ", why));
}

// The interface of "fe80::1%zone": its index, or its name.
absl::StatusOr<uint32_t> ScopeId(absl::string_view zone) {
  uint32_t index;
  if (!zone.empty() &&
      std::all_of(zone.begin(), zone.end(), absl::ascii_isdigit)) {
    if (absl::SimpleAtoi(zone, &index)) return index;
  } else if (!zone.empty() && zone.size() < IF_NAMESIZE &&
             !absl::StrContains(zone, '\0')) {
    index = if_nametoindex(std::string(zone).c_str());
    if (index != 0) return index;
  }
  return absl::NotFoundError(absl::StrCat("there is no network interface \"",
                                          absl::CHexEscape(zone), "\""));
}

absl::StatusOr<uint16_t> ParsePort(absl::string_view text) {
  uint32_t port;
  if (text.empty() || text.size() > 5 ||
      !std::all_of(text.begin(), text.end(), absl::ascii_isdigit) ||
      !absl::SimpleAtoi(text, &port) || port > 65535) {
    return absl::InvalidArgumentError(absl::StrCat(
        "\"", absl::CHexEscape(text), "\" is not a port (0 to 65535)"));
  }
  return static_cast<uint16_t>(port);
}

// An abstract name as ToString() prints it.
std::string EscapeName(absl::string_view name) {
  std::string escaped;
  for (const char c : name) {
    if (absl::ascii_isprint(c) && c != '\\') {
      escaped += c;
    } else {
      absl::StrAppendFormat(&escaped, "\\x%02x", static_cast<uint8_t>(c));
    }
  }
  return escaped;
}

// And back; false if it is not one.
bool UnescapeName(absl::string_view escaped, std::string* name) {
  while (!escaped.empty()) {
    if (escaped[0] != '\\') {
      *name += escaped[0];
      escaped.remove_prefix(1);
      continue;
    }
    if (escaped.size() < 4 || escaped[1] != 'x' ||
        !absl::ascii_isxdigit(escaped[2]) ||
        !absl::ascii_isxdigit(escaped[3])) {
      return false;
    }
    *name += absl::HexStringToBytes(escaped.substr(2, 2));
    escaped.remove_prefix(4);
  }
  return true;
}

}  // namespace

SocketAddress::SocketAddress(const SocketAddress& other) : in6_(other.in6_) {
  if (family() != AF_UNIX) return;
  in6_ = {};
  MakeUnix() = other.unix_part();
}

SocketAddress& SocketAddress::operator=(const SocketAddress& other) {
  if (this != &other) *this = SocketAddress(other);
  return *this;
}

SocketAddress::UnixPart& SocketAddress::MakeUnix() {
  UnixPart* const part = new UnixPart();
  std::memcpy(unix_.pointer, &part, sizeof(part));
  unix_.family = AF_UNIX;
  return *part;
}

absl::StatusOr<SocketAddress> SocketAddress::FromSockaddr(
    const sockaddr* address, socklen_t length) {
  SocketAddress result;
  if (length == 0) return result;
  if (length < sizeof(sa_family_t)) {
    return absl::InvalidArgumentError("a socket address of one byte");
  }
  const auto fits = [&](size_t least, size_t most) {
    return least <= length && length <= most;
  };
  switch (address->sa_family) {
    case AF_UNSPEC:
      return result;
    case AF_INET:
      if (!fits(sizeof(sockaddr_in), sizeof(sockaddr_storage))) break;
      std::memcpy(&result.in4_, address, sizeof(sockaddr_in));
      std::memset(result.in4_.sin_zero, 0, sizeof(result.in4_.sin_zero));
      return result;
    case AF_INET6:
      if (!fits(sizeof(sockaddr_in6), sizeof(sockaddr_storage))) break;
      std::memcpy(&result.in6_, address, sizeof(sockaddr_in6));
      return result;
    case AF_UNIX: {
      // The kernel may count a NUL behind a path of full length.
      if (!fits(kPathOffset, sizeof(sockaddr_un) + 1)) break;
      length = std::min<socklen_t>(length, sizeof(sockaddr_un));
      UnixPart& part = result.MakeUnix();
      std::memcpy(&part.address, address, length);
      part.length = length;
      const char* const path = part.address.sun_path;
      if (length > kPathOffset && path[0] != '\0') {
        const size_t size = strnlen(path, length - kPathOffset);
        part.length = static_cast<socklen_t>(
            std::min(kPathOffset + size + 1, sizeof(sockaddr_un)));
      }
      return result;
    }
    default:
      return absl::UnimplementedError(
          absl::StrCat("socket addresses of family ", address->sa_family));
  }
  return absl::InvalidArgumentError(absl::StrCat("a socket address of family ",
                                                 address->sa_family, " with ",
                                                 length, " bytes"));
}

absl::StatusOr<SocketAddress> SocketAddress::FromIp(absl::string_view host,
                                                    int port) {
  if (port < 0 || port > 65535) {
    return absl::InvalidArgumentError(
        absl::StrCat(port, " is not a port (0 to 65535)"));
  }
  if (absl::StrContains(host, '\0')) {
    return NotAnAddress(host, "it has a NUL byte");
  }
  const size_t percent = host.find('%');
  const std::string number(host.substr(0, percent));
  in_addr v4;
  if (percent == host.npos && inet_pton(AF_INET, number.c_str(), &v4) == 1) {
    return IPv4(v4, static_cast<uint16_t>(port));
  }
  in6_addr v6;
  if (inet_pton(AF_INET6, number.c_str(), &v6) != 1) {
    return NotAnAddress(host, "neither IPv4 nor IPv6");
  }
  uint32_t scope_id = 0;
  if (percent != host.npos) {
    absl::StatusOr<uint32_t> found = ScopeId(host.substr(percent + 1));
    if (!found.ok()) return std::move(found).status();
    scope_id = *found;
  }
  return IPv6(v6, static_cast<uint16_t>(port), scope_id);
}

SocketAddress SocketAddress::IPv4(in_addr host, uint16_t port) {
  SocketAddress result;
  result.in4_.sin_family = AF_INET;
  result.in4_.sin_port = htons(port);
  result.in4_.sin_addr = host;
  return result;
}

SocketAddress SocketAddress::IPv6(const in6_addr& host, uint16_t port,
                                  uint32_t scope_id, uint32_t flow_info) {
  SocketAddress result;
  result.in6_.sin6_family = AF_INET6;
  result.in6_.sin6_port = htons(port);
  result.in6_.sin6_addr = host;
  result.in6_.sin6_scope_id = scope_id;
  result.in6_.sin6_flowinfo = flow_info;
  return result;
}

SocketAddress SocketAddress::LoopbackIPv4(uint16_t port) {
  return IPv4(in_addr{htonl(INADDR_LOOPBACK)}, port);
}

SocketAddress SocketAddress::LoopbackIPv6(uint16_t port) {
  return IPv6(in6addr_loopback, port);
}

SocketAddress SocketAddress::AnyIPv4(uint16_t port) {
  return IPv4(in_addr{htonl(INADDR_ANY)}, port);
}

SocketAddress SocketAddress::AnyIPv6(uint16_t port) {
  return IPv6(in6addr_any, port);
}

absl::StatusOr<SocketAddress> SocketAddress::Unix(absl::string_view path) {
  if (path.empty()) return NotAnAddress(path, "the path is empty");
  const bool abstract = path[0] == '\0';
  if (!abstract && absl::StrContains(path, '\0')) {
    return NotAnAddress(path, "the path has a NUL byte");
  }
  const size_t limit = sizeof(sockaddr_un::sun_path) - (abstract ? 0 : 1);
  if (path.size() > limit) {
    return NotAnAddress(path, absl::StrCat("the path has ", path.size(),
                                           " bytes, and may have ", limit));
  }
  SocketAddress result;
  UnixPart& part = result.MakeUnix();
  part.address.sun_family = AF_UNIX;
  std::memcpy(part.address.sun_path, path.data(), path.size());
  part.length =
      static_cast<socklen_t>(kPathOffset + path.size() + (abstract ? 0 : 1));
  return result;
}

absl::StatusOr<SocketAddress> SocketAddress::Parse(absl::string_view text) {
  absl::string_view rest = text;
  if (absl::ConsumePrefix(&rest, "unix:")) {
    if (!absl::ConsumePrefix(&rest, "@")) return Unix(rest);
    std::string name(1, '\0');
    if (!UnescapeName(rest, &name)) {
      return NotAnAddress(text, "a backslash begins \\xHH");
    }
    return Unix(name);
  }
  absl::string_view host;
  if (absl::ConsumePrefix(&rest, "[")) {
    // The last one: the name of an interface may have brackets.
    const size_t end = rest.rfind(']');
    if (end == rest.npos || end + 1 == rest.size() || rest[end + 1] != ':') {
      return NotAnAddress(text, "an IPv6 address is written [host]:port");
    }
    host = rest.substr(0, end);
    rest.remove_prefix(end + 2);
    if (!absl::StrContains(host, ':')) {
      return NotAnAddress(text, "only IPv6 addresses are put in brackets");
    }
  } else {
    const size_t colon = rest.find(':');
    if (colon == rest.npos || rest.find(':', colon + 1) != rest.npos) {
      return NotAnAddress(text, "one of host:port, [host]:port, unix:path");
    }
    host = rest.substr(0, colon);
    rest.remove_prefix(colon + 1);
  }
  const absl::StatusOr<uint16_t> port = ParsePort(rest);
  if (!port.ok()) return port.status();
  return FromIp(host, *port);
}

uint16_t SocketAddress::port() const {
  switch (family()) {
    case AF_INET:
      return ntohs(in4_.sin_port);
    case AF_INET6:
      return ntohs(in6_.sin6_port);
    default:
      return 0;
  }
}

SocketAddress SocketAddress::WithPort(uint16_t port) const {
  SocketAddress result = *this;
  if (family() == AF_INET) {
    result.in4_.sin_port = htons(port);
  } else {
    EVKIT_CHECK(family() == AF_INET6, "only internet addresses have a port");
    result.in6_.sin6_port = htons(port);
  }
  return result;
}

std::string SocketAddress::host() const {
  char text[INET6_ADDRSTRLEN] = "";
  if (family() == AF_INET) {
    inet_ntop(AF_INET, &in4_.sin_addr, text, sizeof(text));
    return text;
  }
  if (family() != AF_INET6) return "";
  inet_ntop(AF_INET6, &in6_.sin6_addr, text, sizeof(text));
  const uint32_t scope = in6_.sin6_scope_id;
  if (scope == 0) return text;
  char name[IF_NAMESIZE];
  if (if_indextoname(scope, name) != nullptr) {
    return absl::StrCat(text, "%", name);
  }
  return absl::StrCat(text, "%", scope);
}

uint32_t SocketAddress::scope_id() const {
  return family() == AF_INET6 ? in6_.sin6_scope_id : 0;
}

absl::string_view SocketAddress::path() const {
  if (family() != AF_UNIX || size() <= kPathOffset) return "";
  const size_t most = size() - kPathOffset;
  const char* const path = unix_part().address.sun_path;
  return absl::string_view(path, path[0] == '\0' ? most : strnlen(path, most));
}

bool SocketAddress::is_abstract() const {
  const absl::string_view name = path();
  return !name.empty() && name[0] == '\0';
}

const sockaddr* SocketAddress::data() const {
  return family() == AF_UNIX
             ? reinterpret_cast<const sockaddr*>(&unix_part().address)
             : reinterpret_cast<const sockaddr*>(&in6_);
}

socklen_t SocketAddress::size() const {
  switch (family()) {
    case AF_INET:
      return sizeof(sockaddr_in);
    case AF_INET6:
      return sizeof(sockaddr_in6);
    case AF_UNIX:
      return unix_part().length;
    default:
      return 0;
  }
}

std::string SocketAddress::ToString() const {
  switch (family()) {
    case AF_INET:
      return absl::StrCat(host(), ":", port());
    case AF_INET6:
      return absl::StrCat("[", host(), "]:", port());
    case AF_UNIX:
      if (is_abstract()) {
        return absl::StrCat("unix:@", EscapeName(path().substr(1)));
      }
      // A file of this name is not the abstract name.
      return absl::StrCat(path().substr(0, 1) == "@" ? "unix:./" : "unix:",
                          path());
    default:
      return "no address";
  }
}

bool operator==(const SocketAddress& a, const SocketAddress& b) {
  return a.Significant() == b.Significant();
}

absl::string_view SocketAddress::Significant() const {
  return absl::string_view(reinterpret_cast<const char*>(data()), size());
}

}  // namespace evkit

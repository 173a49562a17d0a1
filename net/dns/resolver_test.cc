// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/dns/resolver.h"

#include <netdb.h>
#include <netinet/in.h>

#include <cerrno>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "evkit/base/errno_status.h"
#include "evkit/net/dns/gai_status.h"
#include "evkit/net/dns/numeric.h"
#include "evkit/net/socket_address.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(GaiStatusTest, SaysWhatWhyAndTheCode) {
  const absl::Status status =
      StatusFromGaiError(EAI_NONAME, ENOMEM, "getaddrinfo(no.such, 80)");
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(status.message(),
            "getaddrinfo(no.such, 80): Name or service not known (EAI_NONAME)");
  EXPECT_EQ(GaiErrorFromStatus(status), EAI_NONAME);
  EXPECT_EQ(ErrnoFromStatus(status), 0);
  EXPECT_EQ(GaiErrorFromStatus(absl::NotFoundError("")), 0);
}

// DNS-02
TEST(GaiStatusTest, bug_M2_EveryCodeHasAMeaningAndUnknownOnesDoNotAbort) {
  const std::pair<int, absl::StatusCode> meanings[] = {
      {EAI_NONAME, absl::StatusCode::kNotFound},
      {EAI_NODATA, absl::StatusCode::kNotFound},
      {EAI_ADDRFAMILY, absl::StatusCode::kNotFound},
      {EAI_SERVICE, absl::StatusCode::kNotFound},
      {EAI_AGAIN, absl::StatusCode::kUnavailable},
      {EAI_FAIL, absl::StatusCode::kInternal},
      {EAI_BADFLAGS, absl::StatusCode::kInvalidArgument},
      {EAI_FAMILY, absl::StatusCode::kInvalidArgument},
      {EAI_SOCKTYPE, absl::StatusCode::kInvalidArgument},
      {EAI_MEMORY, absl::StatusCode::kResourceExhausted},
      {EAI_OVERFLOW, absl::StatusCode::kOutOfRange},
      {EAI_SYSTEM, absl::StatusCode::kUnknown},
      {12345, absl::StatusCode::kUnknown},
      {-12345, absl::StatusCode::kUnknown}};
  for (const auto& [code, meaning] : meanings) {
    const absl::Status status = StatusFromGaiError(code, 0, "asked");
    EXPECT_EQ(status.code(), meaning) << code;
    EXPECT_EQ(GaiErrorFromStatus(status), code);
  }
  EXPECT_THAT(std::string(StatusFromGaiError(12345, 0, "asked").message()),
              HasSubstr("12345"));
  const absl::Status system = StatusFromGaiError(EAI_SYSTEM, EMFILE, "asked");
  EXPECT_EQ(ErrnoFromStatus(system), EMFILE);
  EXPECT_EQ(GaiErrorFromStatus(system), EAI_SYSTEM);
  EXPECT_EQ(system.message(), "asked: Too many open files");
}

AddressHints Hints(int type, int family = 0, int protocol = 0, int flags = 0) {
  AddressHints hints;
  hints.type = type;
  hints.family = family;
  hints.protocol = protocol;
  hints.flags = flags;
  return hints;
}

bool IsNumeric(const std::string& host, const Service& service,
               const AddressHints& hints = Hints(SOCK_STREAM)) {
  return ResolveNumeric(host, service, hints).has_value();
}

// CONN-08
TEST(NumericTest, ANumberWithANumberNeedsNoResolver) {
  EXPECT_TRUE(IsNumeric("127.0.0.1", 80));
  EXPECT_TRUE(IsNumeric("127.0.0.1", "80"));
  EXPECT_TRUE(IsNumeric("127.0.0.1", Service()));
  EXPECT_TRUE(IsNumeric("::1", 65535));
  EXPECT_TRUE(IsNumeric("fe80::1%lo", 80));
  EXPECT_TRUE(IsNumeric("::1", 80, Hints(0, AF_INET6, IPPROTO_UDP)));
  EXPECT_FALSE(IsNumeric("example.com", 80));
  EXPECT_FALSE(IsNumeric("", 80));
  EXPECT_FALSE(IsNumeric("127.1", 80));
  EXPECT_FALSE(IsNumeric("127.0.0.1", "http"));
  EXPECT_FALSE(IsNumeric("127.0.0.1", 65536));
  EXPECT_FALSE(IsNumeric("127.0.0.1", -1));
  EXPECT_FALSE(IsNumeric("fe80::1%no-such-interface", 80));
  EXPECT_FALSE(IsNumeric("127.0.0.1", 80, Hints(SOCK_STREAM, AF_INET6)));
  EXPECT_FALSE(IsNumeric("::1", 80, Hints(SOCK_DGRAM, 0, IPPROTO_TCP)));
  EXPECT_FALSE(IsNumeric("::1", 80, Hints(SOCK_RAW)));
}

// The answer of libc to the same question.
std::vector<AddressInfo> AskLibc(const std::string& host,
                                 const Service& service,
                                 const AddressHints& hints) {
  addrinfo wanted = {};
  wanted.ai_family = hints.family;
  wanted.ai_socktype = hints.type;
  wanted.ai_protocol = hints.protocol;
  wanted.ai_flags = hints.flags;
  addrinfo* answer = nullptr;
  EXPECT_EQ(
      ::getaddrinfo(host.c_str(), service.text().c_str(), &wanted, &answer), 0);
  std::vector<AddressInfo> infos;
  for (const addrinfo* a = answer; a != nullptr; a = a->ai_next) {
    AddressInfo& info = infos.emplace_back();
    info.family = a->ai_family;
    info.type = a->ai_socktype;
    info.protocol = a->ai_protocol;
    if (a->ai_canonname != nullptr) info.canonical_name = a->ai_canonname;
    info.address = *SocketAddress::FromSockaddr(a->ai_addr, a->ai_addrlen);
  }
  ::freeaddrinfo(answer);
  return infos;
}

std::string Text(const std::vector<AddressInfo>& infos) {
  std::string text;
  for (const AddressInfo& info : infos) {
    text += std::to_string(info.family) + " " + std::to_string(info.type) +
            " " + std::to_string(info.protocol) + " '" + info.canonical_name +
            "' " + info.address.ToString() + "\n";
  }
  return text;
}

TEST(NumericTest, TheAnswerIsThatOfLibc) {
  for (const char* const host : {"127.0.0.1", "::1", "fe80::1%lo"}) {
    for (const int type : {0, int{SOCK_STREAM}, int{SOCK_DGRAM}}) {
      for (const int protocol : {0, int{IPPROTO_TCP}, int{IPPROTO_UDP}}) {
        for (const int flags : {0, AI_CANONNAME, AI_PASSIVE}) {
          const AddressHints hints = Hints(type, 0, protocol, flags);
          const auto numeric = ResolveNumeric(host, 80, hints);
          if (!numeric.has_value()) continue;
          EXPECT_EQ(Text(*numeric), Text(AskLibc(host, 80, hints)));
        }
      }
    }
  }
}

TEST(NumericTest, NamesOfAddressesInNumbersNeedNoResolver) {
  const SocketAddress address = *SocketAddress::FromIp("::1", 80);
  const auto name =
      ResolveNumericName(address, NI_NUMERICHOST | NI_NUMERICSERV);
  ASSERT_TRUE(name.has_value());
  EXPECT_EQ(name->host, "::1");
  EXPECT_EQ(name->service, "80");
  EXPECT_FALSE(ResolveNumericName(address, NI_NUMERICHOST).has_value());
  EXPECT_FALSE(ResolveNumericName(*SocketAddress::Unix("/a"),
                                  NI_NUMERICHOST | NI_NUMERICSERV)
                   .has_value());
}

TEST(ResolutionTest, CancelsOnceWhereverItWasMovedTo) {
  std::vector<std::string> trace;
  {
    Resolution a([&] { trace.push_back("a"); });
    Resolution b([&] { trace.push_back("b"); });
    a = std::move(b);
    EXPECT_THAT(trace, ElementsAre("a"));
    Resolution c(std::move(a));
    c.Cancel();
    c.Cancel();
    EXPECT_THAT(trace, ElementsAre("a", "b"));
  }
  EXPECT_THAT(trace, ElementsAre("a", "b"));
}

}  // namespace
}  // namespace evkit

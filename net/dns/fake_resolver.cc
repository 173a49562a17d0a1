// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/dns/fake_resolver.h"

#include <netdb.h>
#include <netinet/in.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "evkit/loop/handle.h"
#include "evkit/net/dns/gai_status.h"
#include "evkit/net/dns/numeric.h"
#include "evkit/net/dns/resolver.h"
#include "evkit/net/socket_address.h"

namespace evkit {
namespace {

std::vector<AddressInfo> Infos(const std::vector<SocketAddress>& addresses,
                               const Service& service,
                               const AddressHints& hints) {
  int port = 0;
  if (!absl::SimpleAtoi(service.text(), &port)) port = 0;
  std::vector<AddressInfo> infos;
  for (const SocketAddress& address : addresses) {
    if (hints.family != 0 && hints.family != address.family()) continue;
    AddressInfo& info = infos.emplace_back();
    info.family = address.family();
    info.type = hints.type == 0 ? SOCK_STREAM : hints.type;
    info.protocol = info.type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP;
    info.address = address.port() != 0
                       ? address
                       : address.WithPort(static_cast<uint16_t>(port));
  }
  return infos;
}

absl::Status Unknown(const std::string& what) {
  return StatusFromGaiError(EAI_NONAME, 0, what);
}

}  // namespace

FakeResolver::~FakeResolver() {
  for (TimerHandle& timer : timers_) timer.Cancel();
}

void FakeResolver::Answer(std::string host,
                          std::vector<SocketAddress> addresses,
                          absl::Duration delay) {
  hosts_[std::move(host)] = {std::move(addresses), delay};
}

void FakeResolver::Fail(std::string host, absl::Status error,
                        absl::Duration delay) {
  hosts_[std::move(host)] = {std::move(error), delay};
}

void FakeResolver::AnswerName(const SocketAddress& address, NameInfo name,
                              absl::Duration delay) {
  names_[address.ToString()] = {std::move(name), delay};
}

Resolution FakeResolver::Resolve(std::string host, Service service,
                                 AddressHints hints, AddressesDone done) {
  questions_.push_back(absl::StrCat(host, ":", service.text()));
  absl::StatusOr<std::vector<AddressInfo>> answer = Unknown(questions_.back());
  absl::Duration delay;
  if (const auto found = hosts_.find(host); found != hosts_.end()) {
    const auto& addresses = found->second.answer;
    if (addresses.ok()) {
      answer = Infos(*addresses, service, hints);
    } else {
      answer = addresses.status();
    }
    delay = found->second.delay;
  } else if (auto numeric = ResolveNumeric(host, service, hints)) {
    answer = *std::move(numeric);
  }
  return AnswerLater(std::move(answer), delay, std::move(done));
}

Resolution FakeResolver::ResolveName(const SocketAddress& address, int flags,
                                     NameDone done) {
  questions_.push_back(address.ToString());
  absl::StatusOr<NameInfo> answer = Unknown(questions_.back());
  absl::Duration delay;
  if (auto numeric = ResolveNumericName(address, flags)) {
    answer = *std::move(numeric);
  } else if (const auto found = names_.find(questions_.back());
             found != names_.end()) {
    answer = found->second.answer;
    delay = found->second.delay;
  }
  return AnswerLater(std::move(answer), delay, std::move(done));
}

template <typename T>
Resolution FakeResolver::AnswerLater(
    absl::StatusOr<T> answer, absl::Duration delay,
    absl::AnyInvocable<void(absl::StatusOr<T>) &&> done) {
  TimerHandle timer =
      loop_.CallLater(delay, [token = token_, answer = std::move(answer),
                              done = std::move(done)]() mutable {
        token.reset();
        std::move(done)(std::move(answer));
      });
  timers_.push_back(timer);
  return Resolution([timer]() mutable { timer.Cancel(); });
}

}  // namespace evkit

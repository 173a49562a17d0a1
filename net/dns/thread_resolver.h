// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The system's resolver, getaddrinfo(3), which blocks, on threads of its own:
// a server that does not answer holds up other names at worst, and nothing
// else. docs/dns.md says more.
//
//   ThreadResolver resolver(loop);

#ifndef EVKIT_NET_DNS_THREAD_RESOLVER_H_
#define EVKIT_NET_DNS_THREAD_RESOLVER_H_

#include <netdb.h>

#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/executor/thread_pool_executor.h"
#include "evkit/net/dns/resolver.h"
#include "evkit/net/socket_address.h"

namespace evkit {

// The functions that block, or that belong to them; see their manual pages.
// Called on the resolver's threads, several at a time. EAI_SYSTEM is explained
// by errno.
class NameFunctions {
 public:
  NameFunctions();

  std::function<int(const char* host, const char* service,
                    const addrinfo* hints, addrinfo** answer)>
      getaddrinfo;
  std::function<void(addrinfo* answer)> freeaddrinfo;
  std::function<int(const sockaddr* address, socklen_t length, char* host,
                    socklen_t host_size, char* service, socklen_t service_size,
                    int flags)>
      getnameinfo;
};

// Fill in a named object.
class ThreadResolverOptions {
 public:
  ThreadResolverOptions() = default;

  // So many questions are asked at a time; more wait, in their order. At least
  // 1 (checked).
  int max_threads = 8;
  // libc's, if not set otherwise.
  NameFunctions functions;
};

// Threads begin with the first question that needs one: numbers do not
// (bug M5). They end with the resolver, which does not wait for them: one that
// is stuck in getaddrinfo(3) goes on until that returns, and drops the answer.
//
// A question that is taken back before its turn is never asked; one that is
// being asked keeps its thread busy until it is answered (DNS-06).
//
// Beside the errors of `Resolver`:
//   kUnavailable: there is no thread, and none can be made.
class ThreadResolver final : public Resolver {
 public:
  // `loop` outlives all use of this, but not its destructor.
  explicit ThreadResolver(AbstractEventLoop& loop);
  ThreadResolver(AbstractEventLoop& loop, ThreadResolverOptions options);
  ThreadResolver(const ThreadResolver&) = delete;
  ThreadResolver& operator=(const ThreadResolver&) = delete;
  ~ThreadResolver() override;

  Resolution Resolve(std::string host, Service service, AddressHints hints,
                     AddressesDone done) override;
  Resolution ResolveName(const SocketAddress& address, int flags,
                         NameDone done) override;

 private:
  class Request;
  using Requests = std::list<std::shared_ptr<Request>>;
  // Calls the user's `done` with the answer, or with the error given.
  using Deliver = absl::AnyInvocable<void(absl::Status) &&>;

  template <typename T>
  Resolution Ask(absl::AnyInvocable<absl::StatusOr<T>() &&> ask,
                 absl::AnyInvocable<void(absl::StatusOr<T>) &&> done);
  template <typename T>
  Resolution AnswerSoon(absl::StatusOr<T> answer,
                        absl::AnyInvocable<void(absl::StatusOr<T>) &&> done);
  Resolution Enqueue(absl::AnyInvocable<void() &&> work, Deliver deliver);
  void StartWaiting();
  void End(Request& request, absl::Status status);

  AbstractEventLoop& loop_;
  const size_t max_threads_;
  // Owned by this and by the questions that threads are asking.
  const std::shared_ptr<const NameFunctions> functions_;
  ThreadPoolExecutor pool_;
  Requests waiting_;
  Requests asking_;  // Taken back or not.
};

}  // namespace evkit

#endif  // EVKIT_NET_DNS_THREAD_RESOLVER_H_

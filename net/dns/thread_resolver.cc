// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/dns/thread_resolver.h"

#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "evkit/base/check.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/context.h"
#include "evkit/loop/executor/call_in_executor.h"
#include "evkit/loop/executor/thread_pool_executor.h"
#include "evkit/loop/handle.h"
#include "evkit/net/dns/gai_status.h"
#include "evkit/net/dns/numeric.h"
#include "evkit/net/dns/resolver.h"
#include "evkit/net/socket_address.h"

namespace evkit {
namespace {

constexpr size_t kMaxTextSize = NI_MAXHOST - 1;

// libc would stop at a NUL byte, and takes 70000 for 4464 and " +80" for 80.
absl::Status CheckQuestion(const std::string& host, const Service& service) {
  for (const std::string* text : {&host, &service.text()}) {
    if (text->size() > kMaxTextSize) {
      return absl::InvalidArgumentError(
          absl::StrCat("getaddrinfo: a name of ", text->size(), " bytes"));
    }
    if (text->find('\0') != std::string::npos) {
      return absl::InvalidArgumentError(absl::StrCat(
          "getaddrinfo: NUL byte in ", absl::Utf8SafeCHexEscape(*text)));
    }
  }
  // What has no other character than these is a number for libc.
  const std::string& text = service.text();
  if (text.find_first_not_of("0123456789+- \t\n\v\f\r") == std::string::npos &&
      !text.empty()) {
    int port = -1;
    const bool digits_only =
        text.find_first_not_of("0123456789") == std::string::npos;
    if (!digits_only || !absl::SimpleAtoi(text, &port) || port > 65535) {
      return absl::InvalidArgumentError(absl::StrCat(
          "getaddrinfo: not a port: ", absl::Utf8SafeCHexEscape(text)));
    }
  }
  return absl::OkStatus();
}

// Null for an empty one.
const char* TextOrNull(const std::string& text) {
  return text.empty() ? nullptr : text.c_str();
}

std::vector<AddressInfo> ReadAnswer(const addrinfo* answer) {
  std::vector<AddressInfo> result;
  for (const addrinfo* entry = answer; entry != nullptr;
       entry = entry->ai_next) {
    absl::StatusOr<SocketAddress> address =
        SocketAddress::FromSockaddr(entry->ai_addr, entry->ai_addrlen);
    if (!address.ok()) continue;
    AddressInfo& info = result.emplace_back();
    info.family = entry->ai_family;
    info.type = entry->ai_socktype;
    info.protocol = entry->ai_protocol;
    if (entry->ai_canonname != nullptr) {
      info.canonical_name = entry->ai_canonname;
    }
    info.address = *std::move(address);
  }
  return result;
}

absl::StatusOr<std::vector<AddressInfo>> AskForAddresses(
    const NameFunctions& functions, const std::string& host,
    const Service& service, const AddressHints& hints) {
  addrinfo wanted = {};
  wanted.ai_family = hints.family;
  wanted.ai_socktype = hints.type;
  wanted.ai_protocol = hints.protocol;
  wanted.ai_flags = hints.flags;
  addrinfo* answer = nullptr;
  errno = 0;
  const int code = functions.getaddrinfo(
      TextOrNull(host), TextOrNull(service.text()), &wanted, &answer);
  if (code != 0) {
    return StatusFromGaiError(
        code, errno,
        absl::StrCat("getaddrinfo(", absl::Utf8SafeCHexEscape(host), ", ",
                     absl::Utf8SafeCHexEscape(service.text()), ")"));
  }
  std::vector<AddressInfo> result = ReadAnswer(answer);
  functions.freeaddrinfo(answer);
  return result;
}

absl::StatusOr<NameInfo> AskForName(const NameFunctions& functions,
                                    const SocketAddress& address, int flags) {
  char host[NI_MAXHOST] = "";
  char service[NI_MAXSERV] = "";
  errno = 0;
  const int code =
      functions.getnameinfo(address.data(), address.size(), host, sizeof host,
                            service, sizeof service, flags);
  if (code != 0) {
    return StatusFromGaiError(
        code, errno, absl::StrCat("getnameinfo(", address.ToString(), ")"));
  }
  NameInfo name;
  name.host = host;
  name.service = service;
  return name;
}

ThreadPoolExecutorOptions PoolOptions(const ThreadResolverOptions& options) {
  EVKIT_CHECK(options.max_threads >= 1, "a resolver needs a thread");
  ThreadPoolExecutorOptions pool;
  pool.max_threads = options.max_threads;
  pool.thread_name_prefix = "evkit_dns";
  return pool;
}

}  // namespace

NameFunctions::NameFunctions()
    : getaddrinfo(::getaddrinfo),
      freeaddrinfo(::freeaddrinfo),
      getnameinfo(::getnameinfo) {}

// Belongs to the loop's thread.
class ThreadResolver::Request {
 public:
  Request(absl::AnyInvocable<void() &&> work_in, Deliver deliver_in)
      : work(std::move(work_in)), deliver(std::move(deliver_in)) {}

  // Takes it back.
  void Cancel() {
    const Deliver dropped = std::exchange(deliver, nullptr);
    if (resolver == nullptr || work == nullptr) return;
    resolver->waiting_.erase(place);
    resolver = nullptr;
  }

  ThreadResolver* resolver = nullptr;  // Null: it is in no list.
  Requests::iterator place;
  Context context = Context::CopyCurrent();
  absl::AnyInvocable<void() &&> work;  // Null: a thread has it.
  Deliver deliver;                     // Null: taken back.
};

ThreadResolver::ThreadResolver(AbstractEventLoop& loop)
    : ThreadResolver(loop, ThreadResolverOptions()) {}

ThreadResolver::ThreadResolver(AbstractEventLoop& loop,
                               ThreadResolverOptions options)
    : loop_(loop),
      max_threads_(static_cast<size_t>(options.max_threads)),
      functions_(std::make_shared<const NameFunctions>(options.functions)),
      pool_(PoolOptions(options)) {}

ThreadResolver::~ThreadResolver() {
  ShutdownOptions leave_threads_behind;
  leave_threads_behind.wait = false;
  leave_threads_behind.cancel_pending = true;
  pool_.Shutdown(leave_threads_behind).IgnoreError();  // In a forked child.
  Requests requests = std::move(waiting_);
  requests.splice(requests.end(), asking_);
  for (const auto& request : requests) request->resolver = nullptr;
  // What this destroys may take back others.
  for (const auto& request : requests) request->Cancel();
}

Resolution ThreadResolver::Resolve(std::string host, Service service,
                                   AddressHints hints, AddressesDone done) {
  EVKIT_CHECK(done != nullptr, "done is null");
  absl::StatusOr<std::vector<AddressInfo>> answer = std::vector<AddressInfo>();
  if (absl::Status valid = CheckQuestion(host, service); !valid.ok()) {
    answer = std::move(valid);
  } else if (std::optional<std::vector<AddressInfo>> numeric =
                 ResolveNumeric(host, service, hints)) {
    answer = *std::move(numeric);
  } else {
    return Ask<std::vector<AddressInfo>>(
        [functions = functions_, host = std::move(host),
         service = std::move(service),
         hints] { return AskForAddresses(*functions, host, service, hints); },
        std::move(done));
  }
  return AnswerSoon(std::move(answer), std::move(done));
}

Resolution ThreadResolver::ResolveName(const SocketAddress& address, int flags,
                                       NameDone done) {
  EVKIT_CHECK(done != nullptr, "done is null");
  if (std::optional<NameInfo> numeric = ResolveNumericName(address, flags)) {
    return AnswerSoon<NameInfo>(*std::move(numeric), std::move(done));
  }
  return Ask<NameInfo>(
      [functions = functions_, address, flags] {
        return AskForName(*functions, address, flags);
      },
      std::move(done));
}

template <typename T>
Resolution ThreadResolver::AnswerSoon(
    absl::StatusOr<T> answer,
    absl::AnyInvocable<void(absl::StatusOr<T>) &&> done) {
  Handle handle = loop_.CallSoon(
      [answer = std::move(answer), done = std::move(done)]() mutable {
        std::move(done)(std::move(answer));
      });
  return Resolution([handle]() mutable { handle.Cancel(); });
}

template <typename T>
Resolution ThreadResolver::Ask(
    absl::AnyInvocable<absl::StatusOr<T>() &&> ask,
    absl::AnyInvocable<void(absl::StatusOr<T>) &&> done) {
  if (loop_.IsClosed()) {
    return AnswerSoon<T>(absl::FailedPreconditionError("event loop is closed"),
                         std::move(done));
  }
  // Shared by the thread, which fills it, and by what takes it out.
  const auto answer = std::make_shared<std::optional<absl::StatusOr<T>>>();
  return Enqueue([ask = std::move(ask),
                  answer]() mutable { answer->emplace(std::move(ask)()); },
                 [done = std::move(done), answer](absl::Status status) mutable {
                   if (status.ok()) {
                     std::move(done)(std::move(**answer));
                   } else {
                     std::move(done)(std::move(status));
                   }
                 });
}

Resolution ThreadResolver::Enqueue(absl::AnyInvocable<void() &&> work,
                                   Deliver deliver) {
  // Owned by the lists, and by the call on a thread.
  const auto request =
      std::make_shared<Request>(std::move(work), std::move(deliver));
  request->resolver = this;
  request->place = waiting_.insert(waiting_.end(), request);
  StartWaiting();
  return Resolution([weak = std::weak_ptr<Request>(request)] {
    if (const auto locked = weak.lock()) locked->Cancel();
  });
}

void ThreadResolver::StartWaiting() {
  while (!waiting_.empty() && asking_.size() < max_threads_) {
    const std::shared_ptr<Request> request = waiting_.front();
    asking_.splice(asking_.end(), waiting_, request->place);
    request->context.Run([&] {
      const auto end = [request](absl::Status status) {
        if (request->resolver != nullptr) {
          request->resolver->End(*request, std::move(status));
        }
      };
      const absl::Status started =
          CallInExecutor(
              loop_, &pool_, std::exchange(request->work, nullptr),
              [end](const ExecutorOutcome& outcome) { end(outcome.status); })
              .status();
      if (!started.ok()) loop_.CallSoon([end, started] { end(started); });
    });
  }
}

void ThreadResolver::End(Request& request, absl::Status status) {
  Deliver deliver = std::exchange(request.deliver, nullptr);
  request.resolver = nullptr;
  asking_.erase(request.place);
  StartWaiting();
  if (deliver != nullptr) std::move(deliver)(std::move(status));
}

}  // namespace evkit

// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// A resolver that knows what the test told it, and answers when the test's
// clock says so.
//
//   auto names = std::make_shared<FakeResolver>(test.loop());
//   names->Answer("slow.test", {SocketAddress::LoopbackIPv4(0)},
//                 absl::Seconds(3));
//   SetResolver(test.loop(), names);

#ifndef EVKIT_NET_DNS_FAKE_RESOLVER_H_
#define EVKIT_NET_DNS_FAKE_RESOLVER_H_

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/handle.h"
#include "evkit/net/dns/resolver.h"
#include "evkit/net/socket_address.h"

namespace evkit {

// Names that nobody told it of are EAI_NONAME in the next turn, numbers what
// they say.
class FakeResolver final : public Resolver {
 public:
  // `loop` outlives all use of this, but not its destructor.
  explicit FakeResolver(AbstractEventLoop& loop) : loop_(loop) {}
  FakeResolver(const FakeResolver&) = delete;
  FakeResolver& operator=(const FakeResolver&) = delete;
  ~FakeResolver() override;

  // From now on `host` has these addresses, and says so after `delay` of the
  // loop's time, never if that is infinite. Those whose port is 0 get that of
  // the service, if it is a number. Those of another family than asked for are
  // left out.
  void Answer(std::string host, std::vector<SocketAddress> addresses,
              absl::Duration delay = absl::ZeroDuration());
  // Or it fails.
  void Fail(std::string host, absl::Status error,
            absl::Duration delay = absl::ZeroDuration());
  // From now on `address` has this name; without flags.
  void AnswerName(const SocketAddress& address, NameInfo name,
                  absl::Duration delay = absl::ZeroDuration());

  // What was asked, in order: "example.com:https", and for names "127.0.0.1:80"
  // or whatever the address prints as.
  const std::vector<std::string>& questions() const { return questions_; }
  // Those asked, not answered and not taken back.
  int pending() const { return static_cast<int>(token_.use_count()) - 1; }

  Resolution Resolve(std::string host, Service service, AddressHints hints,
                     AddressesDone done) override;
  Resolution ResolveName(const SocketAddress& address, int flags,
                         NameDone done) override;

 private:
  template <typename T>
  class Script {
   public:
    Script() : answer(absl::UnknownError("")) {}
    Script(absl::StatusOr<T> answer_in, absl::Duration delay_in)
        : answer(std::move(answer_in)), delay(delay_in) {}

    absl::StatusOr<T> answer;
    absl::Duration delay = absl::ZeroDuration();
  };

  template <typename T>
  Resolution AnswerLater(absl::StatusOr<T> answer, absl::Duration delay,
                         absl::AnyInvocable<void(absl::StatusOr<T>) &&> done);

  AbstractEventLoop& loop_;
  std::map<std::string, Script<std::vector<SocketAddress>>> hosts_;
  std::map<std::string, Script<NameInfo>> names_;
  std::vector<std::string> questions_;
  std::vector<TimerHandle> timers_;
  // Each question that is pending has a share.
  const std::shared_ptr<int> token_ = std::make_shared<int>(0);
};

}  // namespace evkit

#endif  // EVKIT_NET_DNS_FAKE_RESOLVER_H_

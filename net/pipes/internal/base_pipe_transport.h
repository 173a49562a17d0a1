// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What the transports of both ends of a pipe share: beginning and end.

#ifndef EVKIT_NET_PIPES_INTERNAL_BASE_PIPE_TRANSPORT_H_
#define EVKIT_NET_PIPES_INTERNAL_BASE_PIPE_TRANSPORT_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/net/internal/call_protocol.h"
#include "evkit/net/internal/open_transports.h"
#include "evkit/net/pipes/internal/pipe.h"
#include "evkit/net/protocol.h"
#include "evkit/net/transport.h"

namespace evkit::net_internal {

// While it is open it belongs to the loop's OpenTransports, which every
// callback may rely on; they capture no more than the pointer.
class BasePipeTransport : public Transport, public OpenTransport {
 public:
  // Queues the three callbacks. Requires that it is among `open`.
  void Start(OpenTransports& open, absl::AnyInvocable<void() &&> on_made);
  void LoopClosed() final;

  bool IsClosing() const final { return closing_; }
  AbstractEventLoop& loop() const final { return loop_; }
  void SetProtocol(std::shared_ptr<Protocol> protocol) final;
  std::shared_ptr<Protocol> GetProtocol() const final { return protocol_; }

 protected:
  // `kind` names it in reports; it is not copied.
  BasePipeTransport(AbstractEventLoop& loop, const char* kind, Pipe pipe,
                    std::shared_ptr<Protocol> protocol,
                    absl::AnyInvocable<void() &&> on_lost)
      : loop_(loop),
        kind_(kind),
        pipe_(std::move(pipe)),
        fd_(pipe_.fd()),
        protocol_(std::move(protocol)),
        on_lost_(std::move(on_lost)) {}

  // ConnectionMade() has been called: watch the pipe.
  virtual void Begin() = 0;
  // Stop watching it, and drop what waits.
  virtual void Stop() = 0;
  // The same when there is no loop any more.
  virtual void Forget() = 0;

  Pipe& pipe_end() { return pipe_; }
  Protocol& protocol() { return *protocol_; }
  std::string Describe() const;
  std::string CallText(absl::string_view call) const;
  template <typename F>
  absl::Status CallProtocol(absl::string_view message, F&& function) {
    return TryCallProtocol(
        loop_, message, [this] { return Describe(); },
        std::forward<F>(function));
  }

  // No more is to come; ConnectionLost() follows by itself, or by one of the
  // functions below.
  void set_closing() { closing_ = true; }
  // ConnectionLost() is queued, or was called.
  bool is_lost() const { return lost_; }
  // Ends it at once, if that was not done before: Stop(), and ConnectionLost()
  // in a callback of its own.
  void ForceClose(absl::Status status);
  // The second half of that.
  void QueueLoss(absl::Status status);
  // ConnectionLost() now, in a callback of the loop's.
  void Lose(const absl::Status& status);

  const void* DoGetExtraInfo(const void* key) const final;

 private:
  class Loss;

  AbstractEventLoop& loop_;
  const char* const kind_;
  Pipe pipe_;
  const int fd_;  // Its number, also when it is closed.
  std::shared_ptr<Protocol> protocol_;
  absl::AnyInvocable<void() &&> on_lost_;
  bool closing_ = false;
  bool lost_ = false;
};

}  // namespace evkit::net_internal

#endif  // EVKIT_NET_PIPES_INTERNAL_BASE_PIPE_TRANSPORT_H_

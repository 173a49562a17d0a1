// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/pipes/internal/base_pipe_transport.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "evkit/base/check.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/net/extra_info.h"
#include "evkit/net/internal/open_transports.h"

namespace evkit::net_internal {

void BasePipeTransport::Start(OpenTransports& open,
                              absl::AnyInvocable<void() &&> on_made) {
  loop_.CallSoon([this, &open] {
    protocol_->ConnectionMade(
        std::static_pointer_cast<BasePipeTransport>(open.Get(*this)));
  });
  loop_.CallSoon([this] {
    if (!lost_) Begin();
  });
  if (on_made) {
    loop_.CallSoon(
        [on_made = std::move(on_made)]() mutable { std::move(on_made)(); });
  }
}

void BasePipeTransport::SetProtocol(std::shared_ptr<Protocol> protocol) {
  EVKIT_CHECK(protocol != nullptr, "a transport needs a protocol");
  if (protocol_ == nullptr) return;
  std::shared_ptr<Protocol> old = std::exchange(protocol_, std::move(protocol));
  if (loop_.IsClosed()) return;
  // One of its functions may be what calls this.
  loop_.CallSoon([old = std::move(old)] {});
}

std::string BasePipeTransport::Describe() const {
  return absl::StrCat("<", kind_, " fd=", fd_, closing_ ? " closing>" : ">");
}

std::string BasePipeTransport::CallText(absl::string_view call) const {
  return absl::StrCat(call, "(fd=", fd_, ")");
}

const void* BasePipeTransport::DoGetExtraInfo(const void* key) const {
  return key == &kPipe ? &fd_ : nullptr;
}

void BasePipeTransport::ForceClose(absl::Status status) {
  closing_ = true;
  if (lost_) return;
  Stop();
  QueueLoss(std::move(status));
}

void BasePipeTransport::QueueLoss(absl::Status status) {
  lost_ = true;
  // The destructor of somebody else's protocol; our turn to be closed comes.
  if (loop_.IsClosed()) return;
  loop_.CallSoon([this, status = std::move(status)] { Lose(status); });
}

class BasePipeTransport::Loss {
 public:
  explicit Loss(BasePipeTransport& transport)
      : transport_(transport),
        share_(OpenTransports::Of(transport.loop_).Remove(transport)),
        protocol_(transport.protocol_) {}
  Loss(const Loss&) = delete;
  Loss& operator=(const Loss&) = delete;
  ~Loss() {
    transport_.protocol_.reset();
    transport_.pipe_.Close();
    absl::AnyInvocable<void()&&> on_lost =
        std::exchange(transport_.on_lost_, nullptr);
    if (!on_lost) return;
    transport_.CallProtocol("on_lost failed", [&] { std::move(on_lost)(); })
        .IgnoreError();
  }

 private:
  BasePipeTransport& transport_;
  const std::shared_ptr<OpenTransport> share_;
  const std::shared_ptr<Protocol> protocol_;  // Until its function returns.
};

void BasePipeTransport::Lose(const absl::Status& status) {
  lost_ = true;
  const Loss loss(*this);
  protocol_->ConnectionLost(status);
}

void BasePipeTransport::LoopClosed() {
  closing_ = true;
  lost_ = true;
  Forget();
  pipe_.Close();
  std::exchange(on_lost_, nullptr) = nullptr;
  std::exchange(protocol_, nullptr).reset();
}

}  // namespace evkit::net_internal

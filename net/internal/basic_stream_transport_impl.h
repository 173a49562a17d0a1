// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Definitions of basic_stream_transport.h.

#ifndef EVKIT_NET_INTERNAL_BASIC_STREAM_TRANSPORT_IMPL_H_
#define EVKIT_NET_INTERNAL_BASIC_STREAM_TRANSPORT_IMPL_H_

#include <limits.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "evkit/base/check.h"
#include "evkit/base/errno_status.h"
#include "evkit/base/source_location.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/context.h"
#include "evkit/loop/error_context.h"
#include "evkit/loop/internal/exceptions.h"
#include "evkit/net/extra_info.h"
#include "evkit/net/internal/basic_stream_transport.h"
#include "evkit/net/internal/basic_stream_transport_writing.h"  // IWYU pragma: export
#include "evkit/net/internal/open_transports.h"
#include "evkit/net/internal/receive_buffer.h"
#include "evkit/net/internal/send_queue.h"
#include "evkit/net/internal/write_flow.h"
#include "evkit/net/protocol.h"
#include "evkit/net/socket.h"
#include "evkit/net/socket_address.h"
#include "evkit/net/transport.h"

namespace evkit::net_internal {

// As asyncio's. Of memory that is never filled the kernel provides none.
inline constexpr size_t kReceiveSize = size_t{256} * 1024;

// Made once: connections are reset all the time, and few ask with what text.
inline const absl::Status& ConnectionReset() {
  static const absl::Status& status =
      *new absl::Status(StatusFromErrno(ECONNRESET, "recv"));
  return status;
}

// --- Beginning ---------------------------------------------------------------

template <typename Driver>
BasicStreamTransport<Driver>::BasicStreamTransport(
    AbstractEventLoop& loop, Driver&& driver,
    std::shared_ptr<Protocol>&& protocol,
    std::optional<SocketAddress>&& peername,
    absl::AnyInvocable<void() &&>&& on_lost)
    : loop_(loop),
      protocol_(std::move(protocol)),
      on_lost_(on_lost ? std::make_unique<OnLost>(std::move(on_lost))
                       : nullptr),
      driver_(std::move(driver)) {
  EVKIT_CHECK(protocol_ != nullptr, "a transport needs a protocol");
  buffered_ = protocol_->AsBufferedProtocol() != nullptr;
  if (peername.has_value()) {
    peername_ = *std::move(peername);
  } else if (absl::StatusOr<SocketAddress> peer = driver_.PeerAddress();
             peer.ok()) {
    peername_ = *std::move(peer);
  }
}

// When its scope ends, however that happens.
template <typename Driver>
class BasicStreamTransport<Driver>::ReadingBegins {
 public:
  explicit ReadingBegins(BasicStreamTransport& transport)
      : transport_(transport) {}
  ReadingBegins(const ReadingBegins&) = delete;
  ReadingBegins& operator=(const ReadingBegins&) = delete;
  ~ReadingBegins() { transport_.BeginReading(); }

 private:
  BasicStreamTransport& transport_;
};

template <typename Driver>
void BasicStreamTransport<Driver>::Start(
    const std::shared_ptr<BasicStreamTransport>& transport,
    absl::AnyInvocable<void() &&> on_made) {
  BasicStreamTransport* const self = transport.get();
  AbstractEventLoop& loop = self->loop_;
  if (loop.IsClosed()) {
    self->LoopClosed();
    return;
  }
  OpenTransports& open = OpenTransports::Of(loop);
  open.Add(transport);
  // Nothing could come between the two.
  loop.CallSoon([self, &open] {
    const ReadingBegins afterwards(*self);
    self->protocol_->ConnectionMade(
        std::static_pointer_cast<BasicStreamTransport>(open.Get(*self)));
  });
  if (on_made) {
    loop.CallSoon(
        [on_made = std::move(on_made)]() mutable { std::move(on_made)(); });
  }
}

template <typename Driver>
std::string BasicStreamTransport<Driver>::Description() const {
  return absl::StrCat("<StreamTransport ", driver_.Name(),
                      closing_ ? " closing>" : ">");
}

template <typename Driver>
const void* BasicStreamTransport<Driver>::DoGetExtraInfo(
    const void* key) const {
  if (key == &kPeername) {
    return peername_.size() != 0 ? &peername_ : nullptr;
  }
  if (key == &kSockname) {
    std::optional<SocketAddress>& sockname = extra().sockname;
    if (!sockname.has_value() && driver_.is_open()) {
      absl::StatusOr<SocketAddress> local = driver_.LocalAddress();
      if (local.ok()) sockname = *std::move(local);
    }
    return sockname.has_value() ? &*sockname : nullptr;
  }
  auto* const self = const_cast<BasicStreamTransport*>(this);
  if (key == &kSocket && self->driver_.socket() != nullptr) {
    std::optional<SocketView>& view = extra().socket;
    if (!view.has_value()) view.emplace(self->driver_.socket());
    return &*view;
  }
  if (key == &kExclusiveSend) {
    if (extra().exclusive == nullptr) {
      extra().exclusive = std::make_unique<Exclusive>(*self);
      extra().exclusive_pointer = extra().exclusive.get();
    }
    return &extra().exclusive_pointer;
  }
  return nullptr;
}

template <typename Driver>
void BasicStreamTransport<Driver>::SetProtocol(
    std::shared_ptr<Protocol> protocol) {
  EVKIT_CHECK(protocol != nullptr, "a transport needs a protocol");
  if (protocol_ == nullptr) return;
  buffered_ = protocol->AsBufferedProtocol() != nullptr;
  std::shared_ptr<Protocol> old = std::exchange(protocol_, std::move(protocol));
  if (loop_.IsClosed()) return;
  // One of its functions may be what calls this.
  loop_.CallSoon([old = std::move(old)] {});
}

// --- Reading -----------------------------------------------------------------

template <typename Driver>
void BasicStreamTransport<Driver>::BeginReading() {
  may_read_ = true;
  if (IsReading()) WatchReadable();
}

template <typename Driver>
void BasicStreamTransport<Driver>::PauseReading() {
  if (!IsReading()) return;
  paused_ = true;
  UnwatchReadable();
}

template <typename Driver>
void BasicStreamTransport<Driver>::ResumeReading() {
  if (closing_ || !paused_) return;
  paused_ = false;
  if (may_read_) WatchReadable();
}

template <typename Driver>
void BasicStreamTransport<Driver>::WatchReadable() {
  if (loop_.IsClosed()) return;  // A destructor that runs as it closes.
  if (lender_ == nullptr) lender_ = &ReceiveBuffer::Of(loop_);
  absl::Status watched;
  // An event that the loop has of an earlier watch stays cancelled (TURN-18),
  // and what runs keeps its context: then the node is not free.
  bool by_node = !referenced();
  if (by_node) {
    Begin(SourceLocation::Here());
    watched = driver_.WatchReadable(loop_, static_cast<HandleNode&>(*this));
    Unref();
    by_node = !absl::IsUnimplemented(watched);
  }
  if (!by_node) {
    watched = driver_.WatchReadable(loop_, [this] { ReadReady(); });
  }
  reading_ = watched.ok();
  if (!watched.ok()) ForceClose(watched);
}

template <typename Driver>
void BasicStreamTransport<Driver>::UnwatchReadable() {
  if (!reading_) return;
  reading_ = false;
  driver_.UnwatchReadable(loop_);
}

template <typename Driver>
void BasicStreamTransport<Driver>::Run() {
  const loop_internal::ScopedContextCell in_context(context().cell());
  ReadReady();
}

template <typename Driver>
void BasicStreamTransport<Driver>::Release() {
  context().Clear();
  if (protocol_ != nullptr) return;
  // Destroys this, if nobody else has a share.
  std::exchange(protocol_, nullptr).reset();
}

template <typename Driver>
void BasicStreamTransport<Driver>::Left(
    const std::shared_ptr<OpenTransport>& share) {
  // A null pointer that owns: few bytes, and no allocation, for what happens at
  // the end of most connections.
  if (referenced()) protocol_ = std::shared_ptr<Protocol>(share, nullptr);
}

template <typename Driver>
void BasicStreamTransport<Driver>::ReadReady() {
  if (buffered_ || closing_) {
    // About to be lost, and then no longer watched.
    if (!closing_) ReadIntoProtocol();
    return;
  }
  const absl::Span<char> buffer = lender_->Lend(kReceiveSize);
  const IoResult received = driver_.Receive(buffer);
  if (received.bytes() == 0) {
    NothingReceived(received);
    return;
  }
  Deliver("Fatal error: protocol.DataReceived() call failed.", [&] {
    protocol_->DataReceived(absl::string_view(buffer.data(), received.bytes()));
  });
}

template <typename Driver>
void BasicStreamTransport<Driver>::NothingReceived(IoResult received) {
  if (received.ok()) {
    EndOfStream();
  } else if (received.error() == ECONNRESET) {
    ForceClose(ConnectionReset());
  } else if (received.failed()) {
    ForceClose(received.ToStatus(CallText("recv")));
  }
}

template <typename Driver>
void BasicStreamTransport<Driver>::DeliveryFailed(const char* message,
                                                  std::exception_ptr thrown) {
  absl::Status status = absl::UnknownError(
      absl::StrCat("exception: ", loop_internal::DescribeException(thrown)));
  ErrorContext error(message);
  error.exception = std::move(thrown);
  error.details["transport"] = Description();
  loop_.CallExceptionHandler(error);
  ForceClose(std::move(status));
}

template <typename Driver>
void BasicStreamTransport<Driver>::ReadIntoProtocol() {
  const std::shared_ptr<Protocol> protocol = protocol_;
  BufferedProtocol& receiver = *protocol->AsBufferedProtocol();
  constexpr char kGetBufferFailed[] =
      "Fatal error: protocol.GetBuffer() call failed.";
  absl::Span<char> buffer;
  absl::Status called =
      CallProtocol(kGetBufferFailed, [&] { buffer = receiver.GetBuffer(-1); });
  if (called.ok() && buffer.empty()) {
    called =
        absl::FailedPreconditionError("GetBuffer() returned an empty buffer");
    ErrorContext error(kGetBufferFailed);
    error.status = called;
    error.details["transport"] = Description();
    loop_.CallExceptionHandler(error);
  }
  if (!called.ok()) {
    ForceClose(std::move(called));
    return;
  }
  // GetBuffer() may have changed its mind about all of this.
  if (!IsReading() || protocol_ != protocol) return;
  const IoResult received = driver_.Receive(buffer);
  if (received.bytes() == 0) {
    NothingReceived(received);
    return;
  }
  Deliver("Fatal error: protocol.BufferUpdated() call failed.",
          [&] { receiver.BufferUpdated(received.bytes()); });
}

// When its scope ends, however that happens; unless the end of the connection,
// which costs less, sees to it.
template <typename Driver>
class BasicStreamTransport<Driver>::ReadingEnds {
 public:
  explicit ReadingEnds(BasicStreamTransport& transport)
      : transport_(transport) {}
  ReadingEnds(const ReadingEnds&) = delete;
  ReadingEnds& operator=(const ReadingEnds&) = delete;
  ~ReadingEnds() {
    if (!transport_.lost_) transport_.UnwatchReadable();
  }

 private:
  BasicStreamTransport& transport_;
};

template <typename Driver>
void BasicStreamTransport<Driver>::EndOfStream() {
  may_read_ = false;
  const ReadingEnds afterwards(*this);
  bool keep_open = false;
  absl::Status called =
      CallProtocol("Fatal error: protocol.EofReceived() call failed.",
                   [&] { keep_open = protocol_->EofReceived(); });
  if (!called.ok()) {
    ForceClose(std::move(called));
  } else if (!keep_open) {
    Close();
  }
}

// --- Ending ------------------------------------------------------------------

template <typename Driver>
void BasicStreamTransport<Driver>::Close() {
  if (closing_) return;
  closing_ = true;
  if (HasBacklog()) {
    UnwatchReadable();
  } else {
    QueueLoss(absl::OkStatus());
  }
}

template <typename Driver>
void BasicStreamTransport<Driver>::ForceClose(absl::Status status) {
  if (lost_) return;
  closing_ = true;
  if (extra_ != nullptr) extra_->queue.Clear();
  QueueLoss(std::move(status));
}

template <typename Driver>
void BasicStreamTransport<Driver>::QueueLoss(absl::Status status) {
  lost_ = true;  // Still watched, until it is closed: that makes one of both.
  // The destructor of somebody else's protocol; our turn to be closed comes.
  if (loop_.IsClosed()) return;
  if (status.ok()) {  // Cheaper to queue, and to run.
    loop_.CallSoon([this] { Lose(absl::OkStatus()); });
  } else {
    loop_.CallSoon([this, status = std::move(status)] { Lose(status); });
  }
}

template <typename Driver>
class BasicStreamTransport<Driver>::Loss {
 public:
  explicit Loss(BasicStreamTransport& transport)
      : transport_(transport),
        share_(OpenTransports::Of(transport.loop_).Remove(transport)),
        protocol_(transport.protocol_) {}
  Loss(const Loss&) = delete;
  Loss& operator=(const Loss&) = delete;
  ~Loss() {
    transport_.protocol_.reset();
    transport_.CloseDriver();
    transport_.Left(share_);
    transport_.TellProgress();
    const std::unique_ptr<OnLost> on_lost = std::move(transport_.on_lost_);
    if (on_lost == nullptr) return;
    transport_.CallProtocol("on_lost failed", [&] { std::move (*on_lost)(); })
        .IgnoreError();
  }

 private:
  BasicStreamTransport& transport_;
  const std::shared_ptr<OpenTransport> share_;
  const std::shared_ptr<Protocol> protocol_;  // Until its function returns.
};

template <typename Driver>
void BasicStreamTransport<Driver>::Lose(const absl::Status& status) {
  lost_ = true;
  const Loss loss(*this);
  if (exclusive_) extra().loss = status;
  protocol_->ConnectionLost(status);
}

template <typename Driver>
void BasicStreamTransport<Driver>::CloseDriver() {
  if (reading_ || writing_) driver_.UnwatchBeforeClose(loop_);
  reading_ = false;
  writing_ = false;
  driver_.Close();
}

template <typename Driver>
void BasicStreamTransport<Driver>::LoopClosed() {
  closing_ = true;
  lost_ = true;
  if (extra_ != nullptr) extra_->queue.Clear();
  reading_ = false;
  writing_ = false;
  driver_.Close();
  std::exchange(on_lost_, nullptr).reset();
  std::exchange(protocol_, nullptr).reset();
}

}  // namespace evkit::net_internal

#endif  // EVKIT_NET_INTERNAL_BASIC_STREAM_TRANSPORT_IMPL_H_

// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/tls/internal/tls_transport.h"

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "evkit/base/errno_status.h"
#include "evkit/loop/error_context.h"
#include "evkit/net/internal/call_protocol.h"
#include "evkit/net/internal/receive_buffer.h"

namespace evkit::net_internal {
namespace {

// Undelivered bytes at which the transport below is paused (TLS-16).
constexpr size_t kReadHigh = 262144;
// The largest record's plaintext.
constexpr size_t kRecordSize = 16384;

}  // namespace

std::string TlsTransport::Description() const {
  constexpr const char* kStates[] = {"in the handshake", "open", "closing",
                                     "closing", "lost"};
  return absl::StrCat("<TlsTransport ", kStates[static_cast<int>(state_)], ">");
}

template <typename F>
bool TlsTransport::Call(const char* function, F call) {
  absl::Status status = TryCallProtocol(
      loop_,
      absl::StrCat("Fatal error: protocol.", function, "() call failed."),
      [this] { return Description(); }, call);
  if (status.ok()) return true;
  Fatal(std::move(status));
  return false;
}

void TlsTransport::ConnectionMade(std::shared_ptr<Transport> below) {
  below_ = std::move(below);
  OpenTransports::Of(loop_).Add(shared_from_this());
  kept_by_loop_ = true;
  StartTimeout(
      options_.handshake_timeout,
      StatusFromErrno(
          ECONNABORTED,
          absl::StrCat("TLS handshake is taking longer than ",
                       absl::FormatDuration(options_.handshake_timeout),
                       ": aborting the connection")));
  Handshake();
}

void TlsTransport::StartTimeout(absl::Duration delay, absl::Status error) {
  timeout_.Cancel();
  timeout_ = loop_.CallLater(
      delay, [weak = weak_from_this(), error = std::move(error)] {
        const std::shared_ptr<TlsTransport> self = weak.lock();
        if (self == nullptr) return;
        if (self->state_ == State::kHandshake) {
          self->FailHandshake(error);
        } else {
          self->error_ = error;
        }
        self->state_ = State::kEnding;
        self->below_->Abort();
      });
}

void TlsTransport::Handshake() {
  const absl::StatusOr<bool> done = engine_->Handshake();
  Flush();
  if (!done.ok()) {
    FailHandshake(done.status());
  } else if (*done) {
    HandshakeDone();
  } else if (at_eof_) {
    FailHandshake(StatusFromErrno(ECONNRESET, "TLS handshake"));
  }
}

void TlsTransport::HandshakeDone() {
  timeout_.Cancel();
  state_ = State::kOpen;
  info_ = engine_->info();
  const std::shared_ptr<TlsTransport> self = shared_from_this();
  if (options_.call_connection_made) {
    const std::shared_ptr<Protocol> protocol = protocol_;
    CallProtocol(
        loop_, "Exception in protocol.ConnectionMade()",
        [this] { return Description(); },
        [&] { protocol->ConnectionMade(self); });
  }
  if (on_ready_ != nullptr) {
    std::exchange(on_ready_, nullptr)(std::shared_ptr<Transport>(self));
  }
  if (options_.call_connection_made) {
    Deliver();
    return;
  }
  // The protocol still has the transport below in hand: whoever waits for
  // `on_ready_` is queued, and gives it this one first.
  loop_.CallSoon([self] {
    self->MaybeResume();
    self->Deliver();
  });
}

void TlsTransport::FailHandshake(absl::Status error) {
  if (state_ != State::kHandshake) return;
  state_ = State::kEnding;
  if (options_.call_connection_made) {
    protocol_ = nullptr;
  } else if (error_.ok()) {
    error_ = error;
  }
  timeout_.Cancel();
  const std::shared_ptr<TlsTransport> self = shared_from_this();
  CloseBelow();
  if (on_ready_ != nullptr) {
    std::exchange(on_ready_, nullptr)(std::move(error));
  }
}

void TlsTransport::DataReceived(absl::string_view ciphertext) {
  const std::shared_ptr<TlsTransport> self = shared_from_this();
  switch (state_) {
    case State::kHandshake:
      engine_->Feed(ciphertext);
      Handshake();
      return;
    case State::kOpen:
      // What was kept back goes first.
      if (reading_paused_ || delivery_queued_) {
        input_.append(ciphertext.data(), ciphertext.size());
        if (input_.size() >= kReadHigh && !below_reading_paused_) {
          below_reading_paused_ = true;
          below_->PauseReading();
        }
        return;
      }
      engine_->Feed(ciphertext);
      Deliver();
      return;
    case State::kClosing:
      engine_->Feed(ciphertext);
      AwaitPeerClose();
      return;
    case State::kEnding:
    case State::kLost:
      return;
  }
}

bool TlsTransport::EofReceived() {
  const std::shared_ptr<TlsTransport> self = shared_from_this();
  at_eof_ = true;
  switch (state_) {
    case State::kHandshake:
      engine_->FeedEof();
      Handshake();
      return false;
    case State::kOpen:
      // What is kept back is delivered before the end.
      if (reading_paused_ || delivery_queued_) return true;
      engine_->FeedEof();
      Deliver();
      return state_ == State::kOpen;
    default:
      return false;
  }
}

void TlsTransport::Deliver() {
  const std::shared_ptr<TlsTransport> self = shared_from_this();
  while (state_ == State::kOpen && !reading_paused_ && !below_->IsClosing()) {
    const std::shared_ptr<Protocol> protocol = protocol_;
    BufferedProtocol* const buffered = protocol->AsBufferedProtocol();
    if (!(buffered != nullptr ? DeliverBuffered(*buffered) : DeliverJoined())) {
      return;
    }
  }
}

bool TlsTransport::DeliverJoined() {
  // What the transport below has lent has been fed: the memory is free again.
  const absl::Span<char> memory = ReceiveBuffer::Of(loop_).Lend(kReadHigh);
  size_t size = 0;
  absl::StatusOr<std::optional<size_t>> read;
  do {
    read = engine_->Read(memory.subspan(size));
    if (!read.ok() || !read->has_value() || **read == 0) break;
    size += **read;
  } while (size < memory.size());
  Flush();
  if (size > 0) {
    const std::shared_ptr<Protocol> protocol = protocol_;
    const absl::string_view plaintext(memory.data(), size);
    if (!Call("DataReceived", [&] { protocol->DataReceived(plaintext); })) {
      return false;
    }
  }
  return size == memory.size() || EndOfRead(read);
}

bool TlsTransport::DeliverBuffered(BufferedProtocol& protocol) {
  absl::Span<char> buffer;
  if (!Call("GetBuffer", [&] { buffer = protocol.GetBuffer(-1); })) {
    return false;
  }
  if (buffer.empty()) {
    ErrorContext error("Fatal error: protocol.GetBuffer() call failed.");
    error.status =
        absl::FailedPreconditionError("GetBuffer() returned an empty buffer");
    error.details["transport"] = Description();
    loop_.CallExceptionHandler(error);
    Fatal(error.status);
    return false;
  }
  // It may have changed its mind about all of this.
  if (state_ != State::kOpen || reading_paused_ ||
      protocol_.get() != &protocol) {
    return true;
  }
  const absl::StatusOr<std::optional<size_t>> read = engine_->Read(buffer);
  Flush();
  if (!read.ok() || !read->has_value() || **read == 0) return EndOfRead(read);
  return Call("BufferUpdated", [&] { protocol.BufferUpdated(**read); });
}

bool TlsTransport::EndOfRead(
    const absl::StatusOr<std::optional<size_t>>& read) {
  if (state_ != State::kOpen) return false;
  if (!read.ok()) {
    Fatal(read.status());
    return false;
  }
  if (read->has_value()) PeerClosed();
  return false;
}

void TlsTransport::PeerClosed() {
  peer_closed_ = true;
  const std::shared_ptr<Protocol> protocol = protocol_;
  if (Call("EofReceived", [&] { protocol->EofReceived(); })) Close();
}

void TlsTransport::AwaitPeerClose() {
  char dropped[kRecordSize];
  while (state_ == State::kClosing && !peer_closed_) {
    const absl::StatusOr<std::optional<size_t>> read =
        engine_->Read(absl::MakeSpan(dropped));
    if (read.ok() && !read->has_value()) break;
    // An error ends the wait as well: nobody listens any more.
    peer_closed_ = !read.ok() || **read == 0;
  }
  Flush();
}

void TlsTransport::ConnectionLost(const absl::Status& status) {
  const std::shared_ptr<TlsTransport> self = shared_from_this();
  timeout_.Cancel();
  if (state_ == State::kHandshake) {
    FailHandshake(status.ok() ? StatusFromErrno(ECONNABORTED, "TLS handshake")
                              : status);
  }
  if (error_.ok()) error_ = status;
  state_ = State::kLost;
  output_.clear();
  below_ = nullptr;
  if (std::exchange(kept_by_loop_, false)) {
    OpenTransports::Of(loop_).Remove(*this);
  }
  const std::shared_ptr<Protocol> protocol = std::exchange(protocol_, nullptr);
  if (protocol == nullptr) return;
  CallProtocol(
      loop_, "Exception in protocol.ConnectionLost()",
      [this] { return Description(); },
      [&] { protocol->ConnectionLost(error_); });
}

absl::Status TlsTransport::Write(absl::string_view data) {
  if (state_ == State::kHandshake) {
    return absl::FailedPreconditionError("Write: before the TLS handshake");
  }
  if (state_ != State::kOpen || data.empty()) return absl::OkStatus();
  Encrypt(data);
  Flush();
  MaybePause();
  return absl::OkStatus();
}

absl::Status TlsTransport::WriteLines(
    absl::Span<const absl::string_view> pieces) {
  if (state_ == State::kHandshake) {
    return absl::FailedPreconditionError("Write: before the TLS handshake");
  }
  for (const absl::string_view piece : pieces) {
    if (state_ == State::kOpen && !piece.empty()) Encrypt(piece);
  }
  Flush();
  MaybePause();
  return absl::OkStatus();
}

void TlsTransport::Encrypt(absl::string_view data) {
  absl::Status status = engine_->Write(data);
  if (!status.ok()) Fatal(std::move(status));
}

void TlsTransport::Flush() {
  if (below_ == nullptr || below_paused_) {
    engine_->TakeOutput(&output_);
  } else {
    absl::Status status;
    if (!output_.empty()) {
      status = below_->Write(std::exchange(output_, std::string()));
    }
    if (const absl::string_view output = engine_->PendingOutput();
        status.ok() && !output.empty()) {
      status = below_->Write(output);
      engine_->ConsumeOutput();
    }
    if (!status.ok()) Fatal(std::move(status));
  }
  if (state_ == State::kClosing && peer_closed_ && output_.empty()) {
    CloseBelow();
  }
}

void TlsTransport::CloseBelow() {
  state_ = State::kEnding;
  timeout_.Cancel();
  if (below_ == nullptr) return;
  // The rest must not wait for ever for a peer that does not take it.
  if (below_->GetWriteBufferSize() > 0) {
    StartTimeout(options_.shutdown_timeout,
                 absl::DeadlineExceededError("TLS shutdown timed out"));
  }
  below_->Close();
}

void TlsTransport::ResumeWriting() {
  const std::shared_ptr<TlsTransport> self = shared_from_this();
  // Paused before there was this layer: it was the protocol that was told.
  if (!below_paused_) above_paused_ = true;
  below_paused_ = false;
  Flush();
  MaybeResume();
}

void TlsTransport::MaybePause() {
  if (above_paused_ || output_.size() < limits_.high || output_.empty() ||
      protocol_ == nullptr || loop_.IsClosed()) {
    return;
  }
  above_paused_ = true;
  const std::shared_ptr<Protocol> protocol = protocol_;
  CallProtocol(
      loop_, "protocol.PauseWriting() failed", [this] { return Description(); },
      [&] { protocol->PauseWriting(); });
}

void TlsTransport::MaybeResume() {
  if (!above_paused_ || output_.size() > limits_.low ||
      state_ != State::kOpen || IsClosing()) {
    return;
  }
  above_paused_ = false;
  const std::shared_ptr<Protocol> protocol = protocol_;
  CallProtocol(
      loop_, "protocol.ResumeWriting() failed",
      [this] { return Description(); }, [&] { protocol->ResumeWriting(); });
}

absl::Status TlsTransport::SetWriteBufferLimits(std::optional<size_t> high,
                                                std::optional<size_t> low) {
  WriteBufferLimits limits = kLimits;
  if (high.has_value() || low.has_value()) {
    limits.high = high.has_value() ? *high : 4 * *low;
    limits.low = low.has_value() ? *low : *high / 4;
  }
  if (limits.low > limits.high) {
    return absl::InvalidArgumentError(
        absl::StrCat("SetWriteBufferLimits: high (", limits.high,
                     ") must be >= low (", limits.low, ")"));
  }
  limits_ = limits;
  MaybePause();
  return absl::OkStatus();
}

void TlsTransport::ResumeReading() {
  reading_paused_ = false;
  if (delivery_queued_ || state_ != State::kOpen || loop_.IsClosed()) return;
  delivery_queued_ = true;
  loop_.CallSoon([self = shared_from_this()] {
    self->delivery_queued_ = false;
    if (self->state_ != State::kOpen || self->reading_paused_) return;
    if (self->below_reading_paused_) {
      self->below_reading_paused_ = false;
      self->below_->ResumeReading();
    }
    self->engine_->Feed(std::exchange(self->input_, std::string()));
    if (self->at_eof_) self->engine_->FeedEof();
    self->Deliver();
  });
}

void TlsTransport::Close() {
  if (state_ == State::kHandshake) {
    Abort();
    return;
  }
  // A destructor may call this while the loop closes its transports.
  if (state_ != State::kOpen || loop_.IsClosed()) return;
  state_ = State::kClosing;
  StartTimeout(options_.shutdown_timeout,
               absl::DeadlineExceededError("TLS shutdown timed out"));
  if (absl::Status status = engine_->Shutdown(); !status.ok()) {
    Fatal(std::move(status));
    return;
  }
  if (below_reading_paused_) {
    below_reading_paused_ = false;
    below_->ResumeReading();
  }
  engine_->Feed(std::exchange(input_, std::string()));
  if (at_eof_) peer_closed_ = true;
  AwaitPeerClose();
}

void TlsTransport::Abort() {
  if (state_ >= State::kEnding || below_ == nullptr || loop_.IsClosed()) return;
  if (state_ == State::kHandshake) {
    loop_.CallSoon([self = shared_from_this()] {
      self->FailHandshake(StatusFromErrno(ECONNABORTED, "TLS handshake"));
    });
  } else {
    state_ = State::kEnding;
  }
  timeout_.Cancel();
  output_.clear();
  below_->Abort();
}

void TlsTransport::Fatal(absl::Status error) {
  if (state_ >= State::kEnding) return;
  if (error_.ok()) error_ = std::move(error);
  engine_->TakeOutput(&output_);
  if (below_ != nullptr && !below_paused_ && !output_.empty()) {
    // An alert; if it does not get through, the connection ends all the same.
    below_->Write(std::exchange(output_, std::string())).IgnoreError();
  }
  CloseBelow();
}

const void* TlsTransport::DoGetExtraInfo(const void* key) const {
  if (key == &kTlsInfo) return info_.has_value() ? &*info_ : nullptr;
  return below_ == nullptr ? nullptr : below_->GetExtraInfoByAddress(key);
}

}  // namespace evkit::net_internal

// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/tls/tls_layer.h"

#include <cerrno>
#include <cstddef>
#include <exception>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "evkit/base/check.h"
#include "evkit/base/errno_status.h"
#include "evkit/loop/error_context.h"
#include "evkit/loop/internal/exceptions.h"
#include "evkit/net/internal/call_protocol.h"
#include "evkit/net/internal/open_transports.h"

namespace evkit {
namespace {

using net_internal::CallProtocol;
using net_internal::OpenTransport;
using net_internal::OpenTransports;

constexpr WriteBufferLimits kWriteLimits(131072, 524288);
// Undelivered bytes at which the transport below is paused (TLS-16).
constexpr size_t kReadHigh = 262144;
// The largest record's plaintext.
constexpr size_t kRecordSize = 16384;

class TlsLayer final : public Protocol,
                       public Transport,
                       public OpenTransport,
                       public std::enable_shared_from_this<TlsLayer> {
 public:
  TlsLayer(AbstractEventLoop& loop, std::unique_ptr<TlsEngine> engine,
           std::shared_ptr<Protocol> protocol, TlsLayerOptions options,
           TlsReady on_ready)
      : loop_(loop),
        engine_(std::move(engine)),
        protocol_(std::move(protocol)),
        options_(options),
        on_ready_(std::move(on_ready)) {}
  ~TlsLayer() override { timeout_.Cancel(); }

  // Called by the transport below.
  void ConnectionMade(std::shared_ptr<Transport> below) override;
  void DataReceived(absl::string_view ciphertext) override;
  bool EofReceived() override;
  void ConnectionLost(const absl::Status& status) override;
  void PauseWriting() override { below_paused_ = true; }
  void ResumeWriting() override;

  // Called from above.
  void Close() override;
  void Abort() override;
  bool IsClosing() const override {
    return state_ >= State::kClosing ||
           (below_ != nullptr && below_->IsClosing());
  }
  absl::Status SetWriteBufferLimits(std::optional<size_t> high,
                                    std::optional<size_t> low) override;
  WriteBufferLimits GetWriteBufferLimits() const override { return limits_; }
  size_t GetWriteBufferSize() const override { return output_.size(); }
  AbstractEventLoop& loop() const override { return loop_; }
  absl::Status Write(absl::string_view data) override;
  absl::Status WriteLines(absl::Span<const absl::string_view> pieces) override;
  absl::Status WriteEof() override {
    return absl::UnimplementedError("WriteEof: TLS has no half-close");
  }
  bool CanWriteEof() const override { return false; }
  void PauseReading() override { reading_paused_ = true; }
  void ResumeReading() override;
  bool IsReading() const override { return !reading_paused_ && !IsClosing(); }
  void SetProtocol(std::shared_ptr<Protocol> protocol) override {
    EVKIT_CHECK(protocol != nullptr, "SetProtocol: null");
    if (protocol_ != nullptr) protocol_ = std::move(protocol);
  }
  std::shared_ptr<Protocol> GetProtocol() const override { return protocol_; }

  void LoopClosed() override {
    state_ = State::kLost;
    kept_by_loop_ = false;
    on_ready_ = nullptr;
    below_ = nullptr;
    protocol_ = nullptr;
  }

 private:
  // In this order.
  enum class State {
    kHandshake,
    kOpen,
    kClosing,  // close_notify is sent; waits for the peer's.
    kEnding,   // The transport below is being closed.
    kLost,
  };

  const void* DoGetExtraInfo(const void* key) const override;

  void Handshake();
  void HandshakeDone();
  void FailHandshake(absl::Status error);
  void Deliver();
  // False if that was the end.
  bool DeliverBuffered(BufferedProtocol& protocol);
  bool DeliverJoined();
  // What `Read()` gave when there was no more to read for now; whether the
  // connection goes on.
  bool EndOfRead(const absl::StatusOr<std::optional<size_t>>& read);
  void PeerClosed();
  // Drops what the peer sends, up to its close_notify.
  void AwaitPeerClose();
  void Encrypt(absl::string_view data);
  void Flush();
  void MaybePause();
  void MaybeResume();
  void StartTimeout(absl::Duration delay, absl::Status error);
  // Ends the connection because of an error: tells the peer why if there is
  // something to tell.
  void Fatal(absl::Status error);
  std::string Description() const;
  // False if it threw: then the connection is being ended.
  template <typename F>
  bool Call(const char* function, F call);
  void CloseBelow();

  AbstractEventLoop& loop_;
  const std::unique_ptr<TlsEngine> engine_;
  std::shared_ptr<Protocol> protocol_;
  const TlsLayerOptions options_;
  TlsReady on_ready_;
  std::shared_ptr<Transport> below_;
  std::optional<TlsInfo> info_;
  State state_ = State::kHandshake;
  std::string input_;   // From the peer, while reading is paused.
  std::string output_;  // For the peer, while the transport below is paused.
  WriteBufferLimits limits_ = kWriteLimits;
  TimerHandle timeout_;
  absl::Status error_;  // What `ConnectionLost()` is to be told.
  bool kept_by_loop_ = false;
  bool reading_paused_ = false;
  bool delivery_queued_ = false;
  bool below_paused_ = false;          // It cannot take more to send.
  bool below_reading_paused_ = false;  // By this.
  bool above_paused_ = false;          // Told to the protocol.
  bool peer_closed_ = false;
  bool at_eof_ = false;
};

std::string TlsLayer::Description() const {
  constexpr const char* kStates[] = {"in the handshake", "open", "closing",
                                     "closing", "lost"};
  return absl::StrCat("<TlsTransport ", kStates[static_cast<int>(state_)], ">");
}

template <typename F>
bool TlsLayer::Call(const char* function, F call) {
  const std::exception_ptr thrown = loop_internal::CatchExceptions(call);
  if (thrown == nullptr) return true;
  ErrorContext report(
      absl::StrCat("Fatal error: protocol.", function, "() call failed."));
  report.exception = thrown;
  report.details["transport"] = Description();
  loop_.CallExceptionHandler(report);
  Fatal(absl::UnknownError(absl::StrCat(
      function, ": exception: ", loop_internal::DescribeException(thrown))));
  return false;
}

void TlsLayer::ConnectionMade(std::shared_ptr<Transport> below) {
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

void TlsLayer::StartTimeout(absl::Duration delay, absl::Status error) {
  timeout_.Cancel();
  timeout_ = loop_.CallLater(
      delay, [weak = weak_from_this(), error = std::move(error)] {
        const std::shared_ptr<TlsLayer> self = weak.lock();
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

void TlsLayer::Handshake() {
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

void TlsLayer::HandshakeDone() {
  timeout_.Cancel();
  state_ = State::kOpen;
  info_ = engine_->info();
  const std::shared_ptr<TlsLayer> self = shared_from_this();
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
  Deliver();
}

void TlsLayer::FailHandshake(absl::Status error) {
  if (state_ != State::kHandshake) return;
  state_ = State::kEnding;
  protocol_ = nullptr;
  timeout_.Cancel();
  const std::shared_ptr<TlsLayer> self = shared_from_this();
  CloseBelow();
  if (on_ready_ != nullptr) {
    std::exchange(on_ready_, nullptr)(std::move(error));
  }
}

void TlsLayer::DataReceived(absl::string_view ciphertext) {
  const std::shared_ptr<TlsLayer> self = shared_from_this();
  switch (state_) {
    case State::kHandshake:
      engine_->Feed(ciphertext);
      Handshake();
      return;
    case State::kOpen:
      if (reading_paused_) {
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

bool TlsLayer::EofReceived() {
  const std::shared_ptr<TlsLayer> self = shared_from_this();
  at_eof_ = true;
  switch (state_) {
    case State::kHandshake:
      engine_->FeedEof();
      Handshake();
      return false;
    case State::kOpen:
      // What is kept back is delivered before the end.
      if (reading_paused_) return true;
      engine_->FeedEof();
      Deliver();
      return state_ == State::kOpen;
    default:
      return false;
  }
}

void TlsLayer::Deliver() {
  const std::shared_ptr<TlsLayer> self = shared_from_this();
  while (state_ == State::kOpen && !reading_paused_ && !below_->IsClosing()) {
    const std::shared_ptr<Protocol> protocol = protocol_;
    BufferedProtocol* const buffered = protocol->AsBufferedProtocol();
    if (!(buffered != nullptr ? DeliverBuffered(*buffered) : DeliverJoined())) {
      return;
    }
  }
}

bool TlsLayer::DeliverJoined() {
  std::string plaintext;
  absl::StatusOr<std::optional<size_t>> read;
  for (;;) {
    const size_t size = plaintext.size();
    plaintext.resize(size + kRecordSize);
    read = engine_->Read(absl::MakeSpan(&plaintext[size], kRecordSize));
    const bool more = read.ok() && read->has_value() && **read > 0;
    plaintext.resize(size + (more ? **read : 0));
    if (!more) break;
  }
  Flush();
  if (!plaintext.empty()) {
    const std::shared_ptr<Protocol> protocol = protocol_;
    if (!Call("DataReceived", [&] { protocol->DataReceived(plaintext); })) {
      return false;
    }
  }
  return EndOfRead(read);
}

bool TlsLayer::DeliverBuffered(BufferedProtocol& protocol) {
  absl::Span<char> buffer;
  if (!Call("GetBuffer", [&] { buffer = protocol.GetBuffer(-1); })) {
    return false;
  }
  if (buffer.empty()) {
    Fatal(absl::FailedPreconditionError(
        "protocol.GetBuffer() returned an empty buffer"));
    return false;
  }
  const absl::StatusOr<std::optional<size_t>> read = engine_->Read(buffer);
  Flush();
  if (!read.ok() || !read->has_value() || **read == 0) return EndOfRead(read);
  return Call("BufferUpdated", [&] { protocol.BufferUpdated(**read); });
}

bool TlsLayer::EndOfRead(const absl::StatusOr<std::optional<size_t>>& read) {
  if (state_ != State::kOpen) return false;
  if (!read.ok()) {
    Fatal(read.status());
    return false;
  }
  if (read->has_value()) PeerClosed();
  return false;
}

void TlsLayer::PeerClosed() {
  peer_closed_ = true;
  const std::shared_ptr<Protocol> protocol = protocol_;
  if (Call("EofReceived", [&] { protocol->EofReceived(); })) Close();
}

void TlsLayer::AwaitPeerClose() {
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

void TlsLayer::ConnectionLost(const absl::Status& status) {
  const std::shared_ptr<TlsLayer> self = shared_from_this();
  timeout_.Cancel();
  if (state_ == State::kHandshake) {
    FailHandshake(status.ok() ? StatusFromErrno(ECONNRESET, "TLS handshake")
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

absl::Status TlsLayer::Write(absl::string_view data) {
  if (state_ == State::kHandshake) {
    return absl::FailedPreconditionError("Write: before the TLS handshake");
  }
  if (state_ != State::kOpen || data.empty()) return absl::OkStatus();
  Encrypt(data);
  Flush();
  MaybePause();
  return absl::OkStatus();
}

absl::Status TlsLayer::WriteLines(absl::Span<const absl::string_view> pieces) {
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

void TlsLayer::Encrypt(absl::string_view data) {
  absl::Status status = engine_->Write(data);
  if (!status.ok()) Fatal(std::move(status));
}

void TlsLayer::Flush() {
  engine_->TakeOutput(&output_);
  if (below_ != nullptr && !below_paused_ && !output_.empty()) {
    const std::string output = std::exchange(output_, std::string());
    absl::Status status = below_->Write(output);
    if (!status.ok()) Fatal(std::move(status));
  }
  if (state_ == State::kClosing && peer_closed_ && output_.empty()) {
    CloseBelow();
  }
}

void TlsLayer::CloseBelow() {
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

void TlsLayer::ResumeWriting() {
  const std::shared_ptr<TlsLayer> self = shared_from_this();
  below_paused_ = false;
  Flush();
  MaybeResume();
}

void TlsLayer::MaybePause() {
  if (above_paused_ || output_.size() < limits_.high || output_.empty() ||
      protocol_ == nullptr) {
    return;
  }
  above_paused_ = true;
  const std::shared_ptr<Protocol> protocol = protocol_;
  CallProtocol(
      loop_, "protocol.PauseWriting() failed", [this] { return Description(); },
      [&] { protocol->PauseWriting(); });
}

void TlsLayer::MaybeResume() {
  if (!above_paused_ || output_.size() > limits_.low || IsClosing() ||
      protocol_ == nullptr) {
    return;
  }
  above_paused_ = false;
  const std::shared_ptr<Protocol> protocol = protocol_;
  CallProtocol(
      loop_, "protocol.ResumeWriting() failed",
      [this] { return Description(); }, [&] { protocol->ResumeWriting(); });
}

absl::Status TlsLayer::SetWriteBufferLimits(std::optional<size_t> high,
                                            std::optional<size_t> low) {
  WriteBufferLimits limits = kWriteLimits;
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

void TlsLayer::ResumeReading() {
  reading_paused_ = false;
  if (delivery_queued_ || state_ != State::kOpen) return;
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

void TlsLayer::Close() {
  if (state_ == State::kHandshake) {
    Abort();
    return;
  }
  if (state_ != State::kOpen) return;
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

void TlsLayer::Abort() {
  if (state_ >= State::kEnding || below_ == nullptr) return;
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

void TlsLayer::Fatal(absl::Status error) {
  if (state_ >= State::kEnding) return;
  if (error_.ok()) error_ = std::move(error);
  engine_->TakeOutput(&output_);
  if (below_ != nullptr && !below_paused_ && !output_.empty()) {
    // An alert; if it does not get through, the connection ends all the same.
    below_->Write(std::exchange(output_, std::string())).IgnoreError();
  }
  CloseBelow();
}

const void* TlsLayer::DoGetExtraInfo(const void* key) const {
  if (key == &kTlsInfo) return info_.has_value() ? &*info_ : nullptr;
  return below_ == nullptr ? nullptr : below_->GetExtraInfoByAddress(key);
}

}  // namespace

absl::StatusOr<std::shared_ptr<Protocol>> NewTlsLayer(
    AbstractEventLoop& loop, std::unique_ptr<TlsEngine> engine,
    std::shared_ptr<Protocol> protocol, TlsLayerOptions options,
    TlsReady on_ready) {
  EVKIT_CHECK(engine != nullptr && protocol != nullptr, "NewTlsLayer: null");
  for (const absl::Duration timeout :
       {options.handshake_timeout, options.shutdown_timeout}) {
    if (timeout > absl::ZeroDuration()) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "a TLS timeout must be positive, not ", absl::FormatDuration(timeout)));
  }
  return std::make_shared<TlsLayer>(loop, std::move(engine),
                                    std::move(protocol), options,
                                    std::move(on_ready));
}

}  // namespace evkit

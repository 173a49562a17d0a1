// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Definitions of basic_stream_transport.h: the way out.

#ifndef EVKIT_NET_INTERNAL_BASIC_STREAM_TRANSPORT_WRITING_H_
#define EVKIT_NET_INTERNAL_BASIC_STREAM_TRANSPORT_WRITING_H_

#include <limits.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "evkit/base/errno_status.h"
#include "evkit/loop/error_context.h"
#include "evkit/net/internal/basic_stream_transport.h"
#include "evkit/net/internal/exclusive_send.h"
#include "evkit/net/internal/open_transports.h"
#include "evkit/net/internal/send_queue.h"
#include "evkit/net/internal/write_flow.h"
#include "evkit/net/protocol.h"
#include "evkit/net/socket.h"
#include "evkit/net/transport.h"

namespace evkit::net_internal {

// How many dropped writes pass before one is logged (TR-08).
inline constexpr uint8_t kDroppedWritesBeforeWarning = 4;

template <typename Driver>
absl::Status BasicStreamTransport<Driver>::RefuseWrite(bool has_data) {
  if (eof_written_) {
    return absl::FailedPreconditionError(
        "Write() must not be called after WriteEof()");
  }
  if (exclusive_) {
    return absl::FailedPreconditionError(
        "unable to write; sendfile is in progress");
  }
  if (!has_data) return absl::OkStatus();
  // Once the socket is closed, nothing says that the loop still exists.
  if (dropped_writes_ > kDroppedWritesBeforeWarning) return absl::OkStatus();
  if (dropped_writes_++ == kDroppedWritesBeforeWarning && driver_.is_open()) {
    ErrorContext warning("socket.send() raised exception.");
    warning.details["transport"] = Description();
    loop_.DefaultExceptionHandler(warning);
  }
  return absl::OkStatus();
}

template <typename Driver>
absl::Status BasicStreamTransport<Driver>::Write(absl::string_view data) {
  if (!TakesWrites() || data.empty() || (writing_ && HasBacklog())) {
    return WriteLater(data);
  }
  const IoResult sent = driver_.Send(data);
  if (sent.bytes() == data.size()) return absl::OkStatus();
  return WriteRest(data, sent);
}

template <typename Driver>
absl::Status BasicStreamTransport<Driver>::WriteLater(absl::string_view data) {
  if (!TakesWrites()) return RefuseWrite(!data.empty());
  if (data.empty()) return absl::OkStatus();
  extra().queue.Append(data);
  MaybePauseProtocol();
  return absl::OkStatus();
}

template <typename Driver>
absl::Status BasicStreamTransport<Driver>::WriteRest(absl::string_view data,
                                                     IoResult sent) {
  if (sent.failed()) {
    ForceClose(sent.ToStatus(CallText("send")));
    return absl::OkStatus();
  }
  if (!WatchWritable()) return absl::OkStatus();
  return WriteLater(data.substr(sent.bytes()));
}

template <typename Driver>
absl::Status BasicStreamTransport<Driver>::WriteLines(
    absl::Span<const absl::string_view> pieces) {
  if (!TakesWrites()) return RefuseWrite(!pieces.empty());
  size_t offset = 0;  // Of the first piece.
  if (!HasBacklog()) {
    if (!SendNow(&pieces, &offset) || pieces.empty()) return absl::OkStatus();
    if (!WatchWritable()) return absl::OkStatus();
  }
  for (const absl::string_view piece : pieces) {
    extra().queue.Append(piece.substr(offset));
    offset = 0;
  }
  MaybePauseProtocol();
  return absl::OkStatus();
}

template <typename Driver>
bool BasicStreamTransport<Driver>::SendNow(
    absl::Span<const absl::string_view>* pieces, size_t* offset) {
  iovec vector[IOV_MAX];
  while (true) {
    size_t count = 0;
    size_t bytes = 0;
    size_t used = 0;  // Of the pieces; empty ones have no part in it.
    size_t skip = *offset;
    for (; used < pieces->size() && count < IOV_MAX; ++used, skip = 0) {
      const absl::string_view piece = (*pieces)[used].substr(skip);
      if (piece.empty()) continue;
      vector[count].iov_base = const_cast<char*>(piece.data());
      vector[count].iov_len = piece.size();
      ++count;
      bytes += piece.size();
    }
    if (count == 0) {
      *pieces = {};
      return true;
    }
    const IoResult sent = driver_.SendVector(absl::MakeSpan(vector, count));
    if (sent.failed()) {
      ForceClose(sent.ToStatus(CallText("sendmsg")));
      return false;
    }
    if (sent.ok() && sent.bytes() == bytes) {
      pieces->remove_prefix(used);
      *offset = 0;
      continue;
    }
    size_t taken = sent.ok() ? sent.bytes() + *offset : *offset;
    while (taken >= pieces->front().size()) {
      taken -= pieces->front().size();
      pieces->remove_prefix(1);
    }
    *offset = taken;
    return true;
  }
}

template <typename Driver>
absl::Status BasicStreamTransport<Driver>::WriteEof() {
  if (closing_ || eof_written_) return absl::OkStatus();
  eof_written_ = true;
  if (!HasBacklog()) driver_.ShutDownWriting();
  return absl::OkStatus();
}

template <typename Driver>
bool BasicStreamTransport<Driver>::WatchWritable() {
  if (writing_) return true;
  const absl::Status watched =
      driver_.WatchWritable(loop_, [this] { WriteReady(); });
  writing_ = watched.ok();
  if (!watched.ok()) ForceClose(watched);
  return writing_;
}

template <typename Driver>
void BasicStreamTransport<Driver>::UnwatchWritable() {
  if (!writing_) return;
  writing_ = false;
  driver_.UnwatchWritable(loop_);
}

template <typename Driver>
void BasicStreamTransport<Driver>::WriteReady() {
  if (lost_) return;    // And soon no longer watched.
  if (!HasBacklog()) {  // Somebody sends in our place.
    UnwatchWritable();
    TellProgress();
    return;
  }
  constexpr size_t kMostPieces = 64;
  iovec pieces[kMostPieces];
  SendQueue& queue = extra().queue;
  const size_t count = queue.Gather(absl::MakeSpan(pieces));
  const IoResult sent =
      count == 1 ? driver_.Send(absl::string_view(
                       static_cast<const char*>(pieces[0].iov_base),
                       pieces[0].iov_len))
                 : driver_.SendVector(absl::MakeConstSpan(pieces, count));
  if (sent.failed()) {
    ForceClose(sent.ToStatus(CallText("send")));
    return;
  }
  if (!sent.ok()) return;
  queue.Consume(sent.bytes());
  MaybeResumeProtocol();
  if (lost_ || !queue.empty()) return;
  if (closing_) {
    Lose(absl::OkStatus());
    return;
  }
  UnwatchWritable();
  if (eof_written_) driver_.ShutDownWriting();
  TellProgress();
}

template <typename Driver>
absl::Status BasicStreamTransport<Driver>::SetWriteBufferLimits(
    std::optional<size_t> high, std::optional<size_t> low) {
  absl::Status status = extra().flow.SetLimits(high, low);
  if (status.ok()) MaybePauseProtocol();
  return status;
}

template <typename Driver>
WriteBufferLimits BasicStreamTransport<Driver>::GetWriteBufferLimits() const {
  return extra_ == nullptr ? WriteBufferLimits() : extra_->flow.limits();
}

template <typename Driver>
size_t BasicStreamTransport<Driver>::GetWriteBufferSize() const {
  return extra_ == nullptr ? 0 : extra_->queue.size();
}

template <typename Driver>
void BasicStreamTransport<Driver>::MaybePauseProtocol() {
  if (lost_ || loop_.IsClosed() || !extra().flow.Pauses(extra_->queue.size()))
    return;
  // Outside of RunForever() the protocol may close the loop.
  const std::shared_ptr<OpenTransport> self =
      OpenTransports::Of(loop_).Get(*this);
  const std::shared_ptr<Protocol> protocol = protocol_;
  CallProtocol("protocol.PauseWriting() failed", [&] {
    protocol->PauseWriting();
  }).IgnoreError();
}

template <typename Driver>
void BasicStreamTransport<Driver>::MaybeResumeProtocol() {
  if (!extra_->flow.Resumes(extra_->queue.size())) return;
  CallProtocol("protocol.ResumeWriting() failed", [&] {
    protocol_->ResumeWriting();
  }).IgnoreError();
}

// --- Sending a file ----------------------------------------------------------

template <typename Driver>
class BasicStreamTransport<Driver>::Exclusive final : public ExclusiveSend {
 public:
  explicit Exclusive(BasicStreamTransport& transport) : transport_(transport) {}

  absl::Status Begin(absl::AnyInvocable<void()> on_progress) override {
    if (transport_.closing_) {
      return absl::FailedPreconditionError("Transport is closing");
    }
    if (transport_.eof_written_) {
      return absl::FailedPreconditionError(
          "Sendfile() must not be called after WriteEof()");
    }
    if (transport_.exclusive_) {
      return absl::FailedPreconditionError("sendfile is in progress already");
    }
    transport_.exclusive_ = true;
    transport_.extra().on_progress = std::move(on_progress);
    return absl::OkStatus();
  }
  void End() override {
    if (!transport_.exclusive_) return;
    transport_.exclusive_ = false;
    transport_.extra().on_progress = nullptr;
    if (transport_.driver_.is_open() && !transport_.HasBacklog()) {
      transport_.UnwatchWritable();
    }
  }
  absl::Status status() const override {
    if (!transport_.lost_) return absl::OkStatus();
    if (!transport_.extra().loss.ok()) return transport_.extra().loss;
    return StatusFromErrno(ECONNRESET, "Connection is closed by peer");
  }
  bool drained() const override { return !transport_.HasBacklog(); }
  Socket* socket() override { return transport_.driver_.socket(); }
  void Fail(absl::Status status) override {
    transport_.ForceClose(std::move(status));
  }
  const Transport* transport() const override { return &transport_; }
  const WriteFlow& flow() const override { return transport_.extra().flow; }
  void AwaitWritable() override { transport_.WatchWritable(); }

 private:
  BasicStreamTransport& transport_;
};

template <typename Driver>
void BasicStreamTransport<Driver>::TellProgress() {
  if (exclusive_ && extra().on_progress) extra().on_progress();
}

}  // namespace evkit::net_internal

#endif  // EVKIT_NET_INTERNAL_BASIC_STREAM_TRANSPORT_WRITING_H_

// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/internal/socket_stream_transport.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
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
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/error_context.h"
#include "evkit/net/extra_info.h"
#include "evkit/net/internal/call_protocol.h"
#include "evkit/net/internal/open_transports.h"
#include "evkit/net/internal/receive_buffer.h"
#include "evkit/net/internal/send_queue.h"
#include "evkit/net/internal/write_flow.h"
#include "evkit/net/protocol.h"
#include "evkit/net/socket.h"
#include "evkit/net/socket_address.h"
#include "evkit/net/transport.h"

namespace evkit::net_internal {
namespace {

// As asyncio's. Of memory that is never filled the kernel provides none.
constexpr size_t kReceiveSize = size_t{256} * 1024;

// How many dropped writes pass before one is logged (TR-08).
constexpr uint32_t kDroppedWritesBeforeWarning = 5;

}  // namespace

// --- Beginning ---------------------------------------------------------------

SocketStreamTransport::SocketStreamTransport(
    AbstractEventLoop& loop, Socket socket, std::shared_ptr<Protocol> protocol,
    std::optional<SocketAddress> peername,
    absl::AnyInvocable<void() &&> on_lost)
    : loop_(loop),
      protocol_(std::move(protocol)),
      on_lost_(std::move(on_lost)),
      socket_(std::move(socket)) {
  buffered_ = protocol_->AsBufferedProtocol() != nullptr;
  if (peername.has_value()) {
    peername_ = *std::move(peername);
  } else if (absl::StatusOr<SocketAddress> peer = socket_.PeerAddress();
             peer.ok()) {
    peername_ = *std::move(peer);
  }
  if (socket_.family() == AF_INET || socket_.family() == AF_INET6) {
    socket_.SetOption(IPPROTO_TCP, TCP_NODELAY, 1).IgnoreError();
  }
}

void SocketStreamTransport::Start(OpenTransports& open,
                                  absl::AnyInvocable<void() &&> on_made) {
  loop_.CallSoon([this, &open] {
    protocol_->ConnectionMade(
        std::static_pointer_cast<SocketStreamTransport>(open.Get(*this)));
  });
  loop_.CallSoon([this] { BeginReading(); });
  if (on_made) {
    loop_.CallSoon(
        [on_made = std::move(on_made)]() mutable { std::move(on_made)(); });
  }
}

std::string SocketStreamTransport::Describe() const {
  return absl::StrCat("<StreamTransport fd=", socket_.fd(),
                      closing_ ? " closing>" : ">");
}

const void* SocketStreamTransport::DoGetExtraInfo(const void* key) const {
  if (key == &kPeername) {
    return peername_.size() != 0 ? &peername_ : nullptr;
  }
  if (key == &kSockname) {
    std::optional<SocketAddress>& sockname = extra().sockname;
    if (!sockname.has_value() && socket_) {
      absl::StatusOr<SocketAddress> local = socket_.LocalAddress();
      if (local.ok()) sockname = *std::move(local);
    }
    return sockname.has_value() ? &*sockname : nullptr;
  }
  if (key == &kSocket) {
    std::optional<SocketView>& view = extra().socket;
    if (!view.has_value()) view.emplace(const_cast<Socket*>(&socket_));
    return &*view;
  }
  return nullptr;
}

void SocketStreamTransport::SetProtocol(std::shared_ptr<Protocol> protocol) {
  EVKIT_CHECK(protocol != nullptr, "a transport needs a protocol");
  if (protocol_ == nullptr) return;
  buffered_ = protocol->AsBufferedProtocol() != nullptr;
  std::shared_ptr<Protocol> old = std::exchange(protocol_, std::move(protocol));
  // One of its functions may be what calls this.
  loop_.CallSoon([old = std::move(old)] {});
}

// --- Reading -----------------------------------------------------------------

void SocketStreamTransport::BeginReading() {
  may_read_ = true;
  if (IsReading()) WatchReadable();
}

void SocketStreamTransport::PauseReading() {
  if (!IsReading()) return;
  paused_ = true;
  UnwatchReadable();
}

void SocketStreamTransport::ResumeReading() {
  if (closing_ || !paused_) return;
  paused_ = false;
  if (may_read_) WatchReadable();
}

void SocketStreamTransport::WatchReadable() {
  ReceiveBuffer& buffer = ReceiveBuffer::Of(loop_);
  const absl::Status watched =
      loop_.AddReader(socket_.fd(), [this, &buffer] { ReadReady(buffer); });
  reading_ = watched.ok();
  if (!watched.ok()) ForceClose(watched);
}

void SocketStreamTransport::UnwatchReadable() {
  if (!reading_) return;
  reading_ = false;
  loop_.RemoveReader(socket_.fd());
}

void SocketStreamTransport::ReadReady(ReceiveBuffer& lender) {
  if (buffered_) {
    ReadIntoProtocol();
    return;
  }
  const absl::Span<char> buffer = lender.Lend(kReceiveSize);
  const size_t size = Receive(buffer);
  if (size == 0) return;
  absl::Status called = CallProtocol(
      "Fatal error: protocol.DataReceived() call failed.",
      [&] { protocol_->DataReceived(absl::string_view(buffer.data(), size)); });
  if (!called.ok()) ForceClose(std::move(called));
}

size_t SocketStreamTransport::Receive(absl::Span<char> buffer) {
  const IoResult received = socket_.Recv(buffer);
  if (received.ok()) {
    if (received.bytes() == 0) EndOfStream();
    return received.bytes();
  }
  if (received.failed()) ForceClose(received.ToStatus(CallText("recv")));
  return 0;
}

void SocketStreamTransport::ReadIntoProtocol() {
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
    error.details["transport"] = Describe();
    loop_.CallExceptionHandler(error);
  }
  if (!called.ok()) {
    ForceClose(std::move(called));
    return;
  }
  // GetBuffer() may have changed its mind about all of this.
  if (!IsReading() || protocol_ != protocol) return;
  const size_t size = Receive(buffer);
  if (size == 0) return;
  called = CallProtocol("Fatal error: protocol.BufferUpdated() call failed.",
                        [&] { receiver.BufferUpdated(size); });
  if (!called.ok()) ForceClose(std::move(called));
}

void SocketStreamTransport::EndOfStream() {
  may_read_ = false;
  UnwatchReadable();
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

// --- Writing -----------------------------------------------------------------

absl::Status SocketStreamTransport::RefuseWrite(bool has_data) {
  if (eof_written_) {
    return absl::FailedPreconditionError(
        "Write() must not be called after WriteEof()");
  }
  if (!has_data) return absl::OkStatus();
  // Once the socket is closed, nothing says that the loop still exists.
  if (dropped_writes_++ == kDroppedWritesBeforeWarning && socket_) {
    ErrorContext warning("socket.send() raised exception.");
    warning.details["transport"] = Describe();
    loop_.DefaultExceptionHandler(warning);
  }
  return absl::OkStatus();
}

absl::Status SocketStreamTransport::Write(absl::string_view data) {
  if (!TakesWrites()) return RefuseWrite(!data.empty());
  if (data.empty()) return absl::OkStatus();
  if (!HasBacklog()) {
    const IoResult sent = socket_.Send(data);
    if (sent.failed()) {
      ForceClose(sent.ToStatus(CallText("send")));
      return absl::OkStatus();
    }
    if (sent.ok()) data.remove_prefix(sent.bytes());
    if (data.empty() || !WatchWritable()) return absl::OkStatus();
  }
  extra().queue.Append(data);
  MaybePauseProtocol();
  return absl::OkStatus();
}

absl::Status SocketStreamTransport::WriteLines(
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

bool SocketStreamTransport::SendNow(absl::Span<const absl::string_view>* pieces,
                                    size_t* offset) {
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
    const IoResult sent = socket_.SendVector(absl::MakeSpan(vector, count));
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

absl::Status SocketStreamTransport::WriteEof() {
  if (closing_ || eof_written_) return absl::OkStatus();
  eof_written_ = true;
  if (!HasBacklog()) ShutDownWriting();
  return absl::OkStatus();
}

void SocketStreamTransport::ShutDownWriting() {
  // It fails only if the connection is gone, as reading will find.
  socket_.Shutdown(SHUT_WR).IgnoreError();
}

bool SocketStreamTransport::WatchWritable() {
  if (writing_) return true;
  const absl::Status watched =
      loop_.AddWriter(socket_.fd(), [this] { WriteReady(); });
  writing_ = watched.ok();
  if (!watched.ok()) ForceClose(watched);
  return writing_;
}

void SocketStreamTransport::UnwatchWritable() {
  if (!writing_) return;
  writing_ = false;
  loop_.RemoveWriter(socket_.fd());
}

void SocketStreamTransport::WriteReady() {
  constexpr size_t kMostPieces = 64;
  iovec pieces[kMostPieces];
  SendQueue& queue = extra().queue;
  const size_t count = queue.Gather(absl::MakeSpan(pieces));
  const IoResult sent =
      count == 1 ? socket_.Send(absl::string_view(
                       static_cast<const char*>(pieces[0].iov_base),
                       pieces[0].iov_len))
                 : socket_.SendVector(absl::MakeConstSpan(pieces, count));
  if (sent.failed()) {
    ForceClose(sent.ToStatus(CallText("send")));
    return;
  }
  if (!sent.ok()) return;
  queue.Consume(sent.bytes());
  MaybeResumeProtocol();
  if (is_lost() || !queue.empty()) return;
  UnwatchWritable();
  if (closing_) {
    Lose(absl::OkStatus());
  } else if (eof_written_) {
    ShutDownWriting();
  }
}

absl::Status SocketStreamTransport::SetWriteBufferLimits(
    std::optional<size_t> high, std::optional<size_t> low) {
  absl::Status status = extra().flow.SetLimits(high, low);
  if (status.ok()) MaybePauseProtocol();
  return status;
}

WriteBufferLimits SocketStreamTransport::GetWriteBufferLimits() const {
  return extra_ == nullptr ? WriteBufferLimits() : extra_->flow.limits();
}

size_t SocketStreamTransport::GetWriteBufferSize() const {
  return extra_ == nullptr ? 0 : extra_->queue.size();
}

void SocketStreamTransport::MaybePauseProtocol() {
  if (is_lost() || !extra().flow.Pauses(extra_->queue.size())) return;
  // Outside of RunForever() the protocol may close the loop.
  const std::shared_ptr<OpenTransport> self =
      OpenTransports::Of(loop_).Get(*this);
  const std::shared_ptr<Protocol> protocol = protocol_;
  CallProtocol("protocol.PauseWriting() failed", [&] {
    protocol->PauseWriting();
  }).IgnoreError();
}

void SocketStreamTransport::MaybeResumeProtocol() {
  if (!extra_->flow.Resumes(extra_->queue.size())) return;
  CallProtocol("protocol.ResumeWriting() failed", [&] {
    protocol_->ResumeWriting();
  }).IgnoreError();
}

// --- Ending ------------------------------------------------------------------

void SocketStreamTransport::Close() {
  if (closing_) return;
  closing_ = true;
  UnwatchReadable();
  if (!HasBacklog()) QueueLoss(absl::OkStatus());
}

void SocketStreamTransport::ForceClose(absl::Status status) {
  if (is_lost()) return;
  closing_ = true;
  if (extra_ != nullptr) extra_->queue.Clear();
  UnwatchReadable();
  UnwatchWritable();
  QueueLoss(std::move(status));
}

void SocketStreamTransport::QueueLoss(absl::Status status) {
  dropped_writes_ = 1;
  loop_.CallSoon([this, status = std::move(status)] { Lose(status); });
}

class SocketStreamTransport::Loss {
 public:
  explicit Loss(SocketStreamTransport& transport)
      : transport_(transport),
        share_(OpenTransports::Of(transport.loop_).Remove(transport)),
        protocol_(transport.protocol_) {}
  Loss(const Loss&) = delete;
  Loss& operator=(const Loss&) = delete;
  ~Loss() {
    transport_.protocol_.reset();
    transport_.socket_.Close();
    absl::AnyInvocable<void()&&> on_lost =
        std::exchange(transport_.on_lost_, nullptr);
    if (!on_lost) return;
    transport_.CallProtocol("on_lost failed", [&] { std::move(on_lost)(); })
        .IgnoreError();
  }

 private:
  SocketStreamTransport& transport_;
  const std::shared_ptr<OpenTransport> share_;
  const std::shared_ptr<Protocol> protocol_;  // Until its function returns.
};

void SocketStreamTransport::Lose(const absl::Status& status) {
  dropped_writes_ = std::max(dropped_writes_, 1u);
  const Loss loss(*this);
  protocol_->ConnectionLost(status);
}

void SocketStreamTransport::LoopClosed() {
  closing_ = true;
  dropped_writes_ = std::max(dropped_writes_, 1u);
  if (extra_ != nullptr) extra_->queue.Clear();
  reading_ = false;
  writing_ = false;
  socket_.Close();
  std::exchange(on_lost_, nullptr) = nullptr;
  std::exchange(protocol_, nullptr).reset();
}

}  // namespace evkit::net_internal

// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/datagrams/datagram_transport.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "evkit/base/check.h"
#include "evkit/base/errno_status.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/handle.h"
#include "evkit/net/datagrams/internal/datagram_batch.h"
#include "evkit/net/datagrams/internal/datagram_queue.h"
#include "evkit/net/extra_info.h"
#include "evkit/net/internal/call_protocol.h"
#include "evkit/net/internal/open_transports.h"
#include "evkit/net/internal/receive_buffer.h"
#include "evkit/net/internal/write_flow.h"
#include "evkit/net/protocol.h"
#include "evkit/net/socket.h"
#include "evkit/net/socket_address.h"
#include "evkit/net/transport.h"

namespace evkit {
namespace {

using net_internal::DatagramQueue;
using net_internal::DatagramReceiver;
using net_internal::DatagramSender;
using net_internal::OpenTransport;
using net_internal::OpenTransports;
using net_internal::ReceiveBuffer;
using net_internal::WriteFlow;

constexpr absl::Duration kRetryDelay = absl::Milliseconds(10);

size_t MaxDatagramSize(int family) {
  return family == AF_INET || family == AF_INET6 ? 64 * 1024 : 256 * 1024;
}

// The loop has a share of it as long as the socket is open, so its callbacks
// may refer to it without having one. `lost_` says that ConnectionLost() is
// queued or was called: from then on nothing is sent or received.
class SocketDatagramTransport final
    : public DatagramTransport,
      public OpenTransport,
      public std::enable_shared_from_this<SocketDatagramTransport> {
 public:
  SocketDatagramTransport(AbstractEventLoop& loop, Socket socket,
                          std::shared_ptr<DatagramProtocol> protocol,
                          DatagramTransportOptions options);

  // Queues the three callbacks.
  void Begin();

  void Close() override;
  void Abort() override { LoseConnection(absl::OkStatus()); }
  bool IsClosing() const override { return closing_; }
  absl::Status SetWriteBufferLimits(std::optional<size_t> high,
                                    std::optional<size_t> low) override;
  WriteBufferLimits GetWriteBufferLimits() const override {
    return flow_.limits();
  }
  size_t GetWriteBufferSize() const override { return queue_.charge(); }
  AbstractEventLoop& loop() const override { return loop_; }
  absl::Status SendTo(absl::string_view data) override;
  absl::Status SendTo(absl::string_view data, const SocketAddress& to) override;
  std::shared_ptr<DatagramProtocol> GetProtocol() const override {
    return protocol_;
  }
  void LoopClosed() override;

 private:
  // While it exists, what is sent waits for the end of the batch.
  class HoldingBack;

  const void* DoGetExtraInfo(const void* key) const override;

  void BeginReceiving();
  void ReceiveOne();
  void ReceiveBatch();
  void Deliver(absl::string_view data, size_t size, const SocketAddress& from);

  void Send(absl::string_view data, const SocketAddress& to);
  IoResult SendNow(absl::string_view data, const SocketAddress& to);
  // Sends what waits until the kernel takes no more, or up to the first error,
  // which costs one datagram (DGRAM-15). False after an error.
  bool SendQueued();
  void SendReady();
  // Waits for a time, where there is nothing else to wait for.
  void SendAfterAWhile();
  // Sends what was held back while a batch was delivered.
  void EndBatch();
  void WatchForSending();

  void LoseConnection(absl::Status status);
  void QueueConnectionLost(absl::Status status);
  void ConnectionIsLost(const absl::Status& status);

  void PauseIfFull();
  void ResumeIfDrained();
  void TellError(const absl::Status& status);
  template <typename F>
  void CallProtocol(absl::string_view message, F&& function) {
    net_internal::CallProtocol(
        loop_, message, [this] { return DebugString(); },
        std::forward<F>(function));
  }
  std::string CallText(absl::string_view call) const {
    return absl::StrCat(call, "(fd=", socket_.fd(), ")");
  }
  std::string SendText(const SocketAddress& to) const {
    return absl::StrCat("sendto(fd=", socket_.fd(), ", ",
                        (remote_.has_value() ? *remote_ : to).ToString(), ")");
  }
  // A Unix socket that is not connected counts as writable even if the one that
  // it sends to has no room.
  bool CanOnlyRetry() const {
    return socket_.family() == AF_UNIX && !peername_.has_value();
  }
  std::string DebugString() const;

  AbstractEventLoop& loop_;
  Socket socket_;
  const SocketView socket_view_;
  std::shared_ptr<DatagramProtocol> protocol_;  // Shared with the user.
  std::optional<SocketAddress> sockname_;
  std::optional<SocketAddress> peername_;  // There if the socket is connected.
  // The only one to send to; always there if the socket is connected.
  std::optional<SocketAddress> remote_;
  const size_t batch_;
  const size_t max_datagram_size_;
  absl::AnyInvocable<void() &&> on_made_;
  absl::AnyInvocable<void() &&> on_lost_;

  DatagramQueue queue_;
  WriteFlow flow_;
  bool closing_ = false;
  bool lost_ = false;
  bool receiving_ = false;    // The loop watches for it.
  bool awaits_room_ = false;  // The loop watches for that, or retry_ does.
  TimerHandle retry_;
  bool holding_back_ = false;  // A HoldingBack exists.
  bool sending_queued_ = false;
};

class SocketDatagramTransport::HoldingBack {
 public:
  explicit HoldingBack(SocketDatagramTransport& transport)
      : transport_(transport) {
    transport_.holding_back_ = true;
  }
  HoldingBack(const HoldingBack&) = delete;
  HoldingBack& operator=(const HoldingBack&) = delete;
  // Calls nothing of the user's: a FatalException may be on its way.
  ~HoldingBack() {
    transport_.holding_back_ = false;
    if (transport_.lost_) return;
    if (!transport_.queue_.empty()) {
      transport_.WatchForSending();
    } else if (transport_.closing_) {
      transport_.QueueConnectionLost(absl::OkStatus());
    }
  }

 private:
  SocketDatagramTransport& transport_;
};

template <typename T>
std::optional<T> ValueOrNothing(absl::StatusOr<T> value) {
  if (!value.ok()) return std::nullopt;
  return *std::move(value);
}

SocketDatagramTransport::SocketDatagramTransport(
    AbstractEventLoop& loop, Socket socket,
    std::shared_ptr<DatagramProtocol> protocol,
    DatagramTransportOptions options)
    : loop_(loop),
      socket_(std::move(socket)),
      socket_view_(&socket_),
      protocol_(std::move(protocol)),
      sockname_(ValueOrNothing(socket_.LocalAddress())),
      peername_(ValueOrNothing(socket_.PeerAddress())),
      remote_(options.remote_address.has_value()
                  ? std::move(options.remote_address)
                  : peername_),
      batch_(std::clamp(options.batch, size_t{1},
                        net_internal::kMaxDatagramBatch)),
      max_datagram_size_(options.max_datagram_size != 0
                             ? options.max_datagram_size
                             : MaxDatagramSize(socket_.family())),
      on_made_(std::move(options.on_made)),
      on_lost_(std::move(options.on_lost)) {}

void SocketDatagramTransport::Begin() {
  loop_.CallSoon([this] {
    CallProtocol("protocol.connection_made() failed",
                 [this] { protocol_->ConnectionMade(shared_from_this()); });
  });
  loop_.CallSoon([this] { BeginReceiving(); });
  if (on_made_ == nullptr) return;
  loop_.CallSoon([this] { std::exchange(on_made_, nullptr)(); });
}

// --- Receiving --------------------------------------------------------------

void SocketDatagramTransport::BeginReceiving() {
  if (closing_) return;
  const absl::Status watched = loop_.AddReader(
      socket_.fd(), [this] { batch_ == 1 ? ReceiveOne() : ReceiveBatch(); });
  if (!watched.ok()) {
    LoseConnection(watched);
    return;
  }
  receiving_ = true;
}

void SocketDatagramTransport::ReceiveOne() {
  const absl::Span<char> memory =
      ReceiveBuffer::Of(loop_).Lend(max_datagram_size_);
  SocketAddress from;
  const IoResult received = socket_.RecvFrom(memory, &from, MSG_TRUNC);
  if (received.would_block()) return;
  if (received.failed()) {
    TellError(received.ToStatus(CallText("recvfrom")));
    return;
  }
  const size_t size = received.bytes();
  Deliver(absl::string_view(memory.data(), std::min(size, memory.size())), size,
          from);
}

void SocketDatagramTransport::ReceiveBatch() {
  DatagramReceiver& receiver = DatagramReceiver::Of(loop_);
  const IoResult received = receiver.Receive(
      socket_, ReceiveBuffer::Of(loop_).Lend(batch_ * max_datagram_size_),
      batch_);
  if (received.would_block()) return;
  if (received.failed()) {
    TellError(received.ToStatus(CallText("recvmmsg")));
    return;
  }
  const HoldingBack holding_back(*this);
  for (size_t i = 0; i < received.bytes() && !closing_; ++i) {
    Deliver(receiver.data(i), receiver.size(i), receiver.from(i));
  }
  EndBatch();
}

void SocketDatagramTransport::Deliver(absl::string_view data, size_t size,
                                      const SocketAddress& from) {
  if (size > data.size()) {
    TellError(StatusFromErrno(
        EMSGSIZE, absl::StrCat(CallText("recvfrom"), ": ", size, " bytes from ",
                               from.ToString(), ", room for ", data.size())));
    return;
  }
  CallProtocol("protocol.datagram_received() failed",
               [&] { protocol_->DatagramReceived(data, from); });
}

// --- Sending ----------------------------------------------------------------

absl::Status SocketDatagramTransport::SendTo(absl::string_view data) {
  if (!remote_.has_value()) {
    return absl::FailedPreconditionError(
        "SendTo: the endpoint has no remote address");
  }
  Send(data, *remote_);
  return absl::OkStatus();
}

absl::Status SocketDatagramTransport::SendTo(absl::string_view data,
                                             const SocketAddress& to) {
  if (remote_.has_value() && to != *remote_) {
    return absl::InvalidArgumentError(absl::StrCat(
        "SendTo: invalid address: must be none or ", remote_->ToString()));
  }
  Send(data, to);
  return absl::OkStatus();
}

void SocketDatagramTransport::Send(absl::string_view data,
                                   const SocketAddress& to) {
  if (lost_) return;
  if (queue_.empty() && !holding_back_) {
    const IoResult sent = SendNow(data, to);
    if (sent.ok()) return;
    if (sent.failed()) {
      TellError(sent.ToStatus(SendText(to)));
      return;
    }
    WatchForSending();
    if (lost_) return;
  }
  queue_.Push(data, peername_.has_value() ? SocketAddress() : to);
  if (holding_back_ && !awaits_room_ &&
      (queue_.size() >= batch_ || queue_.charge() > flow_.limits().high)) {
    SendQueued();
  }
  PauseIfFull();
}

IoResult SocketDatagramTransport::SendNow(absl::string_view data,
                                          const SocketAddress& to) {
  return peername_.has_value() ? socket_.Send(data) : socket_.SendTo(data, to);
}

bool SocketDatagramTransport::SendQueued() {
  if (sending_queued_) return true;
  sending_queued_ = true;
  absl::Status error;
  while (!queue_.empty()) {
    const IoResult sent =
        batch_ == 1 ? SendNow(queue_.data(0), queue_.to(0))
                    : DatagramSender::Of(loop_).Send(socket_, queue_, batch_);
    if (sent.would_block()) break;
    if (sent.failed()) {
      error = sent.ToStatus(SendText(queue_.to(0)));
      queue_.Pop();
      break;
    }
    queue_.Pop(batch_ == 1 ? 1 : sent.bytes());
  }
  sending_queued_ = false;
  if (error.ok()) return true;
  TellError(error);
  return false;
}

void SocketDatagramTransport::SendReady() {
  if (lost_) return;
  const size_t waiting = queue_.size();
  if (!SendQueued()) return;
  const bool in_vain = waiting > 0 && queue_.size() == waiting;
  ResumeIfDrained();
  if (lost_) return;
  if (!queue_.empty()) {
    if (in_vain && CanOnlyRetry()) SendAfterAWhile();
    return;
  }
  loop_.RemoveWriter(socket_.fd());
  awaits_room_ = false;
  if (!closing_) return;
  lost_ = true;
  ConnectionIsLost(absl::OkStatus());
}

void SocketDatagramTransport::SendAfterAWhile() {
  loop_.RemoveWriter(socket_.fd());
  retry_ = loop_.CallLater(kRetryDelay, [this] {
    awaits_room_ = false;
    WatchForSending();
  });
}

void SocketDatagramTransport::EndBatch() {
  if (lost_ || awaits_room_) return;
  if (SendQueued()) ResumeIfDrained();
}

void SocketDatagramTransport::WatchForSending() {
  if (awaits_room_) return;
  const absl::Status watched =
      loop_.AddWriter(socket_.fd(), [this] { SendReady(); });
  if (!watched.ok()) {
    LoseConnection(watched);
    return;
  }
  awaits_room_ = true;
}

// --- The end ----------------------------------------------------------------

void SocketDatagramTransport::Close() {
  if (closing_) return;
  closing_ = true;
  if (std::exchange(receiving_, false)) loop_.RemoveReader(socket_.fd());
  if (queue_.empty() && !holding_back_) QueueConnectionLost(absl::OkStatus());
}

void SocketDatagramTransport::LoseConnection(absl::Status status) {
  if (lost_) return;
  closing_ = true;
  queue_.Clear();
  if (std::exchange(receiving_, false)) loop_.RemoveReader(socket_.fd());
  if (std::exchange(awaits_room_, false)) {
    loop_.RemoveWriter(socket_.fd());
    retry_.Cancel();
  }
  QueueConnectionLost(std::move(status));
}

void SocketDatagramTransport::QueueConnectionLost(absl::Status status) {
  lost_ = true;
  loop_.CallSoon(
      [this, status = std::move(status)] { ConnectionIsLost(status); });
}

void SocketDatagramTransport::ConnectionIsLost(const absl::Status& status) {
  CallProtocol("protocol.connection_lost() failed",
               [&] { protocol_->ConnectionLost(status); });
  if (std::exchange(awaits_room_, false)) loop_.RemoveWriter(socket_.fd());
  socket_.Close();
  // What is below may destroy anything, this included.
  const std::shared_ptr<OpenTransport> self =
      OpenTransports::Of(loop_).Remove(*this);
  const std::shared_ptr<DatagramProtocol> protocol = std::move(protocol_);
  auto on_lost = std::move(on_lost_);
  if (on_lost != nullptr) std::move(on_lost)();
}

void SocketDatagramTransport::LoopClosed() {
  closing_ = true;
  lost_ = true;
  receiving_ = false;
  awaits_room_ = false;
  queue_.Clear();
  socket_.Close();
  const std::shared_ptr<DatagramProtocol> protocol = std::move(protocol_);
  const auto on_made = std::move(on_made_);
  const auto on_lost = std::move(on_lost_);
}

// --- Flow control, errors, information --------------------------------------

absl::Status SocketDatagramTransport::SetWriteBufferLimits(
    std::optional<size_t> high, std::optional<size_t> low) {
  absl::Status status = flow_.SetLimits(high, low);
  if (status.ok()) PauseIfFull();
  return status;
}

void SocketDatagramTransport::PauseIfFull() {
  if (!flow_.Pauses(queue_.charge())) return;
  CallProtocol("protocol.pause_writing() failed",
               [&] { protocol_->PauseWriting(); });
}

void SocketDatagramTransport::ResumeIfDrained() {
  if (lost_ || !flow_.Resumes(queue_.charge())) return;
  CallProtocol("protocol.resume_writing() failed",
               [&] { protocol_->ResumeWriting(); });
}

void SocketDatagramTransport::TellError(const absl::Status& status) {
  CallProtocol("protocol.error_received() failed",
               [&] { protocol_->ErrorReceived(status); });
}

const void* SocketDatagramTransport::DoGetExtraInfo(const void* key) const {
  if (key == &kSocket) return &socket_view_;
  if (key == &kSockname && sockname_.has_value()) return &*sockname_;
  if (key == &kPeername && peername_.has_value()) return &*peername_;
  return nullptr;
}

std::string SocketDatagramTransport::DebugString() const {
  return absl::StrCat(
      "<DatagramTransport fd=", socket_.fd(), " ",
      sockname_.has_value() ? sockname_->ToString() : "",
      remote_.has_value() ? absl::StrCat(" to ", remote_->ToString()) : "",
      closing_ ? " closing" : "", ">");
}

}  // namespace

std::shared_ptr<DatagramTransport> NewDatagramTransport(
    AbstractEventLoop& loop, Socket socket,
    std::shared_ptr<DatagramProtocol> protocol,
    DatagramTransportOptions options) {
  EVKIT_CHECK(protocol != nullptr, "a transport needs a protocol");
  EVKIT_CHECK(socket.type() == SOCK_DGRAM, "a datagram socket is expected");
  const auto transport = std::make_shared<SocketDatagramTransport>(
      loop, std::move(socket), std::move(protocol), std::move(options));
  if (loop.IsClosed()) {
    transport->LoopClosed();
  } else {
    OpenTransports::Of(loop).Add(transport);
    transport->Begin();
  }
  return transport;
}

}  // namespace evkit

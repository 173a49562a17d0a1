// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The rules of stream transports (contract section 20), for anything that moves
// bytes: a socket, or memory in tests. What moves them is a driver, a class
// with the functions of SocketStreamDriver; being a parameter of a template,
// the seam costs nothing.
//
// Definitions are in basic_stream_transport_impl.h, for who instantiates it.

#ifndef EVKIT_NET_INTERNAL_BASIC_STREAM_TRANSPORT_H_
#define EVKIT_NET_INTERNAL_BASIC_STREAM_TRANSPORT_H_

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/handle_node.h"
#include "evkit/loop/internal/exceptions.h"
#include "evkit/net/internal/call_protocol.h"
#include "evkit/net/internal/exclusive_send.h"
#include "evkit/net/internal/open_transports.h"
#include "evkit/net/internal/receive_buffer.h"
#include "evkit/net/internal/send_queue.h"
#include "evkit/net/internal/write_flow.h"
#include "evkit/net/protocol.h"
#include "evkit/net/socket.h"
#include "evkit/net/socket_address.h"
#include "evkit/net/transport.h"

namespace evkit::net_internal {

// While it is open it belongs to the loop's OpenTransports, which every
// callback below may rely on; they capture no more than the pointer.
//
// It is itself the node that the loop calls when there is something to read, so
// that nothing is allocated for that. The loop may hold on to the node, which
// is queued or running, when it is done with the transport; then the transport
// owns itself until it lets go.
//
// An idle one allocates once: of a socket 192 bytes, with its reference counts,
// if there is no `on_lost`; 16 more are its place in OpenTransports.
template <typename Driver>
class BasicStreamTransport final : public Transport,
                                   private HandleNode,
                                   public OpenTransport {
 public:
  // Asks the driver for its peer's address if `peername` is not given.
  BasicStreamTransport(AbstractEventLoop& loop, Driver&& driver,
                       std::shared_ptr<Protocol>&& protocol,
                       std::optional<SocketAddress>&& peername,
                       absl::AnyInvocable<void() &&>&& on_lost);
  // Queues what it begins with; on a closed loop closes everything instead.
  static void Start(const std::shared_ptr<BasicStreamTransport>& transport,
                    absl::AnyInvocable<void() &&> on_made);
  void LoopClosed() override;
  void Left(const std::shared_ptr<OpenTransport>& share) override;

  void Close() override;
  void Abort() override { ForceClose(absl::OkStatus()); }
  bool IsClosing() const override { return closing_; }
  absl::Status SetWriteBufferLimits(std::optional<size_t> high,
                                    std::optional<size_t> low) override;
  WriteBufferLimits GetWriteBufferLimits() const override;
  size_t GetWriteBufferSize() const override;
  AbstractEventLoop& loop() const override { return loop_; }
  absl::Status Write(absl::string_view data) override;
  absl::Status WriteLines(absl::Span<const absl::string_view> pieces) override;
  absl::Status WriteEof() override;
  bool CanWriteEof() const override { return true; }
  void PauseReading() override;
  void ResumeReading() override;
  bool IsReading() const override { return !paused_ && !closing_; }
  void SetProtocol(std::shared_ptr<Protocol> protocol) override;
  std::shared_ptr<Protocol> GetProtocol() const override { return protocol_; }

 protected:
  const void* DoGetExtraInfo(const void* key) const override;

 private:
  // What few connections need, or none for long.
  class Extra {
   public:
    Extra() = default;

    SendQueue queue;
    WriteFlow flow;
    std::optional<SocketAddress> sockname;
    std::optional<SocketView> socket;
    std::unique_ptr<ExclusiveSend> exclusive;
    ExclusiveSend* exclusive_pointer = nullptr;  // For GetExtraInfo().
    // Of who is sending in our place; null if nobody is.
    absl::AnyInvocable<void()> on_progress;
    absl::Status loss;
  };
  using OnLost = absl::AnyInvocable<void() &&>;
  class Exclusive;
  class ReadingBegins;
  class ReadingEnds;
  // Ends the connection when its scope does, however that happens.
  class Loss;

  Extra& extra() const {
    if (extra_ == nullptr) extra_ = std::make_unique<Extra>();
    return *extra_;
  }
  bool HasBacklog() const {
    return extra_ != nullptr && !extra_->queue.empty();
  }
  std::string Description() const;
  std::string CallText(absl::string_view call) const {
    return absl::StrCat(call, "(", driver_.Name(), ")");
  }
  template <typename F>
  absl::Status CallProtocol(absl::string_view message, F&& function) {
    return TryCallProtocol(
        loop_, message, [this] { return Description(); },
        std::forward<F>(function));
  }

  // Ends the connection if it threw, as it does for the calls that must not
  // fail.
  template <typename F>
  void Deliver(const char* message, F&& function) {
    loop_internal::ReportExceptions(
        std::forward<F>(function), [&](std::exception_ptr thrown) {
          DeliveryFailed(message, std::move(thrown));
        });
  }
  void DeliveryFailed(const char* message, std::exception_ptr thrown);

  // Of the HandleNode: something to read; the loop let go of it.
  void Run() override;
  void Release() override;

  void BeginReading();
  void WatchReadable();
  void UnwatchReadable();
  void ReadReady();
  void ReadIntoProtocol();
  // What follows if no bytes came.
  void NothingReceived(IoResult received);
  void EndOfStream();

  bool TakesWrites() const { return !eof_written_ && !exclusive_ && !lost_; }
  // What a write does that is not taken.
  absl::Status RefuseWrite(bool has_data);
  // A write that cannot be sent at once; and one that was.
  absl::Status WriteLater(absl::string_view data);
  absl::Status WriteRest(absl::string_view data, IoResult sent);
  // Takes what the kernel takes off the front of `*pieces`. Whether the
  // connection still lives.
  bool SendNow(absl::Span<const absl::string_view>* pieces, size_t* offset);
  bool WatchWritable();
  void UnwatchWritable();
  void WriteReady();
  void MaybePauseProtocol();
  void MaybeResumeProtocol();

  void ForceClose(absl::Status status);
  void QueueLoss(absl::Status status);
  void TellProgress();
  void Lose(const absl::Status& status);
  void CloseDriver();

  // In the order in which they leave no gaps.
  bool lost_ : 1 = false;  // Or about to be: nothing is sent any more.
  bool closing_ : 1 = false;
  bool paused_ : 1 = false;       // PauseReading().
  bool may_read_ : 1 = false;     // ConnectionMade() was called; no EOF yet.
  bool reading_ : 1 = false;      // The loop watches for it.
  bool writing_ : 1 = false;      // The same; true while there is a backlog.
  bool eof_written_ : 1 = false;  // WriteEof().
  bool exclusive_ : 1 = false;    // Somebody sends in our place.
  bool buffered_ : 1 = false;     // The protocol is a BufferedProtocol.
  uint8_t dropped_writes_ = 0;    // No more than are counted.
  AbstractEventLoop& loop_;
  ReceiveBuffer* lender_ = nullptr;  // Set when reading begins.
  // Once it is lost, null; then owns this, while the loop holds on to the node.
  std::shared_ptr<Protocol> protocol_;
  std::unique_ptr<OnLost> on_lost_;  // Null if nobody wants to know.
  mutable std::unique_ptr<Extra> extra_;
  Driver driver_;
  SocketAddress peername_;
};

}  // namespace evkit::net_internal

#endif  // EVKIT_NET_INTERNAL_BASIC_STREAM_TRANSPORT_H_

// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The transport that is also a protocol.

#ifndef EVKIT_NET_TLS_INTERNAL_TLS_TRANSPORT_H_
#define EVKIT_NET_TLS_INTERNAL_TLS_TRANSPORT_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "evkit/base/check.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/handle.h"
#include "evkit/net/internal/open_transports.h"
#include "evkit/net/protocol.h"
#include "evkit/net/tls/tls_engine.h"
#include "evkit/net/tls/tls_layer.h"
#include "evkit/net/transport.h"

namespace evkit::net_internal {

// See tls_layer.h. A protocol to the transport below, a transport to the
// protocol above.
class TlsTransport final : public Protocol,
                           public Transport,
                           public OpenTransport,
                           public std::enable_shared_from_this<TlsTransport> {
 public:
  TlsTransport(AbstractEventLoop& loop, std::unique_ptr<TlsEngine> engine,
               std::shared_ptr<Protocol> protocol, TlsLayerOptions options,
               TlsReady on_ready)
      : loop_(loop),
        engine_(std::move(engine)),
        protocol_(std::move(protocol)),
        options_(options),
        on_ready_(std::move(on_ready)) {}
  ~TlsTransport() override { timeout_.Cancel(); }

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

  // Called by the loop, as it closes.
  void LoopClosed() override {
    state_ = State::kLost;
    kept_by_loop_ = false;
    input_.clear();
    output_.clear();
    on_ready_ = nullptr;
    below_ = nullptr;
    protocol_ = nullptr;
  }

 private:
  static constexpr WriteBufferLimits kLimits{131072, 524288};

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
  WriteBufferLimits limits_ = kLimits;
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

}  // namespace evkit::net_internal

#endif  // EVKIT_NET_TLS_INTERNAL_TLS_TRANSPORT_H_

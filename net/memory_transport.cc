// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/memory_transport.h"

#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "evkit/base/errno_status.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/callback.h"
#include "evkit/loop/handle.h"
#include "evkit/loop/handle_node.h"
#include "evkit/net/internal/basic_stream_transport.h"
#include "evkit/net/internal/basic_stream_transport_impl.h"
#include "evkit/net/protocol.h"
#include "evkit/net/socket.h"
#include "evkit/net/socket_address.h"
#include "evkit/net/transport.h"

namespace evkit {
namespace {

// Calls a callback in each turn in which something holds, as a loop does for a
// descriptor.
class Watch {
 public:
  Watch(AbstractEventLoop& loop, std::function<bool()> holds)
      : loop_(loop), holds_(std::move(holds)) {}
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  ~Watch() { Stop(); }

  void Begin(Callback callback) {
    callback_ = std::make_shared<Callback>(std::move(callback));
    Look();
  }
  void Stop() {
    callback_.reset();
    std::exchange(pending_, Handle()).Cancel();
  }
  // What it depends on may have changed.
  void Look() {
    if (callback_ == nullptr || !pending_.cancelled() || !holds_()) return;
    if (loop_.IsClosed()) return;
    pending_ = loop_.CallSoon([this] {
      pending_ = Handle();
      // The callback may destroy this.
      const std::shared_ptr<Callback> callback = callback_;
      if (!holds_()) return;
      const Again again(*this, callback);
      (*callback)();
    });
  }

 private:
  // Looks again after the callback, if it is still the one.
  class Again {
   public:
    Again(Watch& watch, const std::shared_ptr<Callback>& callback)
        : watch_(watch), callback_(callback) {}
    Again(const Again&) = delete;
    Again& operator=(const Again&) = delete;
    ~Again() {
      // Stop() drops the watch's share, and so does its end.
      if (callback_.use_count() > 1) watch_.Look();
    }

   private:
    Watch& watch_;
    const std::shared_ptr<Callback>& callback_;
  };

  AbstractEventLoop& loop_;
  const std::function<bool()> holds_;
  std::shared_ptr<Callback> callback_;
  Handle pending_;
};

// One direction of the connection.
class Pipe {
 public:
  Pipe(AbstractEventLoop& loop, const MemoryTransportOptions& options)
      : reader(loop, [this] { return readable(); }),
        writer(loop, [this] { return writable(); }),
        options_(options) {}

  IoResult Read(absl::Span<char> buffer) {
    const size_t size = Split(std::min(buffer.size(), bytes_.size()));
    if (size == 0) {
      if (error_ != 0) return IoResult::Failed(error_);
      return is_ended_ ? IoResult::Moved(0) : IoResult::WouldBlock();
    }
    std::copy_n(bytes_.data(), size, buffer.data());
    bytes_.erase(0, size);
    writer.Look();
    return IoResult::Moved(size);
  }
  IoResult Write(absl::string_view data) {
    if (error_ != 0) return IoResult::Failed(error_);
    const size_t size =
        Split(std::min(data.size(), options_.capacity - bytes_.size()));
    if (size == 0) return IoResult::WouldBlock();
    bytes_.append(data.data(), size);
    reader.Look();
    return IoResult::Moved(size);
  }
  // Nothing more comes.
  void End() {
    is_ended_ = true;
    reader.Look();
  }
  void Break(int error) {
    if (error_ != 0) return;
    error_ = error;
    reader.Look();
    writer.Look();
  }
  bool has_bytes() const { return !bytes_.empty(); }

  Watch reader;
  Watch writer;

 private:
  bool readable() const { return has_bytes() || is_ended_ || error_ != 0; }
  bool writable() const {
    return bytes_.size() < options_.capacity || error_ != 0;
  }
  size_t Split(size_t size) const {
    return size == 0 || !options_.split ? size : options_.split(size);
  }

  const MemoryTransportOptions options_;
  std::string bytes_;
  bool is_ended_ = false;
  int error_ = 0;
};

// The driver of a BasicStreamTransport; see SocketStreamDriver.
class MemoryStreamDriver {
 public:
  // Shares both with the driver of the other end.
  MemoryStreamDriver(std::shared_ptr<Pipe> in, std::shared_ptr<Pipe> out)
      : in_(std::move(in)), out_(std::move(out)) {}

  std::string Name() const { return "memory"; }
  bool is_open() const { return is_open_; }
  Socket* socket() { return nullptr; }
  absl::StatusOr<SocketAddress> LocalAddress() const {
    return absl::NotFoundError("memory has no address");
  }
  absl::StatusOr<SocketAddress> PeerAddress() const { return LocalAddress(); }

  IoResult Receive(absl::Span<char> buffer) { return in_->Read(buffer); }
  IoResult Send(absl::string_view data) { return out_->Write(data); }
  IoResult SendVector(absl::Span<const iovec> pieces) {
    size_t moved = 0;
    for (const iovec& piece : pieces) {
      const IoResult sent = Send(absl::string_view(
          static_cast<const char*>(piece.iov_base), piece.iov_len));
      if (!sent.ok()) return moved > 0 ? IoResult::Moved(moved) : sent;
      moved += sent.bytes();
      if (sent.bytes() < piece.iov_len) break;
    }
    return IoResult::Moved(moved);
  }
  void ShutDownWriting() { out_->End(); }

  absl::Status WatchReadable(AbstractEventLoop&, Callback callback) {
    in_->reader.Begin(std::move(callback));
    return absl::OkStatus();
  }
  absl::Status WatchReadable(AbstractEventLoop&, HandleNode&) {
    return absl::UnimplementedError("memory is not watched by the loop");
  }
  absl::Status WatchWritable(AbstractEventLoop&, Callback callback) {
    out_->writer.Begin(std::move(callback));
    return absl::OkStatus();
  }
  void UnwatchReadable(AbstractEventLoop&) { in_->reader.Stop(); }
  void UnwatchWritable(AbstractEventLoop&) { out_->writer.Stop(); }

  void UnwatchBeforeClose(AbstractEventLoop&) {}
  void Close() {
    is_open_ = false;
    in_->reader.Stop();
    out_->writer.Stop();
    if (in_->has_bytes()) out_->Break(ECONNRESET);
    out_->End();
    in_->Break(EPIPE);
  }

 private:
  std::shared_ptr<Pipe> in_;
  std::shared_ptr<Pipe> out_;
  bool is_open_ = true;
};

using MemoryTransport = net_internal::BasicStreamTransport<MemoryStreamDriver>;

std::shared_ptr<Transport> NewEnd(AbstractEventLoop& loop,
                                  std::shared_ptr<Pipe> in,
                                  std::shared_ptr<Pipe> out,
                                  std::shared_ptr<Protocol> protocol) {
  const auto transport = std::make_shared<MemoryTransport>(
      loop, MemoryStreamDriver(std::move(in), std::move(out)),
      std::move(protocol), std::nullopt, nullptr);
  MemoryTransport::Start(transport, nullptr);
  return transport;
}

}  // namespace

MemoryTransportPair::MemoryTransportPair(std::shared_ptr<Transport> one,
                                         std::shared_ptr<Transport> other,
                                         std::function<void(int)> breaker)
    : first(std::move(one)),
      second(std::move(other)),
      breaker_(std::move(breaker)) {}

MemoryTransportPair NewMemoryTransportPair(AbstractEventLoop& loop,
                                           std::shared_ptr<Protocol> first,
                                           std::shared_ptr<Protocol> second,
                                           MemoryTransportOptions options) {
  const auto there = std::make_shared<Pipe>(loop, options);
  const auto back = std::make_shared<Pipe>(loop, options);
  std::shared_ptr<Transport> one = NewEnd(loop, back, there, std::move(first));
  std::shared_ptr<Transport> other =
      NewEnd(loop, there, back, std::move(second));
  return MemoryTransportPair(std::move(one), std::move(other),
                             [there, back](int error) {
                               there->Break(error);
                               back->Break(error);
                             });
}

}  // namespace evkit

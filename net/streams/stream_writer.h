// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The way out of a connection: write, and wait where more is written than the
// peer takes. Contract rules STR-12 to STR-15.
//
//   co_await OrReturn(writer.Write("hello\n"));
//   co_await OrReturn(writer.Drain());
//   writer.Close();
//   co_await OrReturn(writer.WaitClosed());
//
// `Write()` never waits: what the kernel does not take is kept in memory. So
// await `Drain()` between writes, or a peer that does not read costs as much
// memory as is written.
//
// A handle: copies write to the same connection, and keep it open: when the
// last copy is gone and nobody has closed it, it is closed, as by `Close()`;
// what was written is still sent, and in debug mode the loop's exception
// handler is told ("unclosed StreamWriter"). The connection does not keep the
// program waiting: `WaitClosed()` does. The waits are cancel-safe.
//
// Belongs to the loop's thread; may outlive the loop, and then does nothing.
// The await that a wait returns is for the same expression, or WaitFor().

#ifndef EVKIT_NET_STREAMS_STREAM_WRITER_H_
#define EVKIT_NET_STREAMS_STREAM_WRITER_H_

#include <cstddef>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "evkit/net/extra_info.h"
#include "evkit/net/streams/internal/writer_state.h"
#include "evkit/net/transport.h"

namespace evkit {

class StreamWriter {
 public:
  // No connection: may only be assigned to, destroyed, and asked for `valid()`.
  // So may one that was moved from.
  StreamWriter() = default;
  // For those who make connections. The connection has been made.
  explicit StreamWriter(std::shared_ptr<net_internal::WriterState> state)
      : state_(std::move(state)) {
    state_->AddHandle();
  }

  StreamWriter(const StreamWriter& other) : state_(other.state_) {
    if (state_ != nullptr) state_->AddHandle();
  }
  StreamWriter(StreamWriter&& other) noexcept = default;
  StreamWriter& operator=(StreamWriter other) noexcept {
    state_.swap(other.state_);
    return *this;
  }
  ~StreamWriter() {
    if (state_ != nullptr) state_->DropHandle();
  }

  bool valid() const { return state_ != nullptr; }

  // These are the transport's (net/transport.h), errors included.
  absl::Status Write(absl::string_view data) const {
    return transport()->Write(data);
  }
  // The pieces in order. g++ 12: give the array a name, outside of the
  // `co_await` statement.
  absl::Status WriteLines(absl::Span<const absl::string_view> pieces) const {
    return transport()->WriteLines(pieces);
  }
  absl::Status WriteEof() const { return transport()->WriteEof(); }
  bool CanWriteEof() const { return transport()->CanWriteEof(); }
  void Close() const { transport()->Close(); }
  bool IsClosing() const { return transport()->IsClosing(); }
  template <typename T>
  const T* GetExtraInfo(const ExtraInfoKey<T>& key) const {
    return transport()->GetExtraInfo(key);
  }
  // Valid, and the same, to the end of this handle, or up to StartTls()
  // (start_tls_stream.h).
  const std::shared_ptr<Transport>& transport() const {
    return state_->transport();
  }

  // Waits while the transport has more than its high-water mark to send, until
  // that is down to the low-water mark or the connection is lost; otherwise
  // takes no turn (STR-12), but one if it is closing, so that the loop finds
  // out (STR-13). Any number of tasks may wait (STR-14).
  //   The error of the connection, if it broke, also while this waited.
  //   ECONNRESET, "Connection lost": it has ended well, before this was called
  //     or within the turn.
  [[nodiscard]] net_internal::WriterAwait Drain() const {
    return net_internal::WriterAwait(state_.get(),
                                     net_internal::WriterAwait::What::kDrain);
  }

  // Waits until the connection is over, which it never is by this alone: call
  // `Close()` before. OK, or what it broke with (STR-15).
  [[nodiscard]] net_internal::WriterAwait WaitClosed() const {
    return net_internal::WriterAwait(
        state_.get(), net_internal::WriterAwait::What::kWaitClosed);
  }

  // For those who change connections.
  const std::shared_ptr<net_internal::WriterState>& state() const {
    return state_;
  }

 private:
  std::shared_ptr<net_internal::WriterState> state_;
};

}  // namespace evkit

#endif  // EVKIT_NET_STREAMS_STREAM_WRITER_H_

// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What NewReadPipeTransport() makes.

#ifndef EVKIT_NET_PIPES_INTERNAL_READ_PIPE_TRANSPORT_H_
#define EVKIT_NET_PIPES_INTERNAL_READ_PIPE_TRANSPORT_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/net/internal/receive_buffer.h"
#include "evkit/net/pipes/internal/base_pipe_transport.h"
#include "evkit/net/pipes/internal/pipe.h"
#include "evkit/net/protocol.h"
#include "evkit/net/transport.h"

namespace evkit::net_internal {

class ReadPipeTransport final : public BasePipeTransport {
 public:
  ReadPipeTransport(AbstractEventLoop& loop, Pipe pipe,
                    std::shared_ptr<Protocol> protocol,
                    absl::AnyInvocable<void() &&> on_lost)
      : BasePipeTransport(loop, "ReadPipeTransport", std::move(pipe),
                          std::move(protocol), std::move(on_lost)) {}

  void Close() override { ForceClose(absl::OkStatus()); }
  void Abort() override { ForceClose(absl::OkStatus()); }
  void PauseReading() override;
  void ResumeReading() override;
  bool IsReading() const override { return !paused_ && !IsClosing(); }

  absl::Status Write(absl::string_view) override { return NotWritten(); }
  absl::Status WriteLines(absl::Span<const absl::string_view>) override {
    return NotWritten();
  }
  absl::Status WriteEof() override { return NotWritten(); }
  bool CanWriteEof() const override { return false; }
  absl::Status SetWriteBufferLimits(std::optional<size_t>,
                                    std::optional<size_t>) override {
    return NotWritten();
  }
  WriteBufferLimits GetWriteBufferLimits() const override {
    return WriteBufferLimits();
  }
  size_t GetWriteBufferSize() const override { return 0; }

 private:
  static absl::Status NotWritten() {
    return absl::UnimplementedError("this pipe is only read");
  }

  void Begin() override;
  void Stop() override { Unwatch(); }
  void Forget() override { reading_ = false; }

  void Watch();
  void Unwatch();
  void ReadReady(ReceiveBuffer& lender);
  void ReadIntoProtocol(BufferedProtocol& receiver);
  // How many bytes came; if none, all that follows from it is done.
  size_t Read(absl::Span<char> buffer);
  void EndOfPipe();
  void Report(absl::string_view message, const absl::Status& status);

  bool paused_ = false;    // PauseReading().
  bool may_read_ = false;  // ConnectionMade() was called.
  bool reading_ = false;   // The loop watches for it.
};

}  // namespace evkit::net_internal

#endif  // EVKIT_NET_PIPES_INTERNAL_READ_PIPE_TRANSPORT_H_

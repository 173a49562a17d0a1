// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What NewWritePipeTransport() makes.

#ifndef EVKIT_NET_PIPES_INTERNAL_WRITE_PIPE_TRANSPORT_H_
#define EVKIT_NET_PIPES_INTERNAL_WRITE_PIPE_TRANSPORT_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/net/internal/send_queue.h"
#include "evkit/net/internal/write_flow.h"
#include "evkit/net/pipes/internal/base_pipe_transport.h"
#include "evkit/net/pipes/internal/pipe.h"
#include "evkit/net/protocol.h"
#include "evkit/net/transport.h"

namespace evkit::net_internal {

class WritePipeTransport final : public BasePipeTransport {
 public:
  WritePipeTransport(AbstractEventLoop& loop, Pipe pipe,
                     std::shared_ptr<Protocol> protocol,
                     absl::AnyInvocable<void() &&> on_lost)
      : BasePipeTransport(loop, "WritePipeTransport", std::move(pipe),
                          std::move(protocol), std::move(on_lost)) {}

  void Close() override;
  void Abort() override { ForceClose(absl::OkStatus()); }
  absl::Status Write(absl::string_view data) override;
  absl::Status WriteLines(absl::Span<const absl::string_view> pieces) override;
  absl::Status WriteEof() override {
    Close();
    return absl::OkStatus();
  }
  bool CanWriteEof() const override { return true; }
  absl::Status SetWriteBufferLimits(std::optional<size_t> high,
                                    std::optional<size_t> low) override;
  WriteBufferLimits GetWriteBufferLimits() const override {
    return flow_.limits();
  }
  size_t GetWriteBufferSize() const override { return queue_.size(); }

  void PauseReading() override {}
  void ResumeReading() override {}
  bool IsReading() const override { return false; }

 private:
  void Begin() override;
  void Stop() override;
  void Forget() override;

  void DropWrite();
  void ReadReady();
  void StopWatchingReader();
  // Whether the loop does.
  bool WatchWritable();
  void UnwatchWritable();
  void WriteReady();
  // Writes the first of what waits. Whether the pipe still lives.
  bool WriteFirst();
  void MaybePauseProtocol();

  SendQueue queue_;
  WriteFlow flow_;
  uint32_t dropped_writes_ = 0;
  bool watching_reader_ = false;
  bool writing_ = false;  // The loop watches for it.
};

}  // namespace evkit::net_internal

#endif  // EVKIT_NET_PIPES_INTERNAL_WRITE_PIPE_TRANSPORT_H_

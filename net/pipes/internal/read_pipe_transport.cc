// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/pipes/internal/read_pipe_transport.h"

#include <cerrno>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "evkit/loop/error_context.h"

namespace evkit::net_internal {
namespace {

// As asyncio's. Of memory that is never filled the kernel provides none.
constexpr size_t kReadSize = size_t{256} * 1024;

}  // namespace

void ReadPipeTransport::Begin() {
  may_read_ = true;
  if (IsReading()) Watch();
}

void ReadPipeTransport::PauseReading() {
  if (!IsReading()) return;
  paused_ = true;
  Unwatch();
}

void ReadPipeTransport::ResumeReading() {
  if (IsClosing() || !paused_) return;
  paused_ = false;
  if (may_read_) Watch();
}

void ReadPipeTransport::Watch() {
  if (loop().IsClosed()) return;  // A destructor that runs as it closes.
  ReceiveBuffer& buffer = ReceiveBuffer::Of(loop());
  const absl::Status watched =
      loop().AddReader(pipe_end().fd(), [this, &buffer] { ReadReady(buffer); });
  reading_ = watched.ok();
  if (!watched.ok()) ForceClose(watched);
}

void ReadPipeTransport::Unwatch() {
  if (!reading_) return;
  reading_ = false;
  loop().RemoveReader(pipe_end().fd());
}

void ReadPipeTransport::ReadReady(ReceiveBuffer& lender) {
  if (BufferedProtocol* const receiver = protocol().AsBufferedProtocol()) {
    ReadIntoProtocol(*receiver);
    return;
  }
  const absl::Span<char> buffer = lender.Lend(kReadSize);
  const size_t size = Read(buffer);
  if (size == 0) return;
  absl::Status called = CallProtocol(
      "Fatal error: protocol.DataReceived() call failed.",
      [&] { protocol().DataReceived(absl::string_view(buffer.data(), size)); });
  if (!called.ok()) ForceClose(std::move(called));
}

void ReadPipeTransport::ReadIntoProtocol(BufferedProtocol& receiver) {
  const std::shared_ptr<Protocol> protocol = GetProtocol();
  constexpr char kGetBufferFailed[] =
      "Fatal error: protocol.GetBuffer() call failed.";
  absl::Span<char> buffer;
  absl::Status called =
      CallProtocol(kGetBufferFailed, [&] { buffer = receiver.GetBuffer(-1); });
  if (called.ok() && buffer.empty()) {
    called =
        absl::FailedPreconditionError("GetBuffer() returned an empty buffer");
    Report(kGetBufferFailed, called);
  }
  if (!called.ok()) {
    ForceClose(std::move(called));
    return;
  }
  // GetBuffer() may have changed its mind about all of this.
  if (!IsReading() || GetProtocol() != protocol) return;
  const size_t size = Read(buffer);
  if (size == 0) return;
  called = CallProtocol("Fatal error: protocol.BufferUpdated() call failed.",
                        [&] { receiver.BufferUpdated(size); });
  if (!called.ok()) ForceClose(std::move(called));
}

size_t ReadPipeTransport::Read(absl::Span<char> buffer) {
  const IoResult read = pipe_end().Read(buffer);
  if (read.ok()) {
    if (read.bytes() == 0) EndOfPipe();
    return read.bytes();
  }
  if (read.failed()) {
    absl::Status status = read.ToStatus(CallText("read"));
    if (read.error() != EIO) {
      Report("Fatal read error on pipe transport", status);
    }
    ForceClose(std::move(status));
  }
  return 0;
}

void ReadPipeTransport::EndOfPipe() {
  set_closing();
  Unwatch();
  loop().CallSoon([this] { (void)protocol().EofReceived(); });
  QueueLoss(absl::OkStatus());
}

void ReadPipeTransport::Report(absl::string_view message,
                               const absl::Status& status) {
  ErrorContext error((std::string(message)));
  error.status = status;
  error.details["transport"] = Describe();
  loop().CallExceptionHandler(error);
}

}  // namespace evkit::net_internal

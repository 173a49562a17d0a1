// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/pipes/internal/write_pipe_transport.h"

#include <sys/uio.h>

#include <cerrno>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "evkit/base/errno_status.h"
#include "evkit/loop/error_context.h"
#include "evkit/net/internal/open_transports.h"

namespace evkit::net_internal {
namespace {

// How many dropped writes pass before one is logged (PIPE-10).
constexpr uint32_t kDroppedWritesBeforeWarning = 5;

}  // namespace

// --- The reader --------------------------------------------------------------

void WritePipeTransport::Begin() {
  if (!pipe_end().tells_of_its_reader()) return;
  const absl::Status watched =
      loop().AddReader(pipe_end().fd(), [this] { ReadReady(); });
  watching_reader_ = watched.ok();
  if (!watched.ok()) ForceClose(watched);
}

void WritePipeTransport::ReadReady() {
  if (!pipe_end().IsReaderGone()) {
    // A socket whose peer sends something, which nobody here will receive: that
    // it is gone will be noticed when writing.
    StopWatchingReader();
  } else if (queue_.empty()) {
    ForceClose(absl::OkStatus());
  } else {
    ForceClose(StatusFromErrno(EPIPE, CallText("write")));
  }
}

void WritePipeTransport::StopWatchingReader() {
  if (!watching_reader_) return;
  watching_reader_ = false;
  loop().RemoveReader(pipe_end().fd());
}

// --- Writing -----------------------------------------------------------------

absl::Status WritePipeTransport::Write(absl::string_view data) {
  if (data.empty()) return absl::OkStatus();
  if (IsClosing()) {
    DropWrite();
    return absl::OkStatus();
  }
  if (queue_.empty()) {
    const IoResult written = pipe_end().Write(data);
    if (written.failed()) {
      ForceClose(written.ToStatus(CallText("write")));
      return absl::OkStatus();
    }
    if (written.ok()) data.remove_prefix(written.bytes());
    if (data.empty() || !WatchWritable()) return absl::OkStatus();
  }
  queue_.Append(data);
  MaybePauseProtocol();
  return absl::OkStatus();
}

absl::Status WritePipeTransport::WriteLines(
    absl::Span<const absl::string_view> pieces) {
  if (IsClosing()) {
    if (!pieces.empty()) DropWrite();
    return absl::OkStatus();
  }
  const bool was_empty = queue_.empty();
  for (const absl::string_view piece : pieces) queue_.Append(piece);
  if (queue_.empty()) return absl::OkStatus();
  if (was_empty && (!WriteFirst() || queue_.empty() || !WatchWritable())) {
    return absl::OkStatus();
  }
  MaybePauseProtocol();
  return absl::OkStatus();
}

void WritePipeTransport::DropWrite() {
  // Once the pipe is closed, nothing says that the loop still exists.
  if (dropped_writes_++ != kDroppedWritesBeforeWarning || pipe_end().fd() < 0) {
    return;
  }
  ErrorContext warning("pipe closed by peer or os.write(pipe, data) raised.");
  warning.details["transport"] = Describe();
  loop().DefaultExceptionHandler(warning);
}

bool WritePipeTransport::WriteFirst() {
  iovec first;
  queue_.Gather(absl::MakeSpan(&first, 1));
  const IoResult written = pipe_end().Write(absl::string_view(
      static_cast<const char*>(first.iov_base), first.iov_len));
  if (written.failed()) {
    ForceClose(written.ToStatus(CallText("write")));
    return false;
  }
  if (written.ok()) queue_.Consume(written.bytes());
  return true;
}

void WritePipeTransport::WriteReady() {
  if (!WriteFirst()) return;
  if (flow_.Resumes(queue_.size())) {
    CallProtocol("protocol.ResumeWriting() failed", [&] {
      protocol().ResumeWriting();
    }).IgnoreError();
  }
  if (is_lost() || !queue_.empty()) return;
  UnwatchWritable();
  if (!IsClosing()) return;
  StopWatchingReader();
  Lose(absl::OkStatus());
}

bool WritePipeTransport::WatchWritable() {
  if (writing_) return true;
  const absl::Status watched =
      loop().AddWriter(pipe_end().fd(), [this] { WriteReady(); });
  writing_ = watched.ok();
  if (!watched.ok()) ForceClose(watched);
  return writing_;
}

void WritePipeTransport::UnwatchWritable() {
  if (!writing_) return;
  writing_ = false;
  loop().RemoveWriter(pipe_end().fd());
}

absl::Status WritePipeTransport::SetWriteBufferLimits(
    std::optional<size_t> high, std::optional<size_t> low) {
  absl::Status status = flow_.SetLimits(high, low);
  if (status.ok()) MaybePauseProtocol();
  return status;
}

void WritePipeTransport::MaybePauseProtocol() {
  if (is_lost() || loop().IsClosed() || !flow_.Pauses(queue_.size())) return;
  // Outside of RunForever() the protocol may close the loop.
  const std::shared_ptr<OpenTransport> self =
      OpenTransports::Of(loop()).Get(*this);
  const std::shared_ptr<Protocol> protocol = GetProtocol();
  CallProtocol("protocol.PauseWriting() failed", [&] {
    protocol->PauseWriting();
  }).IgnoreError();
}

// --- Ending ------------------------------------------------------------------

void WritePipeTransport::Close() {
  if (IsClosing()) return;
  set_closing();
  if (!queue_.empty()) return;
  StopWatchingReader();
  // ResumeWriting() may be what calls this.
  UnwatchWritable();
  QueueLoss(absl::OkStatus());
}

void WritePipeTransport::Stop() {
  queue_.Clear();
  StopWatchingReader();
  UnwatchWritable();
}

void WritePipeTransport::Forget() {
  queue_.Clear();
  watching_reader_ = false;
  writing_ = false;
}

}  // namespace evkit::net_internal

// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/streams/internal/writer_state.h"

#include <cerrno>

#include "evkit/base/errno_status.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/error_context.h"
#include "evkit/net/extra_info.h"

namespace evkit::net_internal {

bool WriterAwait::await_ready() {
  if (what_ == What::kWaitClosed) return writer_->lost_;
  if (writer_->reader_ != nullptr && !writer_->reader_->error().ok()) {
    return true;
  }
  if (writer_->paused_ && !writer_->lost_) return false;
  // Who writes and drains in a circle must let the loop find out.
  for_a_turn_ = writer_->transport_->IsClosing();
  return !for_a_turn_;
}

absl::Status WriterAwait::await_resume() {
  if (waiting_) {
    Leave();
    absl::Status status = waiter_.await_resume();
    if (!status.ok()) return status;
  }
  if (writer_ == nullptr) {
    return absl::FailedPreconditionError("the writer was destroyed");
  }
  if (what_ == What::kWaitClosed) return writer_->lost_with_;
  if (writer_->reader_ != nullptr && !writer_->reader_->error().ok()) {
    return writer_->reader_->error();
  }
  if (!writer_->lost_) return absl::OkStatus();
  if (!writer_->lost_with_.ok()) return writer_->lost_with_;
  // What waited for room has been sent, or been given up by whoever closed.
  const bool was_paused = waiter_.completed() && !for_a_turn_;
  if (was_paused) return absl::OkStatus();
  return StatusFromErrno(ECONNRESET, "Connection lost");
}

void WriterAwait::Join() {
  waiting_ = true;
  previous_ = writer_->last_;
  (previous_ == nullptr ? writer_->first_ : previous_->next_) = this;
  writer_->last_ = this;
}

void WriterAwait::Leave() {
  if (!waiting_) return;
  waiting_ = false;
  if (writer_ == nullptr) return;
  (previous_ == nullptr ? writer_->first_ : previous_->next_) = next_;
  (next_ == nullptr ? writer_->last_ : next_->previous_) = previous_;
}

WriterState::~WriterState() {
  for (WriterAwait* await = first_; await != nullptr; await = await->next_) {
    await->writer_ = nullptr;
    await->waiter_.Complete();
  }
}

void WriterState::ConnectionLost(const absl::Status& status) {
  lost_ = true;
  lost_with_ = status;
  Wake(WriterAwait::What::kDrain);
  Wake(WriterAwait::What::kWaitClosed);
}

void WriterState::Resume() {
  paused_ = false;
  Wake(WriterAwait::What::kDrain);
}

void WriterState::ReplaceTransport(std::shared_ptr<Transport> transport) {
  transport_ = std::move(transport);
  if (lost_) return;
  if (reader_ != nullptr) reader_->set_transport(transport_.get());
  Resume();
}

void WriterState::Wake(WriterAwait::What what) {
  for (WriterAwait* await = first_; await != nullptr; await = await->next_) {
    if (await->what_ == what) await->waiter_.Complete();
  }
}

void WriterState::DropHandle() {
  if (--handles_ > 0 || transport_ == nullptr || transport_->IsClosing()) {
    return;
  }
  AbstractEventLoop& loop = transport_->loop();
  // A loop that is being closed closes its connections.
  if (loop.IsClosed()) return;
  if (loop.GetDebug()) {
    ErrorContext error("unclosed StreamWriter");
    if (const SocketAddress* peer = transport_->GetExtraInfo(kPeername)) {
      error.details["peername"] = peer->ToString();
    }
    loop.CallExceptionHandler(error);
  }
  transport_->Close();
}

}  // namespace evkit::net_internal

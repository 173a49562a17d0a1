// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/streams/internal/reader_state.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "evkit/base/check.h"

namespace evkit::net_internal {

bool PendingRead::await_ready() {
  if (reader_->waiting_ != nullptr) {
    failure_ = absl::FailedPreconditionError(
        absl::StrCat(name_,
                     "() called while another coroutine is already waiting for "
                     "incoming data"));
    return true;
  }
  if (!reader_->error_.ok()) {
    failure_ = reader_->error_;
    return true;
  }
  return IsSatisfied();
}

void PendingRead::Begin() {
  waiting_ = true;
  reader_->waiting_ = this;
  if (reader_->paused_) {
    reader_->paused_ = false;
    if (reader_->transport_ != nullptr) reader_->transport_->ResumeReading();
  }
}

absl::Status PendingRead::End() {
  if (!waiting_) return std::move(failure_);
  waiting_ = false;
  if (reader_ != nullptr) reader_->waiting_ = nullptr;
  absl::Status status = waiter_.await_resume();
  if (!status.ok()) return status;
  if (reader_ == nullptr) {
    return absl::FailedPreconditionError("the reader was destroyed");
  }
  return std::move(failure_);
}

PendingRead::~PendingRead() {
  if (waiting_ && reader_ != nullptr) reader_->waiting_ = nullptr;
}

ReaderState::~ReaderState() {
  if (waiting_ == nullptr) return;
  waiting_->reader_ = nullptr;
  waiting_->waiter_.Complete();
}

void ReaderState::Feed(absl::string_view data) {
  EVKIT_CHECK(!eof_, "data after the end of a stream");
  if (data.empty() || !error_.ok()) return;
  buffer_.Append(data);
  Tell();
  PauseIfFull();
}

void ReaderState::FeedEof() {
  eof_ = true;
  Tell();
}

void ReaderState::SetError(absl::Status error) {
  EVKIT_CHECK(!error.ok(), "an error that is OK");
  error_ = std::move(error);
  if (waiting_ != nullptr && waiting_->waiter_.Complete()) {
    waiting_->failure_ = error_;
  }
}

std::string ReaderState::Take(size_t n) {
  std::string taken = buffer_.Take(n);
  ResumeIfNotFull();
  return taken;
}

void ReaderState::Drop(size_t n) {
  buffer_.Drop(n);
  ResumeIfNotFull();
}

void ReaderState::Tell() {
  if (waiting_ == nullptr || waiting_->waiter_.done()) return;
  if (waiting_->IsSatisfied()) waiting_->waiter_.Complete();
}

// Whoever waits needs more than there is, however much that may be.
void ReaderState::PauseIfFull() {
  if (paused_ || transport_ == nullptr || size() <= 2 * limit_) return;
  if (waiting_ != nullptr && !waiting_->waiter_.done()) return;
  paused_ = true;
  transport_->PauseReading();
}

void ReaderState::ResumeIfNotFull() {
  if (!paused_ || size() > limit_) return;
  paused_ = false;
  if (transport_ != nullptr) transport_->ResumeReading();
}

}  // namespace evkit::net_internal

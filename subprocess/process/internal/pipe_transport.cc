// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/subprocess/process/internal/pipe_transport.h"

#include <cerrno>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "evkit/base/errno_status.h"
#include "evkit/base/syscalls.h"
#include "evkit/base/without_sigpipe.h"
#include "evkit/net/internal/call_protocol.h"
#include "evkit/net/internal/open_transports.h"
#include "evkit/net/internal/receive_buffer.h"
#include "evkit/net/internal/write_flow.h"

namespace evkit::subprocess_internal {
namespace {

using net_internal::OpenTransport;
using net_internal::OpenTransports;
using net_internal::ReceiveBuffer;
using net_internal::WriteFlow;

constexpr size_t kReceiveSize = 256 * 1024;

class PipeTransport final : public Transport,
                            public OpenTransport,
                            public std::enable_shared_from_this<PipeTransport> {
 public:
  PipeTransport(AbstractEventLoop& loop, UniqueFd pipe, bool writes,
                std::shared_ptr<Protocol> protocol)
      : loop_(loop),
        pipe_(std::move(pipe)),
        number_(pipe_.get()),
        writes_(writes),
        protocol_(std::move(protocol)) {}

  void Start() {
    const long flags = sys::fcntl(pipe_.get(), F_GETFL, 0);
    sys::fcntl(pipe_.get(), F_SETFL, flags | O_NONBLOCK);
    OpenTransports::Of(loop_).Add(shared_from_this());
    loop_.CallSoon([self = shared_from_this()] {
      if (self->protocol_ == nullptr) return;
      const std::shared_ptr<Protocol> protocol = self->protocol_;
      self->CallProtocol("ConnectionMade",
                         [&] { protocol->ConnectionMade(self); });
    });
    loop_.CallSoon([self = shared_from_this()] { self->Listen(); });
  }

  absl::Status Write(absl::string_view data) override {
    if (!writes_) return absl::UnimplementedError("Write: a pipe to read from");
    if (data.empty() || lost_) return absl::OkStatus();
    if (waiting_.empty()) {
      const ssize_t sent = SendSome(data);
      if (sent < 0) return absl::OkStatus();
      data.remove_prefix(static_cast<size_t>(sent));
      if (data.empty()) return absl::OkStatus();
      AddWriter();
    }
    waiting_.append(data);
    if (flow_.Pauses(GetWriteBufferSize())) {
      const std::shared_ptr<Protocol> protocol = protocol_;
      CallProtocol("PauseWriting", [&] { protocol->PauseWriting(); });
    }
    return absl::OkStatus();
  }
  absl::Status WriteLines(absl::Span<const absl::string_view> pieces) override {
    for (const absl::string_view piece : pieces) {
      if (absl::Status status = Write(piece); !status.ok()) return status;
    }
    return absl::OkStatus();
  }
  absl::Status WriteEof() override {
    if (!writes_) return absl::UnimplementedError("WriteEof");
    Close();
    return absl::OkStatus();
  }
  bool CanWriteEof() const override { return writes_; }
  void PauseReading() override {
    if (closing_ || writes_ || paused_) return;
    paused_ = true;
    if (listening_) loop_.RemoveReader(number_);
  }
  void ResumeReading() override {
    if (closing_ || writes_ || !paused_) return;
    paused_ = false;
    if (listening_) AddReader();
  }
  bool IsReading() const override { return !writes_ && !paused_ && !closing_; }
  void SetProtocol(std::shared_ptr<Protocol> protocol) override {
    if (protocol_ != nullptr) protocol_ = std::move(protocol);
  }
  std::shared_ptr<Protocol> GetProtocol() const override { return protocol_; }

  void Close() override {
    if (closing_) return;
    closing_ = true;
    if (waiting_.empty()) Lose(absl::OkStatus());
  }
  void Abort() override {
    closing_ = true;
    Lose(absl::OkStatus());
  }
  bool IsClosing() const override { return closing_; }
  absl::Status SetWriteBufferLimits(std::optional<size_t> high,
                                    std::optional<size_t> low) override {
    return flow_.SetLimits(high, low);
  }
  WriteBufferLimits GetWriteBufferLimits() const override {
    return flow_.limits();
  }
  size_t GetWriteBufferSize() const override {
    return waiting_.size() - sent_of_waiting_;
  }
  AbstractEventLoop& loop() const override { return loop_; }

  void LoopClosed() override {
    closing_ = lost_ = true;
    pipe_.Reset();
    waiting_.clear();
    const std::shared_ptr<Protocol> protocol = std::move(protocol_);
  }

 private:
  const void* DoGetExtraInfo(const void* key) const override {
    return key == &kPipe ? &number_ : nullptr;
  }

  template <typename F>
  void CallProtocol(absl::string_view name, F&& function) {
    net_internal::CallProtocol(
        loop_, absl::StrCat("Protocol::", name, "() failed"),
        [this] { return absl::StrCat("pipe, fd=", number_); },
        std::forward<F>(function));
  }

  void Listen() {
    if (closing_ && waiting_.empty()) return;
    listening_ = true;
    if (!paused_) AddReader();
  }
  // On the end that writes: whether the reader goes away.
  void AddReader() {
    const absl::Status status =
        loop_.AddReader(number_, [self = shared_from_this()] {
          self->writes_ ? self->Lose(self->waiting_.empty()
                                         ? absl::OkStatus()
                                         : StatusFromErrno(EPIPE, "pipe"))
                        : self->Receive();
        });
    if (!status.ok()) Lose(status);
  }
  void AddWriter() {
    const absl::Status status = loop_.AddWriter(
        number_, [self = shared_from_this()] { self->SendWaiting(); });
    if (!status.ok()) Lose(status);
  }

  void Receive() {
    const absl::Span<char> buffer = ReceiveBuffer::Of(loop_).Lend(kReceiveSize);
    const ssize_t size = sys::read(number_, buffer.data(), buffer.size());
    if (size < 0) {
      if (errno == EAGAIN || errno == EINTR) return;
      Lose(StatusFromErrno(errno, absl::StrCat("read(fd=", number_, ")")));
      return;
    }
    const std::shared_ptr<Protocol> protocol = protocol_;
    if (size == 0) {
      CallProtocol("EofReceived", [&] { protocol->EofReceived(); });
      Lose(absl::OkStatus());
      return;
    }
    CallProtocol("DataReceived", [&] {
      protocol->DataReceived(
          absl::string_view(buffer.data(), static_cast<size_t>(size)));
    });
  }

  // How much was sent; -1 if the connection is lost.
  ssize_t SendSome(absl::string_view data) {
    const ssize_t sent = WithoutSigpipe(
        [&] { return sys::write(number_, data.data(), data.size()); });
    if (sent >= 0) return sent;
    if (errno == EAGAIN || errno == EINTR) return 0;
    Lose(StatusFromErrno(errno, absl::StrCat("write(fd=", number_, ")")));
    return -1;
  }

  void SendWaiting() {
    const ssize_t sent =
        SendSome(absl::string_view(waiting_).substr(sent_of_waiting_));
    if (sent < 0) return;
    sent_of_waiting_ += static_cast<size_t>(sent);
    if (2 * sent_of_waiting_ >= waiting_.size()) {
      waiting_.erase(0, sent_of_waiting_);
      sent_of_waiting_ = 0;
    }
    if (waiting_.empty()) {
      loop_.RemoveWriter(number_);
      if (closing_) {
        Lose(absl::OkStatus());
        return;
      }
    }
    if (flow_.Resumes(GetWriteBufferSize())) {
      const std::shared_ptr<Protocol> protocol = protocol_;
      CallProtocol("ResumeWriting", [&] { protocol->ResumeWriting(); });
    }
  }

  void Lose(absl::Status status) {
    if (lost_) return;
    closing_ = lost_ = true;
    waiting_.clear();
    sent_of_waiting_ = 0;
    loop_.RemoveReader(number_);
    loop_.RemoveWriter(number_);
    loop_.CallSoon([self = shared_from_this(), status = std::move(status)] {
      const std::shared_ptr<Protocol> protocol = self->protocol_;
      self->CallProtocol("ConnectionLost",
                         [&] { protocol->ConnectionLost(status); });
      self->protocol_.reset();
      self->pipe_.Reset();
      OpenTransports::Of(self->loop_).Remove(*self);
    });
  }

  AbstractEventLoop& loop_;
  UniqueFd pipe_;
  const int number_;
  const bool writes_;
  std::shared_ptr<Protocol> protocol_;
  WriteFlow flow_;
  std::string waiting_;
  size_t sent_of_waiting_ = 0;
  bool listening_ = false;
  bool paused_ = false;
  bool closing_ = false;
  bool lost_ = false;
};

}  // namespace

std::shared_ptr<Transport> NewReadPipeTransport(
    AbstractEventLoop& loop, UniqueFd pipe,
    std::shared_ptr<Protocol> protocol) {
  auto made = std::make_shared<PipeTransport>(loop, std::move(pipe), false,
                                              std::move(protocol));
  made->Start();
  return made;
}

std::shared_ptr<Transport> NewWritePipeTransport(
    AbstractEventLoop& loop, UniqueFd pipe,
    std::shared_ptr<Protocol> protocol) {
  auto made = std::make_shared<PipeTransport>(loop, std::move(pipe), true,
                                              std::move(protocol));
  made->Start();
  return made;
}

}  // namespace evkit::subprocess_internal

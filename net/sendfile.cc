// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/sendfile.h"

#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "evkit/base/errno_status.h"
#include "evkit/base/syscalls.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/future.h"
#include "evkit/loop/coro/run_in_executor.h"
#include "evkit/net/internal/call_protocol.h"
#include "evkit/net/internal/exclusive_send.h"
#include "evkit/net/protocol.h"
#include "evkit/net/socket.h"
#include "evkit/net/transport.h"

namespace evkit {
namespace {

using net_internal::ExclusiveSend;
using net_internal::kExclusiveSend;

constexpr size_t kBlock = size_t{16} * 1024;

absl::Status Lost() {
  return StatusFromErrno(ECONNRESET, "Connection is closed by peer");
}

// Whether sendfile(2) says that this is no file for it.
bool CannotSendThis(int error) {
  return error == EINVAL || error == ENOSYS || error == EOPNOTSUPP ||
         error == ESPIPE;
}

// How far it has come.
class Range {
 public:
  Range(off_t begin, std::optional<size_t> count)
      : offset(begin),
        rest(count.value_or(std::numeric_limits<size_t>::max())) {}

  void Took(size_t bytes) {
    sent += bytes;
    rest -= bytes;
  }

  off_t offset;  // Of the next byte.
  size_t rest;
  size_t sent = 0;
};

// A wait of one coroutine for anybody.
class Wakeup {
 public:
  explicit Wakeup(AbstractEventLoop& loop) : next(CreateFuture<void>(loop)) {}
  void Reset(AbstractEventLoop& loop) { next = CreateFuture<void>(loop); }
  void Wake() const {
    if (!next.done()) next.SetResult().IgnoreError();
  }

  Future<void> next;
};

// kUnimplemented, and nothing sent, if the kernel cannot do it.
Coro<void> SendByKernel(AbstractEventLoop& loop, ExclusiveSend& send,
                        std::shared_ptr<Wakeup> wakeup, int file,
                        Range* range) {
  while (range->rest > 0) {
    wakeup->Reset(loop);
    const Future<void> next = wakeup->next;
    absl::Status status = send.status();
    if (!status.ok()) co_return status;
    if (send.drained()) {
      const IoResult sent =
          send.socket()->SendFile(file, &range->offset, range->rest);
      if (sent.failed()) {
        if (range->sent == 0 && CannotSendThis(sent.error())) {
          co_return absl::UnimplementedError(
              absl::StrCat("sendfile(2) cannot send fd=", file));
        }
        status = sent.ToStatus(absl::StrCat("sendfile(fd=", file, ")"));
        send.Fail(status);
        co_return status;
      }
      if (sent.ok()) {
        if (sent.bytes() == 0) co_return absl::OkStatus();  // The file's end.
        range->Took(sent.bytes());
        if (range->rest == 0) co_return absl::OkStatus();
      }
      send.AwaitWritable();
    }
    status = co_await next;
    if (!status.ok()) co_return status;
  }
  co_return absl::OkStatus();
}

// Stands in for the transport's protocol.
class FlowProtocol final : public Protocol {
 public:
  FlowProtocol(AbstractEventLoop& loop, std::shared_ptr<Protocol> original,
               bool paused)
      : wakeup(loop), original_(std::move(original)), paused_(paused) {}

  void ConnectionLost(const absl::Status& status) override {
    loss_ = status.ok() ? Lost() : status;
    wakeup.Wake();
    original_->ConnectionLost(status);
  }
  void PauseWriting() override { paused_ = true; }
  void ResumeWriting() override {
    paused_ = false;
    wakeup.Wake();
  }

  const absl::Status& loss() const { return loss_; }
  bool paused() const { return paused_; }
  const std::shared_ptr<Protocol>& original() const { return original_; }

  Wakeup wakeup;

 private:
  const std::shared_ptr<Protocol> original_;
  bool paused_;
  absl::Status loss_;
};

Coro<void> SendByReading(AbstractEventLoop& loop,
                         std::shared_ptr<Transport> transport,
                         std::shared_ptr<FlowProtocol> flow, int file,
                         Range* range) {
  while (true) {
    if (!flow->loss().ok()) co_return flow->loss();
    if (transport->IsClosing()) co_return Lost();
    if (flow->paused()) {
      flow->wakeup.Reset(loop);
      const Future<void> next = flow->wakeup.next;
      const absl::Status waited = co_await next;
      if (!waited.ok()) co_return waited;
      continue;
    }
    if (range->rest == 0) co_return absl::OkStatus();
    const auto read =
        [file, offset = range->offset,
         size =
             std::min(kBlock, range->rest)]() -> absl::StatusOr<std::string> {
      std::string block(size, '\0');
      const ssize_t got = sys::pread(file, block.data(), block.size(), offset);
      if (got < 0) {
        return StatusFromErrno(errno, absl::StrCat("pread(fd=", file, ")"));
      }
      block.resize(static_cast<size_t>(got));
      return block;
    };
    const Future<std::string> reading = RunInExecutor(loop, nullptr, read);
    const absl::StatusOr<std::string> block = co_await reading;
    if (!block.ok()) co_return block.status();
    if (block->empty()) co_return absl::OkStatus();
    if (!flow->loss().ok()) co_return flow->loss();
    const absl::Status written = transport->Write(*block);
    if (!written.ok()) co_return written;
    range->offset += static_cast<off_t>(block->size());
    range->Took(block->size());
  }
}

// Gives the transport its protocol back, and tells that what it has missed.
void Restore(Transport& transport, const FlowProtocol& flow, bool was_paused) {
  if (transport.GetProtocol().get() != &flow) return;
  transport.SetProtocol(flow.original());
  if (flow.paused() == was_paused || !flow.loss().ok()) return;
  net_internal::CallProtocol(
      transport.loop(), "protocol.ResumeWriting() failed",
      [] { return std::string("<after Sendfile()>"); },
      [&] {
        if (was_paused) {
          flow.original()->ResumeWriting();
        } else {
          flow.original()->PauseWriting();
        }
      });
}

Coro<void> SendInBlocks(std::shared_ptr<Transport> transport, bool was_paused,
                        int file, Range* range) {
  AbstractEventLoop& loop = transport->loop();
  const auto flow = std::make_shared<FlowProtocol>(
      loop, transport->GetProtocol(), was_paused);
  transport->SetProtocol(flow);
  absl::Status status =
      co_await SendByReading(loop, transport, flow, file, range);
  Restore(*transport, *flow, was_paused);
  co_return status;
}

// That of this very transport: layers pass on what they do not know.
ExclusiveSend* ExclusiveSendOf(const Transport& transport) {
  ExclusiveSend* const* const found = transport.GetExtraInfo(kExclusiveSend);
  if (found == nullptr || (*found)->transport() != &transport) return nullptr;
  return *found;
}

Coro<void> SendAsCan(std::shared_ptr<Transport> transport, int file,
                     bool fallback, Range* range) {
  AbstractEventLoop& loop = transport->loop();
  ExclusiveSend* const send = ExclusiveSendOf(*transport);
  if (send != nullptr && send->socket() != nullptr) {
    const auto wakeup = std::make_shared<Wakeup>(loop);
    absl::Status status = send->Begin([wakeup] { wakeup->Wake(); });
    if (!status.ok()) co_return status;
    status = co_await SendByKernel(loop, *send, wakeup, file, range);
    send->End();
    if (range->sent > 0 || status.code() != absl::StatusCode::kUnimplemented ||
        !fallback) {
      co_return status;
    }
  } else if (!fallback) {
    co_return absl::FailedPreconditionError(
        "fallback is disabled and native sendfile is not supported for this "
        "transport");
  }
  // Of other transports nobody knows; more than this pauses.
  const bool was_paused = send != nullptr
                              ? send->flow().paused()
                              : transport->GetWriteBufferSize() >
                                    transport->GetWriteBufferLimits().high;
  co_return co_await SendInBlocks(transport, was_paused, file, range);
}

}  // namespace

Coro<size_t> Sendfile(std::shared_ptr<Transport> transport, int file,
                      SendfileOptions options) {
  if (options.offset < 0) {
    co_return absl::InvalidArgumentError("offset must not be negative");
  }
  if (options.count == size_t{0}) {
    co_return absl::InvalidArgumentError("count must be positive");
  }
  if (transport->IsClosing()) {
    co_return absl::FailedPreconditionError("Transport is closing");
  }
  Range range(options.offset, options.count);
  const bool was_reading = transport->IsReading();
  transport->PauseReading();
  const absl::Status status =
      co_await SendAsCan(transport, file, options.fallback, &range);
  if (was_reading) transport->ResumeReading();
  // What cannot be positioned has no position.
  (void)sys::lseek(file, options.offset + static_cast<off_t>(range.sent),
                   SEEK_SET);
  if (!status.ok()) co_return status;
  co_return range.sent;
}

}  // namespace evkit

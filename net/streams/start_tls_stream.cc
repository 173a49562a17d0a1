// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/streams/start_tls_stream.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/net/protocol.h"
#include "evkit/net/streams/internal/reader_state.h"
#include "evkit/net/streams/internal/writer_state.h"
#include "evkit/net/transport.h"

namespace evkit {
namespace {

// The transport of a stream that is being upgraded: what is written now would
// go out in clear, in front of the handshake or into it.
class Gate final : public Transport {
 public:
  explicit Gate(std::shared_ptr<Transport> plain) : plain_(std::move(plain)) {}

  void Close() override { plain_->Close(); }
  void Abort() override { plain_->Abort(); }
  bool IsClosing() const override { return plain_->IsClosing(); }
  absl::Status SetWriteBufferLimits(std::optional<size_t> high,
                                    std::optional<size_t> low) override {
    return plain_->SetWriteBufferLimits(high, low);
  }
  WriteBufferLimits GetWriteBufferLimits() const override {
    return plain_->GetWriteBufferLimits();
  }
  size_t GetWriteBufferSize() const override {
    return plain_->GetWriteBufferSize();
  }
  AbstractEventLoop& loop() const override { return plain_->loop(); }

  absl::Status Write(absl::string_view) override { return Refuse(); }
  absl::Status WriteLines(absl::Span<const absl::string_view>) override {
    return Refuse();
  }
  absl::Status WriteEof() override { return Refuse(); }
  bool CanWriteEof() const override { return false; }

  // Reading, and who is told, are the upgrade's.
  void PauseReading() override {}
  void ResumeReading() override {}
  bool IsReading() const override { return plain_->IsReading(); }
  void SetProtocol(std::shared_ptr<Protocol>) override {}
  std::shared_ptr<Protocol> GetProtocol() const override {
    return plain_->GetProtocol();
  }

 protected:
  const void* DoGetExtraInfo(const void* key) const override {
    return plain_->GetExtraInfoByAddress(key);
  }

 private:
  static absl::Status Refuse() {
    return absl::FailedPreconditionError(
        "unable to write; StartTls is in progress");
  }

  const std::shared_ptr<Transport> plain_;
};

// Keeps writers out as long as it lives.
class Upgrade {
 public:
  explicit Upgrade(net_internal::WriterState& state)
      : state_(state), plain_(state.transport()) {
    state_.BeginUpgrade(std::make_shared<Gate>(plain_));
  }
  Upgrade(const Upgrade&) = delete;
  Upgrade& operator=(const Upgrade&) = delete;
  ~Upgrade() { state_.EndUpgrade(plain_); }

  const std::shared_ptr<Transport>& plain() const { return plain_; }

 private:
  net_internal::WriterState& state_;
  const std::shared_ptr<Transport> plain_;
};

// The encrypted transport; or why not, and then all is as it was unless the
// connection is closed.
Coro<std::shared_ptr<Transport>> Secure(StreamWriter writer,
                                        std::shared_ptr<TlsContext> context,
                                        StartTlsOptions options) {
  net_internal::WriterState& state = *writer.state();
  net_internal::ReaderState* const reader = state.reader();
  const Upgrade upgrade(state);
  const std::shared_ptr<Transport>& plain = upgrade.plain();
  co_await OrReturn(writer.Drain());
  if (reader != nullptr && reader->has_waiter()) {
    co_return absl::FailedPreconditionError("StartTls: a task is reading");
  }
  if (reader != nullptr && reader->eof()) {
    co_return absl::FailedPreconditionError("StartTls: the stream has ended");
  }
  std::string taken;
  if (reader != nullptr) {
    taken = reader->Take(reader->size());
    options.received += taken;
    // What is decrypted before this goes on must not pause the one below.
    reader->set_transport(nullptr);
  }
  absl::StatusOr<std::shared_ptr<Transport>> secure =
      co_await StartTls(plain, std::move(context), std::move(options));
  if (!secure.ok() && !plain->IsClosing() && reader != nullptr) {
    reader->set_transport(plain.get());
    reader->Feed(taken);
  }
  co_return secure;
}

}  // namespace

Coro<void> StartTls(StreamWriter writer, std::shared_ptr<TlsContext> context,
                    StartTlsOptions options) {
  net_internal::WriterState& state = *writer.state();
  if (state.upgrading()) {
    co_return absl::FailedPreconditionError(
        "StartTls: it is in progress already");
  }
  std::shared_ptr<Transport> secure =
      co_await OrReturn(Secure(writer, std::move(context), std::move(options)));
  state.ReplaceTransport(std::move(secure));
  co_return absl::OkStatus();
}

}  // namespace evkit

// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/streams/start_tls_stream.h"

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/net/streams/internal/reader_state.h"
#include "evkit/net/streams/internal/writer_state.h"
#include "evkit/net/transport.h"

namespace evkit {

Coro<void> StartTls(StreamWriter writer, std::shared_ptr<TlsContext> context,
                    StartTlsOptions options) {
  net_internal::WriterState& state = *writer.state();
  net_internal::ReaderState* const reader = state.reader();
  do {
    co_await OrReturn(writer.Drain());
  } while (state.paused());  // Somebody else has written before this went on.
  if (reader != nullptr && reader->has_waiter()) {
    co_return absl::FailedPreconditionError("StartTls: a task is reading");
  }
  if (reader != nullptr && reader->eof()) {
    co_return absl::FailedPreconditionError("StartTls: the stream has ended");
  }
  const std::shared_ptr<Transport> plain = writer.transport();
  std::string taken;
  if (reader != nullptr) {
    taken = reader->Take(reader->size());
    options.received += taken;
    // What is decrypted before this goes on must not pause the one below.
    reader->set_transport(nullptr);
  }
  absl::StatusOr<std::shared_ptr<Transport>> secure =
      co_await StartTls(plain, std::move(context), std::move(options));
  if (secure.ok()) {
    state.ReplaceTransport(*std::move(secure));
    co_return absl::OkStatus();
  }
  if (!plain->IsClosing()) {
    if (reader != nullptr) {
      reader->set_transport(plain.get());
      reader->Feed(taken);
    }
  }
  co_return std::move(secure).status();
}

}  // namespace evkit

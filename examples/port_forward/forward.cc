// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/examples/port_forward/forward.h"

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/task_group.h"
#include "evkit/net/dns/resolver.h"
#include "evkit/net/streams/open_connection.h"
#include "evkit/net/streams/stream.h"
#include "evkit/net/streams/stream_reader.h"
#include "evkit/net/streams/stream_writer.h"

namespace evkit {
namespace {

// One direction, to its end, and says so to the other side.
Coro<void> Carry(StreamReader from, StreamWriter to) {
  while (true) {
    const std::string data = co_await OrReturn(from.Read(65536));
    if (data.empty()) break;
    co_await OrReturn(to.Write(data));
    co_await OrReturn(to.Drain());
  }
  co_return to.WriteEof();
}

}  // namespace

Coro<void> Forward(StreamReader reader, StreamWriter writer, std::string host,
                   Service port) {
  absl::StatusOr<Stream> there =
      co_await OpenConnection(std::move(host), std::move(port));
  absl::Status status = there.status();
  if (status.ok()) {
    TaskGroup directions;
    const auto carry_both = [&]() -> Coro<void> {
      directions.CreateTask(Carry(reader, there->writer));
      co_return co_await Carry(there->reader, writer);
    };
    // If one fails, this cancels the other.
    status = co_await directions.Run(carry_both);
    there->writer.Close();
  }
  writer.Close();
  co_return status;
}

}  // namespace evkit

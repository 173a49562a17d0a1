// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Both directions of a connection.

#ifndef EVKIT_NET_STREAMS_STREAM_H_
#define EVKIT_NET_STREAMS_STREAM_H_

#include <utility>

#include "evkit/net/streams/stream_reader.h"
#include "evkit/net/streams/stream_writer.h"

namespace evkit {

//   auto [reader, writer] = co_await OrReturn(OpenConnection(host, port));
class Stream {
 public:
  Stream(StreamReader in, StreamWriter out)
      : reader(std::move(in)), writer(std::move(out)) {}

  StreamReader reader;
  StreamWriter writer;
};

}  // namespace evkit

#endif  // EVKIT_NET_STREAMS_STREAM_H_

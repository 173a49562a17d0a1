// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/internal/receive_buffer.h"

#include <cstddef>

#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/loop_local.h"

namespace evkit::net_internal {
namespace {

const LoopLocal<ReceiveBuffer> receive_buffer;

}  // namespace

ReceiveBuffer& ReceiveBuffer::Of(AbstractEventLoop& loop) {
  return receive_buffer.Get(loop);
}

void ReceiveBuffer::Grow(size_t size) {
  memory_.reset();
  memory_.reset(new char[size]);
  size_ = size;
}

}  // namespace evkit::net_internal

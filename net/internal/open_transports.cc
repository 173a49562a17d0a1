// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/internal/open_transports.h"

#include <cstdint>
#include <memory>
#include <utility>

#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/loop_local.h"

namespace evkit::net_internal {
namespace {

const LoopLocal<OpenTransports> open_transports;

}  // namespace

OpenTransports& OpenTransports::Of(AbstractEventLoop& loop) {
  return open_transports.Get(loop);
}

OpenTransports::~OpenTransports() {
  while (!open_.empty()) {
    const std::shared_ptr<OpenTransport> transport = std::move(open_.back());
    open_.pop_back();
    transport->LoopClosed();
    transport->Left(transport);
  }
}

void OpenTransports::Add(std::shared_ptr<OpenTransport> transport) {
  transport->index_ = static_cast<uint32_t>(open_.size());
  open_.push_back(std::move(transport));
}

std::shared_ptr<OpenTransport> OpenTransports::Remove(
    OpenTransport& transport) {
  const uint32_t index = transport.index_;
  std::swap(open_[index], open_.back());
  open_[index]->index_ = index;
  std::shared_ptr<OpenTransport> removed = std::move(open_.back());
  open_.pop_back();
  return removed;
}

}  // namespace evkit::net_internal

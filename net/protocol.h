// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What a transport calls: the user's side of a connection, at callback level.
//
//   class Echo : public Protocol {
//     void ConnectionMade(std::shared_ptr<Transport> transport) override {
//       transport_ = std::move(transport);
//     }
//     void DataReceived(absl::string_view data) override {
//       transport_->Write(data).IgnoreError();
//     }
//     ...
//   };
//
// All calls come on the loop's thread, from callbacks of the loop: never from
// inside a function of the transport, but for PauseWriting(), ResumeWriting()
// and ErrorReceived(), which Write() and its kin may call (contract FLOW-03,
// DGRAM-12).
// ConnectionMade() is the first call and comes once, ConnectionLost() the last
// and comes once (TR-01, TR-02). Any of them may use the transport freely, and
// may throw where exceptions are on: see each.
//
// A transport keeps its protocol until ConnectionLost() has returned, then lets
// go of it. A protocol that keeps its transport should let go of it there too,
// or the two keep each other alive.

#ifndef EVKIT_NET_PROTOCOL_H_
#define EVKIT_NET_PROTOCOL_H_

#include <cstddef>
#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "evkit/net/socket_address.h"

namespace evkit {

class BufferedProtocol;
class DatagramTransport;
class Transport;

// What all protocols have.
class BaseProtocol {
 public:
  BaseProtocol() = default;
  BaseProtocol(const BaseProtocol&) = delete;
  BaseProtocol& operator=(const BaseProtocol&) = delete;
  virtual ~BaseProtocol() = default;

  // The connection is over: OK after the end of the stream, or after the
  // transport's Close() or Abort(); else what went wrong (TR-06, TR-09, TR-12).
  virtual void ConnectionLost(const absl::Status& status) { (void)status; }

  // More than the high-water mark waits to be sent: stop writing for now.
  // Called from inside Write() (FLOW-03). Strictly alternates with
  // ResumeWriting() (FLOW-04). What they throw is reported (FLOW-08).
  virtual void PauseWriting() {}
  // What waits has come down to the low-water mark.
  virtual void ResumeWriting() {}
};

// A stream of bytes: TCP, Unix, pipes, TLS.
class Protocol : public BaseProtocol {
 public:
  // `transport` is open, or is being closed. What this throws is reported, and
  // the connection stays open (TR-14, CONN-20).
  virtual void ConnectionMade(std::shared_ptr<Transport> transport) {
    (void)transport;
  }

  // Some bytes, at least one; how they are cut means nothing. `data` is valid
  // until this returns. What it throws is fatal: it is reported, and the
  // connection lost (TR-13).
  virtual void DataReceived(absl::string_view data) { (void)data; }

  // The peer will send no more. False closes the transport, once what was
  // written is sent; true leaves it open for writing (TR-16). Not called when
  // the connection breaks, nor after Close(). A throw is fatal (TR-13).
  virtual bool EofReceived() { return false; }

  // This, if it is a BufferedProtocol.
  virtual BufferedProtocol* AsBufferedProtocol() { return nullptr; }
};

// A stream that is received into the protocol's own memory, without a copy.
class BufferedProtocol : public Protocol {
 public:
  // Where the next bytes go. At least one byte: an empty buffer is fatal
  // (BUF-02). `size_hint` says how many may come, -1 that nobody knows. Must
  // stay valid until BufferUpdated(), or until the next call of either this or
  // EofReceived() or ConnectionLost(): nothing may have come (BUF-03).
  virtual absl::Span<char> GetBuffer(ptrdiff_t size_hint) = 0;
  // `size` bytes, at least one, have been put at its beginning.
  virtual void BufferUpdated(size_t size) = 0;

  void DataReceived(absl::string_view) final {}
  BufferedProtocol* AsBufferedProtocol() final { return this; }
};

// Messages: UDP, Unix datagrams. What these throw is reported, and the endpoint
// stays open: others may be talking to it (DGRAM-12).
class DatagramProtocol : public BaseProtocol {
 public:
  virtual void ConnectionMade(std::shared_ptr<DatagramTransport> transport) {
    (void)transport;
  }
  // One whole message, possibly empty. `data` is valid until this returns.
  virtual void DatagramReceived(absl::string_view data,
                                const SocketAddress& from) {
    (void)data, (void)from;
  }
  // A send or a receive failed; the transport stays open (DGRAM-12). May be
  // called from inside SendTo(): whoever sends here again, whatever the error,
  // may never come to an end.
  virtual void ErrorReceived(const absl::Status& status) { (void)status; }
};

// Makes the protocol of a new connection. Never null (checked).
using ProtocolFactory = absl::AnyInvocable<std::shared_ptr<Protocol>()>;
using DatagramProtocolFactory =
    absl::AnyInvocable<std::shared_ptr<DatagramProtocol>()>;

}  // namespace evkit

#endif  // EVKIT_NET_PROTOCOL_H_

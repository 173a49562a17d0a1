// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The transport's side of a connection: what a protocol calls. Interfaces; made
// by whoever has bytes to move.
//
// Thread: the loop's. Re-entrancy: every function may be called from every
// callback, those of the protocol included; none calls back but Write() and its
// kin, SetWriteBufferLimits() (PauseWriting()) and what their headers say.
// Lifetime: shared. The loop keeps an open transport alive until its protocol's
// ConnectionLost() has returned; a handle that outlives that is harmless: the
// transport is closing for ever, and what is written is dropped (TR-08).
// Dropping a handle does not close: Close() or Abort() does. A loop that is
// closed closes the descriptors of its transports and tells no protocol.

#ifndef EVKIT_NET_TRANSPORT_H_
#define EVKIT_NET_TRANSPORT_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/net/extra_info.h"
#include "evkit/net/protocol.h"
#include "evkit/net/socket_address.h"

namespace evkit {

// What waits to be sent pauses the protocol above `high` bytes, and resumes it
// at `low` (FLOW-01).
class WriteBufferLimits {
 public:
  constexpr WriteBufferLimits() = default;
  constexpr WriteBufferLimits(size_t low_mark, size_t high_mark)
      : low(low_mark), high(high_mark) {}

  size_t low = 16384;
  size_t high = 65536;
};

// What all transports have.
class BaseTransport {
 public:
  BaseTransport() = default;
  BaseTransport(const BaseTransport&) = delete;
  BaseTransport& operator=(const BaseTransport&) = delete;
  virtual ~BaseTransport() = default;

  // Stops reading, sends what was written, and then ends the connection with
  // ConnectionLost(OK), in a later turn, never inside this call (TR-03, TR-06).
  // Idempotent.
  virtual void Close() = 0;
  // Ends it without sending what waits (TR-09). Idempotent.
  virtual void Abort() = 0;
  // True from Close(), Abort() or a fatal error on, for ever (TR-21).
  virtual bool IsClosing() const = 0;

  // What `key` stands for; null if this transport has no such thing. Valid as
  // long as the transport.
  template <typename T>
  const T* GetExtraInfo(const ExtraInfoKey<T>& key) const {
    return static_cast<const T*>(DoGetExtraInfo(&key));
  }
  // The same without its type, for a transport that asks the one below it.
  const void* GetExtraInfoByAddress(const void* key) const {
    return DoGetExtraInfo(key);
  }

  // How much may wait. Only `high` given: `low` is a quarter of it; only `low`:
  // `high` is four times that; neither: the defaults (FLOW-02). May pause the
  // protocol at once; never resumes it (FLOW-05).
  //   kInvalidArgument: low > high; nothing changes.
  virtual absl::Status SetWriteBufferLimits(
      std::optional<size_t> high = std::nullopt,
      std::optional<size_t> low = std::nullopt) = 0;
  virtual WriteBufferLimits GetWriteBufferLimits() const = 0;
  // The bytes that wait: written, and not taken by the kernel yet (FLOW-06). Of
  // datagrams each counts for 8 bytes more, so that empty ones count
  // (DGRAM-14).
  virtual size_t GetWriteBufferSize() const = 0;

  virtual AbstractEventLoop& loop() const = 0;

 protected:
  // What the key at this address stands for, a T of its own; null if unknown.
  virtual const void* DoGetExtraInfo(const void* key) const = 0;
};

// A stream of bytes. Of a one-way pipe only one direction's functions do
// something; the others say so in their status, or do nothing.
class Transport : public BaseTransport {
 public:
  // Sends `data`, at once if nothing waits and the kernel takes it; the rest is
  // copied, and sent when it can be (TR-04). After Close() still sent if there
  // was a rest (TR-07); dropped if the connection is lost (TR-08). Errors of
  // the connection are the protocol's to hear, in ConnectionLost() (TR-10).
  //   kFailedPrecondition: after WriteEof() (TR-05); while Sendfile() goes on
  //     (SFILE-03). Nothing was sent.
  //   kUnimplemented: a pipe that is only read.
  virtual absl::Status Write(absl::string_view data) = 0;
  // The pieces in order, in as few system calls as can be (TR-25).
  virtual absl::Status WriteLines(
      absl::Span<const absl::string_view> pieces) = 0;
  // Tells the peer that no more comes, once what was written is sent; reading
  // goes on. Idempotent; nothing on a closing transport (TR-17).
  //   kUnimplemented: CanWriteEof() is false.
  virtual absl::Status WriteEof() = 0;
  virtual bool CanWriteEof() const = 0;

  // Stops and starts receiving. Idempotent, and without effect on a closing
  // transport (TR-18). From ConnectionMade(): nothing is received at all before
  // ResumeReading() (TR-19).
  virtual void PauseReading() = 0;
  virtual void ResumeReading() = 0;
  // Neither paused nor closing.
  virtual bool IsReading() const = 0;

  // From now on `protocol` is called instead (TR-22); its ConnectionMade() is
  // not. Null is a bug (checked). Without effect once the connection is lost.
  virtual void SetProtocol(std::shared_ptr<Protocol> protocol) = 0;
  // Null once ConnectionLost() has returned.
  virtual std::shared_ptr<Protocol> GetProtocol() const = 0;
};

// Messages.
class DatagramTransport : public BaseTransport {
 public:
  // Sends one message to the endpoint's remote address: at once if none waits;
  // what the kernel does not take now is copied, and sent in order when it can
  // be (DGRAM-09). Empty ones are sent too (DGRAM-11). Nothing is sent once the
  // connection is lost, which after Close() it is as soon as none waits
  // (DGRAM-16). Errors are the protocol's to hear: ErrorReceived() may be
  // called inside this call (DGRAM-12).
  //   kFailedPrecondition: the endpoint has no remote address.
  virtual absl::Status SendTo(absl::string_view data) = 0;
  // Sends one to `to`.
  //   kInvalidArgument: the endpoint has another remote address (DGRAM-10).
  virtual absl::Status SendTo(absl::string_view data,
                              const SocketAddress& to) = 0;

  // Null once ConnectionLost() has returned.
  virtual std::shared_ptr<DatagramProtocol> GetProtocol() const = 0;
};

// The two ends of a new datagram endpoint.
class DatagramEndpoint {
 public:
  DatagramEndpoint(std::shared_ptr<DatagramTransport> its_transport,
                   std::shared_ptr<DatagramProtocol> its_protocol)
      : transport(std::move(its_transport)),
        protocol(std::move(its_protocol)) {}

  std::shared_ptr<DatagramTransport> transport;
  std::shared_ptr<DatagramProtocol> protocol;
};

// The two ends of a new connection.
class Connection {
 public:
  Connection(std::shared_ptr<Transport> its_transport,
             std::shared_ptr<Protocol> its_protocol)
      : transport(std::move(its_transport)),
        protocol(std::move(its_protocol)) {}

  std::shared_ptr<Transport> transport;
  std::shared_ptr<Protocol> protocol;
};

}  // namespace evkit

#endif  // EVKIT_NET_TRANSPORT_H_

// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// evkit with protocols: a callback for what comes, no coroutines.

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "evkit/base/unique_fd.h"
#include "evkit/bench/net/command_line.h"
#include "evkit/bench/net/serve.h"
#include "evkit/loop/default_event_loop.h"
#include "evkit/loop/event_loop.h"
#include "evkit/net/connections/listener.h"
#include "evkit/net/datagrams/datagram_transport.h"
#include "evkit/net/protocol.h"
#include "evkit/net/socket.h"
#include "evkit/net/socket_address.h"
#include "evkit/net/stream_transport.h"
#include "evkit/net/transport.h"

namespace evkit {
namespace {

void Check(const absl::Status& status) {
  if (!status.ok()) {
    Die(status.ToString());
  }
}

class Echo final : public Protocol {
 public:
  void ConnectionMade(std::shared_ptr<Transport> transport) override {
    transport_ = std::move(transport);
  }
  void DataReceived(absl::string_view data) override {
    transport_->Write(data).IgnoreError();
  }
  // As the other servers do: nothing is read that cannot be sent.
  void PauseWriting() override { transport_->PauseReading(); }
  void ResumeWriting() override { transport_->ResumeReading(); }
  void ConnectionLost(const absl::Status&) override { transport_ = nullptr; }

 private:
  std::shared_ptr<Transport> transport_;
};

class EchoDatagrams final : public DatagramProtocol {
 public:
  void ConnectionMade(std::shared_ptr<DatagramTransport> transport) override {
    transport_ = std::move(transport);
  }
  void DatagramReceived(absl::string_view data,
                        const SocketAddress& from) override {
    transport_->SendTo(data, from).IgnoreError();
  }
  void ConnectionLost(const absl::Status&) override { transport_ = nullptr; }

 private:
  std::shared_ptr<DatagramTransport> transport_;
};

Socket Adopt(int fd) {
  absl::StatusOr<Socket> socket = Socket::Adopt(UniqueFd(fd));
  Check(socket.status());
  return *std::move(socket);
}

void ServeDatagrams(EventLoop& loop, const ServeOptions& options) {
  NewDatagramTransport(loop, Adopt(BindDatagramAndAnnounce(options)),
                       std::make_shared<EchoDatagrams>());
  Check(loop.RunForever());
}

void ServeStreams(EventLoop& loop, const ServeOptions& options) {
  ListenerOptions listener_options;
  listener_options.backlog = kBacklog;
  Listener listener(loop, Adopt(ListenAndAnnounce(options)), listener_options,
                    [&loop](Socket peer, SocketAddress from) {
                      StreamTransportOptions transport_options;
                      transport_options.peername = std::move(from);
                      NewStreamTransport(loop, std::move(peer),
                                         std::make_shared<Echo>(),
                                         std::move(transport_options));
                    });
  Check(listener.Start());
  Check(loop.RunForever());
}

}  // namespace
}  // namespace evkit

int main(int argc, char** argv) {
  using namespace evkit;
  const ServeOptions options(argc, argv);
  if (options.name == "sendfile") {
    ExitUnavailable("see evkit_coro_server");
  }
  absl::StatusOr<std::unique_ptr<EventLoop>> loop = NewDefaultEventLoop();
  Check(loop.status());
  if (options.name == "udp") {
    ServeDatagrams(**loop, options);
  } else {
    ServeStreams(**loop, options);
  }
}

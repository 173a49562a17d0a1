// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// evkit with protocols: a callback for what comes, no coroutines but the one
// that sends a file.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "evkit/base/unique_fd.h"
#include "evkit/bench/net/command_line.h"
#include "evkit/bench/net/serve.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/default_event_loop.h"
#include "evkit/loop/event_loop.h"
#include "evkit/net/connections/listener.h"
#include "evkit/net/datagrams/datagram_transport.h"
#include "evkit/net/protocol.h"
#include "evkit/net/sendfile.h"
#include "evkit/net/socket.h"
#include "evkit/net/socket_address.h"
#include "evkit/net/stream_transport.h"
#include "evkit/net/transport.h"
#include "evkit/selectors/uring_selector.h"

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

// For every byte received, the file.
class Files final : public Protocol,
                    public std::enable_shared_from_this<Files> {
 public:
  Files(EventLoop& loop, int file, int64_t file_size)
      : loop_(loop), file_(file), file_size_(file_size) {}

  void ConnectionMade(std::shared_ptr<Transport> transport) override {
    transport_ = std::move(transport);
  }
  void DataReceived(absl::string_view data) override {
    wanted_ += data.size();
    if (!sending_) {
      sending_ = true;
      CreateTask(loop_, Send(shared_from_this()));
    }
  }
  void ConnectionLost(const absl::Status&) override { transport_ = nullptr; }

 private:
  static Coro<void> Send(std::shared_ptr<Files> self) {
    SendfileOptions whole;
    whole.count = static_cast<size_t>(self->file_size_);
    while (self->wanted_ > 0 && self->transport_ != nullptr) {
      --self->wanted_;
      // Of a connection that is lost, ConnectionLost() hears.
      (co_await Sendfile(self->transport_, self->file_, whole))
          .status()
          .IgnoreError();
    }
    self->sending_ = false;
    co_return absl::OkStatus();
  }

  EventLoop& loop_;
  const int file_;
  const int64_t file_size_;
  size_t wanted_ = 0;
  bool sending_ = false;
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

std::unique_ptr<EventLoop> NewLoop(const ServeOptions& options) {
  EventLoopOptions loop_options;
  if (options.selector == "uring") {
    absl::StatusOr<std::unique_ptr<UringSelector>> selector =
        UringSelector::Create();
    if (!selector.ok()) ExitUnavailable(selector.status().ToString().c_str());
    loop_options.selector = *std::move(selector);
  } else if (!options.selector.empty()) {
    Die("no such selector: " + options.selector);
  }
  absl::StatusOr<std::unique_ptr<EventLoop>> loop =
      NewDefaultEventLoop(std::move(loop_options));
  Check(loop.status());
  return *std::move(loop);
}

// `new_protocol()` makes the protocol of a connection.
template <typename NewProtocol>
void ServeStreams(EventLoop& loop, const ServeOptions& options,
                  NewProtocol new_protocol) {
  ListenerOptions listener_options;
  listener_options.backlog = kBacklog;
  Listener listener(loop, Adopt(ListenAndAnnounce(options)), listener_options,
                    [&loop, &new_protocol](Socket peer, SocketAddress from) {
                      StreamTransportOptions transport_options;
                      transport_options.peername = std::move(from);
                      NewStreamTransport(loop, std::move(peer), new_protocol(),
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
  const std::unique_ptr<EventLoop> loop = NewLoop(options);
  if (options.name == "udp") {
    ServeDatagrams(*loop, options);
  } else if (options.name == "sendfile") {
    const int file = NewPatternFile(options.file_size);
    ServeStreams(*loop, options, [&loop, &options, file] {
      return std::make_shared<Files>(*loop, file, options.file_size);
    });
  } else {
    ServeStreams(*loop, options, [] { return std::make_shared<Echo>(); });
  }
}

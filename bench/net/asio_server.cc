// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// asio with callbacks, as in its own examples. Without exceptions it does not
// compile.

#if defined(__cpp_exceptions)

#include <sys/sendfile.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "asio.hpp"
#include "evkit/bench/net/serve.h"

namespace evkit {
namespace {

using asio::ip::tcp;
using asio::ip::udp;

class EchoSession : public std::enable_shared_from_this<EchoSession> {
 public:
  EchoSession(tcp::socket socket, const ServeOptions&, int)
      : socket_(std::move(socket)) {}

  void Start() {
    socket_.async_read_some(asio::buffer(buffer_),
                            [self = shared_from_this()](
                                const asio::error_code& error, size_t size) {
                              if (!error) {
                                self->Write(size);
                              }
                            });
  }

 private:
  void Write(size_t size) {
    asio::async_write(
        socket_, asio::buffer(buffer_, size),
        [self = shared_from_this()](const asio::error_code& error, size_t) {
          if (!error) {
            self->Start();
          }
        });
  }

  tcp::socket socket_;
  std::array<char, kReadSize> buffer_;
};

// asio sends no files either; this is its way of using another's call.
class FileSession : public std::enable_shared_from_this<FileSession> {
 public:
  FileSession(tcp::socket socket, const ServeOptions& options, int file)
      : socket_(std::move(socket)), file_(file), file_size_(options.file_size) {
    socket_.native_non_blocking(true);
  }

  void Start() {
    socket_.async_read_some(asio::buffer(requests_),
                            [self = shared_from_this()](
                                const asio::error_code& error, size_t size) {
                              if (!error) {
                                self->to_send_ += static_cast<int64_t>(size) *
                                                  self->file_size_;
                                self->Send();
                              }
                            });
  }

 private:
  void Send() {
    while (to_send_ > 0) {
      off_t offset = (file_size_ - to_send_ % file_size_) % file_size_;
      const ssize_t sent = sendfile(socket_.native_handle(), file_, &offset,
                                    static_cast<size_t>(file_size_ - offset));
      if (sent < 0 && errno != EAGAIN) {
        return;
      }
      if (sent < 0) {
        socket_.async_wait(
            tcp::socket::wait_write,
            [self = shared_from_this()](const asio::error_code& error) {
              if (!error) {
                self->Send();
              }
            });
        return;
      }
      to_send_ -= sent;
    }
    Start();
  }

  tcp::socket socket_;
  const int file_;
  const int64_t file_size_;
  int64_t to_send_ = 0;
  std::array<char, 64> requests_;
};

template <typename Session>
class Server {
 public:
  Server(asio::io_context& context, const ServeOptions& options, int file)
      : options_(options),
        file_(file),
        acceptor_(context, tcp::v4(), ListenAndAnnounce(options)) {
    Accept();
  }

 private:
  void Accept() {
    acceptor_.async_accept(
        [this](const asio::error_code& error, tcp::socket socket) {
          if (!error) {
            // Not make_shared(), which would touch every page of the buffer.
            std::shared_ptr<Session>(
                new Session(std::move(socket), options_, file_))
                ->Start();
          }
          Accept();
        });
  }

  const ServeOptions& options_;
  const int file_;
  tcp::acceptor acceptor_;
};

class DatagramServer {
 public:
  DatagramServer(asio::io_context& context, const ServeOptions& options)
      : socket_(context, udp::v4(), BindDatagramAndAnnounce(options)) {
    Receive();
  }

 private:
  void Receive() {
    socket_.async_receive_from(
        asio::buffer(buffer_), from_,
        [this](const asio::error_code& error, size_t size) {
          if (error) {
            Receive();
          } else {
            Send(size);
          }
        });
  }

  void Send(size_t size) {
    socket_.async_send_to(
        asio::buffer(buffer_, size), from_,
        [this](const asio::error_code&, size_t) { Receive(); });
  }

  udp::socket socket_;
  udp::endpoint from_;
  std::array<char, kReadSize> buffer_;
};

}  // namespace
}  // namespace evkit

int main(int argc, char** argv) {
  const evkit::ServeOptions options(
      argc, argv,
      std::to_string(ASIO_VERSION / 100000) + "." +
          std::to_string(ASIO_VERSION / 100 % 1000) + "." +
          std::to_string(ASIO_VERSION % 100));
  asio::io_context context(1);
  if (options.name == "udp") {
    evkit::DatagramServer server(context, options);
    context.run();
  } else if (options.name == "sendfile") {
    evkit::Server<evkit::FileSession> server(
        context, options, evkit::NewPatternFile(options.file_size));
    context.run();
  } else {
    evkit::Server<evkit::EchoSession> server(context, options, -1);
    context.run();
  }
}

#else

#include "evkit/bench/net/serve.h"

int main() { evkit::ExitUnavailable("asio needs exceptions"); }

#endif

// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// asio with coroutines. They do not compile without exceptions, nor with clang
// before 15 (asio 1.22).

#if defined(__cpp_exceptions)
#include "asio.hpp"
#endif

#include "evkit/bench/net/serve.h"

#if defined(ASIO_HAS_CO_AWAIT)

#include <array>
#include <string>
#include <utility>

#include "asio/experimental/as_tuple.hpp"

namespace evkit {
namespace {

using asio::ip::tcp;
using asio::ip::udp;

// Errors as values: an exception at the end of each connection would be unfair.
constexpr auto kUse = asio::experimental::as_tuple(asio::use_awaitable);

asio::awaitable<void> Echo(tcp::socket socket) {
  std::array<char, kReadSize> buffer;
  while (true) {
    const auto [error, size] =
        co_await socket.async_read_some(asio::buffer(buffer), kUse);
    if (error) {
      co_return;
    }
    const auto [failure, written] =
        co_await asio::async_write(socket, asio::buffer(buffer, size), kUse);
    if (failure) {
      co_return;
    }
  }
}

asio::awaitable<void> Accept(tcp::acceptor acceptor) {
  while (true) {
    auto [error, socket] = co_await acceptor.async_accept(kUse);
    if (!error) {
      asio::co_spawn(acceptor.get_executor(), Echo(std::move(socket)),
                     asio::detached);
    }
  }
}

asio::awaitable<void> EchoDatagrams(udp::socket socket) {
  std::array<char, kReadSize> buffer;
  while (true) {
    udp::endpoint from;
    const auto [error, size] =
        co_await socket.async_receive_from(asio::buffer(buffer), from, kUse);
    if (!error) {
      co_await socket.async_send_to(asio::buffer(buffer, size), from, kUse);
    }
  }
}

}  // namespace
}  // namespace evkit

int main(int argc, char** argv) {
  using namespace evkit;
  const ServeOptions options(argc, argv,
                             std::to_string(ASIO_VERSION / 100000) + "." +
                                 std::to_string(ASIO_VERSION / 100 % 1000) +
                                 "." + std::to_string(ASIO_VERSION % 100));
  if (options.name == "sendfile") {
    ExitUnavailable("asio awaits no sending of files");
  }
  asio::io_context context(1);
  if (options.name == "udp") {
    udp::socket socket(context, udp::v4(), BindDatagramAndAnnounce(options));
    asio::co_spawn(context, EchoDatagrams(std::move(socket)), asio::detached);
  } else {
    tcp::acceptor acceptor(context, tcp::v4(), ListenAndAnnounce(options));
    asio::co_spawn(context, Accept(std::move(acceptor)), asio::detached);
  }
  context.run();
}

#else

int main() {
  evkit::ExitUnavailable("asio has no coroutines with this compiler");
}

#endif

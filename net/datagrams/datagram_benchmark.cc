// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What does a question and its answer cost over UDP on the loopback interface,
// with both ends in one thread?
//
//   Raw/w          epoll(7), recvfrom(2), sendto(2), by hand
//   Endpoint/w     two endpoints
//   RawBatch/w     epoll(7), recvmmsg(2), sendmmsg(2), by hand
//   EndpointBatch/w  two endpoints with a batch of 32
//
// w questions are under way all the time; time is for one question and its
// answer, which are two datagrams. 64 bytes each.
//
//   bazel run -c opt //net/datagrams:datagram_benchmark
//
// Compare times of one run only. System calls are counted by strace, as the
// difference of two runs of one case:
//
//   strace -c -U calls,name bazel-bin/net/datagrams/datagram_benchmark
//       --benchmark_filter=BM_Endpoint/32 --benchmark_min_time=0.1

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "benchmark/benchmark.h"
#include "evkit/base/unique_fd.h"
#include "evkit/loop/default_event_loop.h"
#include "evkit/net/datagrams/datagram_transport.h"
#include "evkit/net/protocol.h"
#include "evkit/net/socket.h"
#include "evkit/net/socket_address.h"
#include "evkit/net/transport.h"

namespace evkit {
namespace {

constexpr int64_t kQuestions = 2000;  // In one iteration.
constexpr size_t kSize = 64;
constexpr size_t kBatch = 32;

Socket Bound() {
  Socket socket = *Socket::Create(AF_INET, SOCK_DGRAM);
  if (!socket.Bind(SocketAddress::LoopbackIPv4(0)).ok()) std::abort();
  return socket;
}

// --- evkit ------------------------------------------------------------------

class Server : public DatagramProtocol {
 public:
  void ConnectionMade(std::shared_ptr<DatagramTransport> transport) override {
    transport_ = std::move(transport);
  }
  void DatagramReceived(absl::string_view data,
                        const SocketAddress& from) override {
    transport_->SendTo(data, from).IgnoreError();
  }

 private:
  std::shared_ptr<DatagramTransport> transport_;
};

class Client : public DatagramProtocol {
 public:
  Client(EventLoop& loop, const SocketAddress& server)
      : loop_(loop), server_(server) {}

  void ConnectionMade(std::shared_ptr<DatagramTransport> transport) override {
    transport_ = std::move(transport);
  }
  void Begin(int64_t window) {
    answers_ = 0;
    for (asked_ = 0; asked_ < window; ++asked_) Ask();
  }
  void DatagramReceived(absl::string_view, const SocketAddress&) override {
    if (asked_ < kQuestions) {
      ++asked_;
      Ask();
    }
    if (++answers_ == kQuestions) loop_.Stop();
  }

 private:
  void Ask() { transport_->SendTo(question_, server_).IgnoreError(); }

  EventLoop& loop_;
  const SocketAddress server_;
  const std::string question_ = std::string(kSize, 'q');
  std::shared_ptr<DatagramTransport> transport_;
  int64_t asked_ = 0;
  int64_t answers_ = 0;
};

void Endpoints(benchmark::State& state, size_t batch) {
  const std::unique_ptr<EventLoop> loop = *NewDefaultEventLoop();
  Socket socket = Bound();
  const auto client = std::make_shared<Client>(*loop, *socket.LocalAddress());
  const auto make = [&](Socket its_socket,
                        std::shared_ptr<DatagramProtocol> protocol) {
    DatagramTransportOptions options;
    options.batch = batch;
    NewDatagramTransport(*loop, std::move(its_socket), std::move(protocol),
                         std::move(options));
  };
  make(std::move(socket), std::make_shared<Server>());
  make(Bound(), client);
  loop->CallSoon([&] { loop->Stop(); });
  (void)loop->RunForever();
  while (state.KeepRunningBatch(kQuestions)) {
    client->Begin(state.range(0));
    (void)loop->RunForever();
  }
  state.SetItemsProcessed(state.iterations());
}

void BM_Endpoint(benchmark::State& state) { Endpoints(state, 1); }
void BM_EndpointBatch(benchmark::State& state) { Endpoints(state, kBatch); }

// --- By hand ----------------------------------------------------------------

// One of the two ends.
class RawEnd {
 public:
  explicit RawEnd(size_t batch)
      : memory_(batch * 65536),
        headers_(batch),
        pieces_(batch),
        addresses_(batch) {
    for (size_t i = 0; i < batch; ++i) {
      pieces_[i].iov_base = &memory_[i * 65536];
      pieces_[i].iov_len = 65536;
      msghdr& header = headers_[i].msg_hdr;
      header.msg_name = &addresses_[i];
      header.msg_namelen = sizeof(addresses_[i]);
      header.msg_iov = &pieces_[i];
      header.msg_iovlen = 1;
    }
  }

  int fd() const { return socket_.fd(); }
  sockaddr_in address() const {
    return *reinterpret_cast<const sockaddr_in*>(
        socket_.LocalAddress()->data());
  }
  void SendTo(const sockaddr_in& to) {
    ::sendto(fd(), question_.data(), question_.size(), MSG_NOSIGNAL,
             reinterpret_cast<const sockaddr*>(&to), sizeof(to));
  }
  // Receives one. Whether there was one.
  bool ReceiveOne() {
    socklen_t length = sizeof(addresses_[0]);
    received_ =
        ::recvfrom(fd(), memory_.data(), 65536, 0,
                   reinterpret_cast<sockaddr*>(&addresses_[0]), &length);
    return received_ >= 0;
  }
  void AnswerOne() {
    ::sendto(fd(), memory_.data(), static_cast<size_t>(received_), MSG_NOSIGNAL,
             reinterpret_cast<const sockaddr*>(&addresses_[0]),
             sizeof(addresses_[0]));
  }
  // Receives up to a batch, and returns how many.
  int ReceiveBatch() {
    return ::recvmmsg(fd(), headers_.data(),
                      static_cast<unsigned>(headers_.size()), 0, nullptr);
  }
  // Sends the first `count` of what was received back.
  void AnswerBatch(int count) {
    for (int i = 0; i < count; ++i) {
      pieces_[static_cast<size_t>(i)].iov_len =
          headers_[static_cast<size_t>(i)].msg_len;
    }
    ::sendmmsg(fd(), headers_.data(), static_cast<unsigned>(count),
               MSG_NOSIGNAL);
    for (int i = 0; i < count; ++i) {
      pieces_[static_cast<size_t>(i)].iov_len = 65536;
    }
  }

 private:
  Socket socket_ = Bound();
  const std::string question_ = std::string(kSize, 'q');
  std::vector<char> memory_;
  ssize_t received_ = 0;
  std::vector<mmsghdr> headers_;
  std::vector<iovec> pieces_;
  std::vector<sockaddr_in> addresses_;
};

class RawEpoll {
 public:
  RawEpoll() : fd_(::epoll_create1(EPOLL_CLOEXEC)) {}
  void Add(int fd, uint64_t data) {
    epoll_event event = {};
    event.events = EPOLLIN;
    event.data.u64 = data;
    if (::epoll_ctl(fd_.get(), EPOLL_CTL_ADD, fd, &event) != 0) std::abort();
  }
  int Wait() { return ::epoll_wait(fd_.get(), events_, 8, -1); }
  uint64_t data(int i) const { return events_[i].data.u64; }

 private:
  UniqueFd fd_;
  epoll_event events_[8];
};

void Raw(benchmark::State& state, size_t batch) {
  RawEnd server(batch);
  RawEnd client(batch);
  const sockaddr_in address = server.address();
  RawEpoll epoll;
  epoll.Add(server.fd(), 0);
  epoll.Add(client.fd(), 1);
  while (state.KeepRunningBatch(kQuestions)) {
    int64_t asked = state.range(0);
    int64_t answers = 0;
    for (int64_t i = 0; i < asked; ++i) client.SendTo(address);
    while (answers < kQuestions) {
      const int ready = epoll.Wait();
      for (int i = 0; i < ready; ++i) {
        RawEnd& end = epoll.data(i) == 0 ? server : client;
        if (batch == 1) {
          if (!end.ReceiveOne()) continue;
          if (epoll.data(i) == 0 || asked < kQuestions) end.AnswerOne();
          if (epoll.data(i) == 0) continue;
          ++answers;
          if (asked < kQuestions) ++asked;
        } else {
          const int count = end.ReceiveBatch();
          if (count <= 0) continue;
          if (epoll.data(i) == 0) {
            end.AnswerBatch(count);
            continue;
          }
          answers += count;
          const int64_t more = std::min<int64_t>(count, kQuestions - asked);
          if (more > 0) end.AnswerBatch(static_cast<int>(more));
          asked += more;
        }
      }
    }
  }
  state.SetItemsProcessed(state.iterations());
}

void BM_Raw(benchmark::State& state) { Raw(state, 1); }
void BM_RawBatch(benchmark::State& state) { Raw(state, kBatch); }

BENCHMARK(BM_Raw)->Arg(1)->Arg(32);
BENCHMARK(BM_Endpoint)->Arg(1)->Arg(32);
BENCHMARK(BM_RawBatch)->Arg(1)->Arg(32);
BENCHMARK(BM_EndpointBatch)->Arg(1)->Arg(32);

}  // namespace
}  // namespace evkit

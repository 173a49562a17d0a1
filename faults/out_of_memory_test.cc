// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What the whole of it does when memory runs out: docs/architecture.md, "Out of
// memory".

#include <sys/socket.h>

#include <array>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "evkit/faults/out_of_memory_testing.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/run_until_complete.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/default_event_loop.h"
#include "evkit/loop/event_loop.h"
#include "evkit/net/connections/bind_server.h"
#include "evkit/net/protocol.h"
#include "evkit/net/socket.h"
#include "evkit/net/socket_address.h"
#include "evkit/net/stream_transport.h"
#include "evkit/net/transport.h"
#include "evkit/subprocess/process/process.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

std::unique_ptr<EventLoop> NewLoop() {
  absl::StatusOr<std::unique_ptr<EventLoop>> loop = NewDefaultEventLoop();
  Require(loop.ok(), "a loop can be made");
  return *std::move(loop);
}

// Runs `loop` until what is queued now has run.
void RunQueued(EventLoop& loop) {
  loop.CallSoon([&loop] { loop.Stop(); });
  Require(loop.RunForever().ok(), "the loop runs");
}

// A callable that is too large for a callback to hold it in place, and knows
// how often it was called and whether it still exists.
class Probe {
 public:
  auto NewCallback() {
    return [called = called_, ballast = std::array<char, 100>()] {
      ++*called;
      (void)ballast;
    };
  }
  bool exists() const { return called_.use_count() > 1; }
  int calls() const { return *called_; }

 private:
  std::shared_ptr<int> called_ = std::make_shared<int>(0);
};

TEST(OutOfMemoryTest, bug_H23_ALoopIsMadeOrNothingIsLeftOfIt) {
  int aborts = 0;
  EXPECT_TRUE(EveryAllocationFails(
      [](OutOfMemory& out_of_memory) {
        std::unique_ptr<EventLoop> loop;
        if (out_of_memory.During([&] {
              absl::StatusOr<std::unique_ptr<EventLoop>> made =
                  NewDefaultEventLoop();
              if (made.ok()) loop = *std::move(made);
            })) {
          Require(loop != nullptr, "without an exception there is a loop");
        }
        if (loop == nullptr) loop = NewLoop();
        RunQueued(*loop);
      },
      &aborts));
#if defined(__cpp_exceptions)
  EXPECT_EQ(aborts, 0);
#endif
}

TEST(OutOfMemoryTest, bug_H23_WhatIsScheduledIsScheduledWhollyOrNotAtAll) {
  int aborts = 0;
  EXPECT_TRUE(EveryAllocationFails(
      [](OutOfMemory& out_of_memory) {
        const auto loop = NewLoop();
        Probe soon;
        Probe later;
        const bool completed = out_of_memory.During([&] {
          loop->CallSoon(soon.NewCallback());
          loop->CallLater(absl::ZeroDuration(), later.NewCallback());
        });
        Require(completed || !later.exists(), "a refused callback is dropped");
        const bool soon_scheduled = soon.exists();
        RunQueued(*loop);
        Require(soon.calls() == (soon_scheduled ? 1 : 0), "once or never");
        Require(later.calls() == (completed ? 1 : 0), "once or never");
        loop->CallSoon(soon.NewCallback());
        RunQueued(*loop);
        Require(soon.calls() == (soon_scheduled ? 2 : 1), "the loop goes on");
      },
      &aborts));
#if defined(__cpp_exceptions)
  EXPECT_EQ(aborts, 0);
#endif
}

TEST(OutOfMemoryTest, bug_H23_ADescriptorIsWatchedOrNot) {
  int aborts = 0;
  EXPECT_TRUE(EveryAllocationFails(
      [](OutOfMemory& out_of_memory) {
        const auto loop = NewLoop();
        auto pair = *Socket::Pair();
        Probe writer;
        Probe reader;
        const int fd = pair.first.fd();
        const bool completed = out_of_memory.During([&] {
          Require(loop->AddWriter(fd, writer.NewCallback()).ok(), "added");
          Require(loop->AddReader(fd, reader.NewCallback()).ok(), "added");
        });
        const bool writes = writer.exists();
        Require(reader.exists() == completed, "a refused callback is dropped");
        RunQueued(*loop);
        Require(writer.calls() == (writes ? 1 : 0), "called if it was added");
        Require(loop->RemoveWriter(fd) == writes, "known if it was added");
        Require(loop->RemoveReader(fd) == completed, "known if it was added");
        Require(loop->AddWriter(fd, writer.NewCallback()).ok(), "added again");
        RunQueued(*loop);
        Require(writer.calls() == (writes ? 2 : 1), "the loop goes on");
      },
      &aborts));
#if defined(__cpp_exceptions)
  EXPECT_EQ(aborts, 0);
#endif
}

TEST(OutOfMemoryTest, bug_H23_APostArrivesOrIsRefused) {
  int aborts = 0;
  EXPECT_TRUE(EveryAllocationFails(
      [](OutOfMemory& out_of_memory) {
        const auto loop = NewLoop();
        Probe posted;
        std::thread poster([&] {
          // A callback that must not be moved under the lock.
          const auto callback = posted.NewCallback();
          out_of_memory.During([&] {
            for (int i = 0; i < 3; ++i) {
              Require(loop->CallSoonThreadsafe(callback).ok(), "posted");
              Require(loop->CallSoonThreadsafe([callback = std::string("text"),
                                                &posted] { (void)posted; })
                          .ok(),
                      "posted");
            }
          });
        });
        poster.join();
        RunQueued(*loop);
        Require(posted.calls() <= 3 && !posted.exists(), "at most once each");
        const int before = posted.calls();
        Require(loop->CallSoonThreadsafe(posted.NewCallback()).ok(), "posted");
        RunQueued(*loop);
        Require(posted.calls() == before + 1, "the loop goes on");
      },
      &aborts));
#if defined(__cpp_exceptions)
  EXPECT_EQ(aborts, 0);
#endif
}

Coro<std::string> Double(std::string text) { co_return text + text; }
Coro<void> Main(std::string text, std::string& result) {
  const Task<std::string> left = CreateTask(Double(text));
  const Task<std::string> right = CreateTask(Double(text));
  result = co_await OrReturn(left);
  result += co_await OrReturn(right);
  co_return absl::OkStatus();
}
const char kText[] = "a text that does not fit into the object of a string";

TEST(OutOfMemoryTest, bug_H23_ATaskIsStartedOrNot) {
  int aborts = 0;
  EXPECT_TRUE(EveryAllocationFails(
      [](OutOfMemory& out_of_memory) {
        const auto loop = NewLoop();
        Task<std::string> task;
        out_of_memory.During([&] {
          TaskOptions options;
          options.name = kText;
          task = CreateTask(*loop, Double(kText), std::move(options));
        });
        RunQueued(*loop);
        if (task.valid()) Require(task.done(), "the task has run");
        std::string result;
        Require(RunUntilComplete(*loop, Main("a", result)).ok(), "tasks run");
        Require(result == "aaaa", "the loop goes on");
      },
      &aborts));
#if defined(__cpp_exceptions)
  EXPECT_EQ(aborts, 0);
#endif
}

TEST(OutOfMemoryTest, bug_H23_TasksThatRunOutOfMemoryEndTheProcess) {
  EXPECT_TRUE(EveryAllocationFails([](OutOfMemory& out_of_memory) {
    const auto loop = NewLoop();
    std::string result;
    out_of_memory.During([&] {
      Require(RunUntilComplete(*loop, Main(kText, result)).ok(), "tasks run");
    });
    RunQueued(*loop);
  }));
}

// Sends back what comes.
class Echo : public Protocol {
 public:
  void ConnectionMade(std::shared_ptr<Transport> transport) override {
    transport_ = std::move(transport);
  }
  void DataReceived(absl::string_view data) override {
    Require(transport_->Write(data).ok(), "written");
  }
  void ConnectionLost(const absl::Status&) override { transport_.reset(); }

 private:
  std::shared_ptr<Transport> transport_;
};

// Sends something too large for one write, and stops the loop when it is back.
class Client : public Protocol {
 public:
  explicit Client(EventLoop& loop) : loop_(loop) {}

  void ConnectionMade(std::shared_ptr<Transport> transport) override {
    transport_ = std::move(transport);
    Require(transport_->Write(std::string(kSize, 'x')).ok(), "written");
  }
  void DataReceived(absl::string_view data) override {
    received_ += data.size();
    if (received_ == kSize) transport_->Close();
  }
  void ConnectionLost(const absl::Status& status) override {
    Require(status.ok() && received_ == kSize, "all came back");
    transport_.reset();
    loop_.Stop();
  }

 private:
  static constexpr size_t kSize = 1 << 20;
  EventLoop& loop_;
  std::shared_ptr<Transport> transport_;
  size_t received_ = 0;
};

TEST(OutOfMemoryTest, bug_H23_AnEchoOverTransportsIsWholeOrEndsTheProcess) {
  EXPECT_TRUE(EveryAllocationFails([](OutOfMemory& out_of_memory) {
    const auto loop = NewLoop();
    out_of_memory.During([&] {
      auto pair = *Socket::Pair();
      NewStreamTransport(*loop, std::move(pair.first),
                         std::make_shared<Echo>());
      NewStreamTransport(*loop, std::move(pair.second),
                         std::make_shared<Client>(*loop));
      Require(loop->RunForever().ok(), "the loop runs");
    });
    RunQueued(*loop);
  }));
}

TEST(OutOfMemoryTest, bug_H23_AServerAcceptsOrEndsTheProcess) {
  EXPECT_TRUE(EveryAllocationFails([](OutOfMemory& out_of_memory) {
    const auto loop = NewLoop();
    out_of_memory.During([&] {
      const std::shared_ptr<Server> server =
          *BindServer(*loop, {SocketAddress::LoopbackIPv4(0)},
                      [] { return std::make_shared<Echo>(); });
      Socket client = *Socket::Create(AF_INET, SOCK_STREAM);
      Require(client.Connect(*server->Sockets()[0].LocalAddress()).ok(),
              "connects");
      NewStreamTransport(*loop, std::move(client),
                         std::make_shared<Client>(*loop));
      Require(loop->RunForever().ok(), "the loop runs");
      server->Close();
    });
    RunQueued(*loop);
  }));
}

Coro<std::string> RunCat() {
  ProcessOptions options;
  options.argv = {"cat"};
  options.stdin_from = Stdio::Pipe();
  options.stdout_to = Stdio::Pipe();
  Process cat = co_await OrReturn(CreateSubprocessExec(std::move(options)));
  const ProcessOutput output = co_await OrReturn(cat.Communicate(kText));
  co_return output.out.value_or("nothing");
}

TEST(OutOfMemoryTest, bug_H23_AChildIsRunOrTheProcessEnds) {
  EXPECT_TRUE(EveryAllocationFails([](OutOfMemory& out_of_memory) {
    const auto loop = NewLoop();
    out_of_memory.During([&] {
      const absl::StatusOr<std::string> text =
          RunUntilComplete(*loop, RunCat());
      Require(text.ok() && *text == kText, "the child answers");
    });
    RunQueued(*loop);
  }));
}

#if defined(__cpp_exceptions)

TEST(OutOfMemoryTest, ABadAllocThatACallbackDoesNotCatchEndsTheProcess) {
  const auto run = [] {
    const auto loop = NewLoop();
    loop->CallSoon([] { throw std::bad_alloc(); });
    loop->RunForever().IgnoreError();
  };
  EXPECT_DEATH(run(), "evkit: out of memory");
}

TEST(OutOfMemoryTest, ABadAllocThatACoroutineDoesNotCatchEndsTheProcess) {
  const auto throws = []() -> Coro<void> {
    throw std::bad_alloc();
    co_return absl::OkStatus();
  };
  const auto run = [&throws] {
    RunUntilComplete(*NewLoop(), throws()).IgnoreError();
  };
  EXPECT_DEATH(run(), "evkit: out of memory");
}

#endif  // __cpp_exceptions

}  // namespace
}  // namespace evkit

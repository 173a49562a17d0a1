// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/examples/chat/chat_room.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/run.h"
#include "evkit/loop/coro/wait_for.h"
#include "evkit/net/streams/open_connection.h"
#include "evkit/net/streams/start_server.h"
#include "evkit/net/streams/stream.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

// The room at a free port, for a test that is a coroutine.
template <typename Test>
void InARoom(Test test, size_t max_waiting = 100) {
  const auto room = std::make_shared<ChatRoom>(max_waiting);
  const auto serve = [room](StreamReader reader, StreamWriter writer) {
    return ChatRoom::Serve(room, std::move(reader), std::move(writer));
  };
  const auto main = [&]() -> Coro<void> {
    const std::shared_ptr<Server> server =
        co_await OrReturn(StartServer(serve, "127.0.0.1", 0));
    const int port = server->Sockets()[0].LocalAddress()->port();
    co_await OrReturn(test(*room, port));
    server->Close();
    server->CloseClients();
    co_return co_await server->WaitClosed();
  };
  const absl::Status status = Run(main);
  EXPECT_TRUE(status.ok()) << status;
}

Coro<void> Say(const Stream& member, absl::string_view line) {
  return [](StreamWriter writer, std::string text) -> Coro<void> {
    co_await OrReturn(writer.Write(text));
    co_return co_await writer.Drain();
  }(member.writer, absl::StrCat(line, "\n"));
}

Coro<void> Hear(const Stream& member, absl::string_view line) {
  return [](StreamReader reader, std::string expected) -> Coro<void> {
    const std::string heard =
        co_await OrReturn(WaitFor(reader.ReadLine(), absl::Minutes(1)));
    EXPECT_EQ(heard, expected);
    co_return absl::OkStatus();
  }(member.reader, absl::StrCat(line, "\n"));
}

Coro<Stream> Join(int port, std::string name) {
  Stream member = co_await OrReturn(OpenConnection("127.0.0.1", port));
  co_await OrReturn(Hear(member, "Your name?"));
  co_await OrReturn(Say(member, name));
  co_await OrReturn(Say(member, "/who"));
  // Sent to nobody before it is in.
  const std::string all = co_await OrReturn(member.reader.ReadLine());
  EXPECT_NE(all.find(name), std::string::npos);
  co_return member;
}

TEST(ChatRoomTest, EverybodyHearsWhatAnybodySays) {
  InARoom([](ChatRoom& room, int port) -> Coro<void> {
    const Stream ann = co_await OrReturn(Join(port, "ann"));
    const Stream bob = co_await OrReturn(Join(port, "bob"));
    const Stream eve = co_await OrReturn(Join(port, "eve"));
    EXPECT_EQ(room.size(), 3u);
    co_await OrReturn(Hear(ann, "bob has come."));
    co_await OrReturn(Hear(ann, "eve has come."));
    co_await OrReturn(Hear(bob, "eve has come."));
    co_await OrReturn(Say(ann, "hello"));
    co_await OrReturn(Hear(bob, "ann: hello"));
    co_await OrReturn(Hear(eve, "ann: hello"));
    co_await OrReturn(Say(bob, "/quit"));
    co_await OrReturn(Hear(ann, "bob has left."));
    const std::string rest = co_await OrReturn(bob.reader.ReadLine());
    EXPECT_EQ(rest, "");
    eve.writer.Close();
    co_await OrReturn(Hear(ann, "eve has left."));
    EXPECT_EQ(room.size(), 1u);
    ann.writer.Close();
    bob.writer.Close();
    co_return absl::OkStatus();
  });
}

TEST(ChatRoomTest, ANameIsGivenOnce) {
  InARoom([](ChatRoom&, int port) -> Coro<void> {
    const Stream ann = co_await OrReturn(Join(port, "ann"));
    const Stream other = co_await OrReturn(OpenConnection("127.0.0.1", port));
    co_await OrReturn(Hear(other, "Your name?"));
    co_await OrReturn(Say(other, "ann"));
    co_await OrReturn(Hear(other, "That one is taken."));
    const std::string rest = co_await OrReturn(other.reader.ReadLine());
    EXPECT_EQ(rest, "");
    ann.writer.Close();
    other.writer.Close();
    co_return absl::OkStatus();
  });
}

TEST(ChatRoomTest, WhoDoesNotReadIsThrownOutAndKeepsNobodyWaiting) {
  const std::string line(10000, 'x');
  const auto test = [line](ChatRoom& room, int port) -> Coro<void> {
    const Stream ann = co_await OrReturn(Join(port, "ann"));
    const Stream bob = co_await OrReturn(Join(port, "bob"));
    co_await OrReturn(Hear(ann, "bob has come."));
    const Stream slow = co_await OrReturn(Join(port, "slow"));
    slow.writer.transport()->PauseReading();
    co_await OrReturn(Hear(ann, "slow has come."));
    co_await OrReturn(Hear(bob, "slow has come."));
    // Until the kernel and the queue are full of what nobody reads.
    int rounds = 0;
    while (room.size() == 3 && ++rounds < 10000) {
      co_await OrReturn(Say(ann, line));
      const std::string heard =
          co_await OrReturn(WaitFor(bob.reader.ReadLine(), absl::Minutes(1)));
      if (heard == "slow has left.\n") break;
      EXPECT_EQ(heard.size(), line.size() + 6);
    }
    co_await OrReturn(Hear(ann, "slow has left."));
    EXPECT_EQ(room.size(), 2u);
    ann.writer.Close();
    bob.writer.Close();
    slow.writer.transport()->Abort();
    co_return absl::OkStatus();
  };
  InARoom(test, /*max_waiting=*/4);
}

}  // namespace
}  // namespace evkit

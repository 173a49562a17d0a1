// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Both ends of a connection: StartServer() and OpenConnection().

#include "evkit/net/streams/start_server.h"

#include <unistd.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/run_until_complete.h"
#include "evkit/loop/coro/sleep.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/testing/test_loop.h"
#include "evkit/net/connections/server.h"
#include "evkit/net/extra_info.h"
#include "evkit/net/socket.h"
#include "evkit/net/streams/open_connection.h"
#include "evkit/net/streams/stream.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

Coro<void> Echo(StreamReader reader, StreamWriter writer) {
  for (;;) {
    const std::string line = co_await OrReturn(reader.ReadLine());
    if (line.empty()) break;
    co_await OrReturn(writer.Write("you said " + line));
    co_await OrReturn(writer.Drain());
  }
  writer.Close();
  co_return absl::OkStatus();
}

int PortOf(const Server& server) {
  return server.Sockets()[0].LocalAddress()->port();
}

Coro<void> EndServer(std::shared_ptr<Server> server) {
  server->Close();
  server->AbortClients();
  co_return co_await server->WaitClosed();
}

class StartServerTest : public ::testing::Test {
 protected:
  template <typename Test>
  void Run(Test test) {
    const absl::Status status = RunUntilComplete(test_.loop(), test());
    EXPECT_TRUE(status.ok()) << status;
  }
  // A server that does this, and one client of it that reads to the end.
  void ServeOnce(ClientConnected client_connected, std::string expected) {
    Run([&]() -> Coro<void> {
      const std::shared_ptr<Server> server = co_await OrReturn(
          StartServer(std::move(client_connected), "127.0.0.1", 0));
      const Stream stream =
          co_await OrReturn(OpenConnection("127.0.0.1", PortOf(*server)));
      const std::string all = co_await OrReturn(stream.reader.ReadAll());
      EXPECT_EQ(all, expected);
      stream.writer.Close();
      co_await OrReturn(stream.writer.WaitClosed());
      server->Close();
      co_return co_await server->WaitClosed();
    });
  }

  TestLoop test_;
};

// STR-01
TEST_F(StartServerTest, AServerAndAClientTalk) {
  Run([]() -> Coro<void> {
    const std::shared_ptr<Server> server =
        co_await OrReturn(StartServer(Echo, "127.0.0.1", 0));
    auto [reader, writer] =
        co_await OrReturn(OpenConnection("127.0.0.1", PortOf(*server)));
    EXPECT_EQ(reader.limit(), 65536u);
    EXPECT_EQ(writer.GetExtraInfo(kPeername)->port(), PortOf(*server));
    for (const char* line : {"hello\n", "goodbye\n"}) {
      co_await OrReturn(writer.Write(line));
      const std::string answer = co_await OrReturn(reader.ReadLine());
      EXPECT_EQ(answer, absl::StrCat("you said ", line));
    }
    co_await OrReturn(writer.WriteEof());
    const std::string rest = co_await OrReturn(reader.ReadAll());
    EXPECT_EQ(rest, "");
    writer.Close();
    co_await OrReturn(writer.WaitClosed());
    server->Close();
    co_return co_await server->WaitClosed();
  });
  EXPECT_THAT(test_.log(), IsEmpty());
}

// STR-01
TEST_F(StartServerTest, AUnixServerAndAClientTalk) {
  // An abstract name: no file, and no path that may be too long.
  const std::string path =
      absl::StrCat(absl::string_view("\0", 1), "start_server_test.", getpid());
  Run([&]() -> Coro<void> {
    StartUnixServerOptions options;
    options.limit = 10;
    const std::shared_ptr<Server> server =
        co_await OrReturn(StartUnixServer(Echo, path, options));
    const Stream stream = co_await OrReturn(OpenUnixConnection(path, 1000));
    EXPECT_EQ(stream.reader.limit(), 1000u);
    co_await OrReturn(stream.writer.Write("hello\n"));
    const std::string answer = co_await OrReturn(stream.reader.ReadLine());
    EXPECT_EQ(answer, "you said hello\n");
    co_await OrReturn(stream.writer.Write("longer than ten\n"));
    const absl::StatusOr<std::string> rest = co_await stream.reader.ReadAll();
    EXPECT_EQ(rest.value_or(""), "");
    stream.writer.Close();
    co_return co_await EndServer(server);
  });
  EXPECT_THAT(test_.log(), Contains(HasSubstr("chunk is longer than limit")))
      << test_.log().size();
}

// STR-01
TEST_F(StartServerTest, ALimitOfNothingIsRefused) {
  Run([]() -> Coro<void> {
    StartServerOptions options;
    options.limit = 0;
    const auto server = co_await StartServer(Echo, "127.0.0.1", 0, options);
    EXPECT_TRUE(absl::IsInvalidArgument(server.status()));
    StartUnixServerOptions unix_options;
    unix_options.limit = 0;
    const auto unix_server =
        co_await StartUnixServer(Echo, "/nonexistent/a", unix_options);
    EXPECT_TRUE(absl::IsInvalidArgument(unix_server.status()));
    OpenConnectionOptions open_options;
    open_options.limit = 0;
    const auto stream = co_await OpenConnection("127.0.0.1", 1, open_options);
    EXPECT_TRUE(absl::IsInvalidArgument(stream.status()));
    const auto unix_stream = co_await OpenUnixConnection("/nonexistent/a", 0);
    EXPECT_TRUE(absl::IsInvalidArgument(unix_stream.status()));
    co_return absl::OkStatus();
  });
}

TEST_F(StartServerTest, SocketsThatAreThereAlreadyCanBeUsed) {
  Run([]() -> Coro<void> {
    Socket socket = *Socket::Create(AF_INET, SOCK_STREAM);
    EXPECT_TRUE(socket.Bind(SocketAddress::LoopbackIPv4(0)).ok());
    const std::shared_ptr<Server> server =
        co_await OrReturn(StartServer(Echo, std::move(socket)));
    Socket client = *Socket::Create(AF_INET, SOCK_STREAM);
    EXPECT_TRUE(*client.Connect(SocketAddress::LoopbackIPv4(PortOf(*server))) ||
                true);
    const Stream stream = co_await OrReturn(OpenConnection(std::move(client)));
    co_await OrReturn(stream.writer.Write("hello\n"));
    const std::string answer = co_await OrReturn(stream.reader.ReadLine());
    EXPECT_EQ(answer, "you said hello\n");
    stream.writer.Close();
    co_return co_await EndServer(server);
  });
}

// STR-02
TEST_F(StartServerTest, ACoroutineThatFailsIsReportedAndTheConnectionClosed) {
  ServeOnce(
      [](StreamReader, StreamWriter writer) -> Coro<void> {
        co_await OrReturn(writer.Write("so far"));
        co_return absl::InternalError("no further");
      },
      "so far");
  EXPECT_THAT(test_.log(), SizeIs(1));
  EXPECT_THAT(
      test_.log(),
      Contains(HasSubstr("Unhandled exception in client_connected_cb")));
  EXPECT_THAT(test_.log(), Contains(HasSubstr("no further")));
  EXPECT_THAT(test_.log(), Contains(HasSubstr("peername: 127.0.0.1")));
}

// STR-02
TEST_F(StartServerTest, ACoroutineThatIsCancelledIsClosedInSilence) {
  test_->SetDebug(true);
  ServeOnce(
      [](StreamReader reader, StreamWriter writer) -> Coro<void> {
        co_await OrReturn(writer.Write("so far"));
        CurrentTask().Cancel();
        co_return (co_await reader.ReadLine()).status();
      },
      "so far");
  EXPECT_THAT(test_.log(), IsEmpty());
}

// STR-02
TEST_F(StartServerTest, APlainFunctionMayKeepTheConnection) {
  std::optional<StreamWriter> kept;
  ServeOnce(
      [&](StreamReader, StreamWriter writer) {
        EXPECT_TRUE(writer.Write("hello").ok());
        test_->CallLater(absl::Seconds(1), [&] {
          EXPECT_TRUE(kept->Write(" again").ok());
          kept->Close();
        });
        kept = std::move(writer);
      },
      "hello again");
  EXPECT_THAT(test_.log(), IsEmpty());
}

// STR-02, STR-18
TEST_F(StartServerTest, WhoForgetsToCloseIsToldInDebugMode) {
  test_->SetDebug(true);
  ServeOnce([](StreamReader,
               StreamWriter) -> Coro<void> { co_return absl::OkStatus(); },
            "");
  EXPECT_THAT(test_.log(), Contains(HasSubstr("unclosed StreamWriter")));
}

#if defined(__cpp_exceptions)
// STR-02
TEST_F(StartServerTest, WhatThrowsIsReportedAndTheConnectionClosed) {
  ServeOnce([](StreamReader, StreamWriter) { throw std::runtime_error("oh"); },
            "");
  ServeOnce(
      [](StreamReader, StreamWriter writer) -> Coro<void> {
        co_await OrReturn(writer.Drain());
        throw std::runtime_error("ah");
      },
      "");
  ASSERT_THAT(test_.log(), SizeIs(2));
  EXPECT_THAT(test_.log()[0],
              HasSubstr("Unhandled exception in client_connected_cb"));
  EXPECT_THAT(test_.log()[0], HasSubstr("oh"));
  EXPECT_THAT(test_.log()[1], HasSubstr("ah"));
}
#endif

TEST_F(StartServerTest, TheFunctionLivesAsLongAsItsTasks) {
  Run([]() -> Coro<void> {
    // A lambda that is a coroutine reads its captures when it is resumed.
    auto serve = [text = std::string("still here\n")](
                     StreamReader reader, StreamWriter writer) -> Coro<void> {
      co_await OrReturn(reader.ReadLine());
      co_await OrReturn(writer.Write(text));
      writer.Close();
      co_return absl::OkStatus();
    };
    std::shared_ptr<Server> server =
        co_await OrReturn(StartServer(std::move(serve), "127.0.0.1", 0));
    const Stream stream =
        co_await OrReturn(OpenConnection("127.0.0.1", PortOf(*server)));
    co_await OrReturn(Sleep(absl::Milliseconds(1)));
    server->Close();
    server.reset();
    co_await OrReturn(stream.writer.Write("go\n"));
    const std::string answer = co_await OrReturn(stream.reader.ReadLine());
    EXPECT_EQ(answer, "still here\n");
    stream.writer.Close();
    co_return absl::OkStatus();
  });
}

TEST_F(StartServerTest, bug_H18_WhoIsNotReadFromIsPausedAtTwiceTheLimit) {
  std::optional<Stream> served;
  const auto serve = [&](StreamReader reader, StreamWriter writer) {
    served.emplace(std::move(reader), std::move(writer));
  };
  Run([&]() -> Coro<void> {
    StartServerOptions options;
    options.limit = 1000;
    const std::shared_ptr<Server> server =
        co_await OrReturn(StartServer(serve, "127.0.0.1", 0, options));
    const Stream stream =
        co_await OrReturn(OpenConnection("127.0.0.1", PortOf(*server)));
    const std::string much(32 << 20, 'x');
    co_await OrReturn(stream.writer.Write(much));
    co_await OrReturn(Sleep(absl::Seconds(1)));
    // What one read of the transport brings is more than the limit.
    const size_t held = served->reader.buffered().size();
    EXPECT_LT(held, 1u << 20);
    EXPECT_FALSE(served->writer.transport()->IsReading());
    stream.writer.Close();
    const std::string all = co_await OrReturn(served->reader.ReadAll());
    EXPECT_EQ(all.size(), much.size());
    served.reset();
    co_return co_await EndServer(server);
  });
}

TEST_F(StartServerTest, bug_H18_WhatComesByteByByteIsALineInTheEnd) {
  Run([]() -> Coro<void> {
    const std::shared_ptr<Server> server =
        co_await OrReturn(StartServer(Echo, "127.0.0.1", 0));
    std::vector<Stream> streams;
    for (int i = 0; i < 50; ++i) {
      Stream stream =
          co_await OrReturn(OpenConnection("127.0.0.1", PortOf(*server)));
      streams.push_back(std::move(stream));
    }
    for (const char c : std::string("slowly\n")) {
      for (const Stream& stream : streams) {
        co_await OrReturn(stream.writer.Write(std::string(1, c)));
      }
      co_await OrReturn(Sleep(absl::Seconds(1)));
    }
    for (const Stream& stream : streams) {
      const std::string answer = co_await OrReturn(stream.reader.ReadLine());
      EXPECT_EQ(answer, "you said slowly\n");
      stream.writer.Close();
    }
    co_return co_await EndServer(server);
  });
}

TEST(StreamLifetimeTest, ALoopMayBeClosedWithStreamsOpen) {
  std::optional<Stream> client;
  {
    TestLoop test;
    test->SetDebug(true);
    const auto begin = [&]() -> Coro<void> {
      const std::shared_ptr<Server> server =
          co_await OrReturn(StartServer(Echo, "127.0.0.1", 0));
      client = co_await OrReturn(OpenConnection("127.0.0.1", PortOf(*server)));
      // The server's task waits in a read.
      co_await OrReturn(Sleep(absl::Seconds(1)));
      co_return absl::OkStatus();
    };
    EXPECT_TRUE(RunUntilComplete(test.loop(), begin()).ok());
    EXPECT_TRUE(test->Close().ok());
    for (const std::string& line : test.log()) {
      EXPECT_THAT(line, ::testing::Not(HasSubstr("unclosed")));
    }
  }
  EXPECT_TRUE(client->writer.IsClosing());
  client.reset();
}

}  // namespace
}  // namespace evkit

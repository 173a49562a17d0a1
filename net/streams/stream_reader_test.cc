// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/streams/stream_reader.h"

#include <cerrno>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "evkit/base/allocation_counter.h"
#include "evkit/base/errno_status.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/run_until_complete.h"
#include "evkit/loop/coro/sleep.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/coro/wait_for.h"
#include "evkit/loop/testing/test_loop.h"
#include "evkit/net/streams/scripted_transport.h"
#include "evkit/net/streams/stream_errors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Bytes = absl::StatusOr<std::string>;

const absl::Status kReset = StatusFromErrno(ECONNRESET, "recv(fd=7)");

Coro<std::string> Read(StreamReader reader, size_t n) {
  co_return co_await reader.Read(n);
}
Coro<std::string> ReadAll(StreamReader reader) {
  co_return co_await reader.ReadAll();
}
Coro<std::string> ReadExactly(StreamReader reader, size_t n) {
  co_return co_await reader.ReadExactly(n);
}
Coro<std::string> ReadLine(StreamReader reader) {
  co_return co_await reader.ReadLine();
}
Coro<std::string> ReadUntil(StreamReader reader, std::string separator) {
  co_return co_await reader.ReadUntil(separator);
}
Coro<std::string> ReadUntilOneOf(StreamReader reader,
                                 std::vector<absl::string_view> separators) {
  co_return co_await reader.ReadUntil(separators);
}
Coro<bool> WaitForMore(StreamReader reader, size_t have) {
  co_return co_await reader.WaitForMore(have);
}

class StreamReaderTest : public ::testing::Test {
 protected:
  // A task that has begun to read.
  template <typename T>
  Task<T> Begin(Coro<T> read) {
    Task<T> task = CreateTask(test_.loop(), std::move(read));
    RunUntilIdle();
    return task;
  }
  // What it gives, of what is there.
  template <typename T>
  absl::StatusOr<T> Now(Coro<T> read) {
    const Task<T> task = Begin(std::move(read));
    if (!task.done()) {
      task.Cancel();
      RunUntilIdle();
      return absl::UnavailableError("it waits");
    }
    return task.Result();
  }
  void RunUntilIdle() { ASSERT_TRUE(test_.RunUntilIdle().ok()); }

  TestLoop test_;
  StreamReader reader_{16};
};

// STR-03
TEST_F(StreamReaderTest, ReadGivesWhatIsThere) {
  EXPECT_EQ(*Now(Read(reader_, 0)), "");
  reader_.FeedData("abcdef");
  EXPECT_EQ(*Now(Read(reader_, 4)), "abcd");
  EXPECT_EQ(*Now(Read(reader_, 100)), "ef");
  const Task<std::string> waiting = Begin(Read(reader_, 100));
  EXPECT_FALSE(waiting.done());
  reader_.FeedData("g");
  reader_.FeedData("h");
  RunUntilIdle();
  EXPECT_EQ(*waiting.Result(), "gh");
  reader_.FeedEof();
  EXPECT_EQ(*Now(Read(reader_, 100)), "");
  EXPECT_EQ(*Now(Read(reader_, 100)), "");
}

// STR-03
TEST_F(StreamReaderTest, ReadAllGivesEverythingAtTheEnd) {
  const Task<std::string> all = Begin(ReadAll(reader_));
  for (int i = 0; i < 50; ++i) {
    reader_.FeedData("xy");
    RunUntilIdle();
  }
  EXPECT_FALSE(all.done());
  reader_.FeedEof();
  RunUntilIdle();
  EXPECT_EQ(all.Result()->size(), 100u);
  EXPECT_EQ(*Now(ReadAll(reader_)), "");
}

// STR-04
TEST_F(StreamReaderTest, ReadExactlyGivesThatMany) {
  EXPECT_EQ(*Now(ReadExactly(reader_, 0)), "");
  const Task<std::string> five = Begin(ReadExactly(reader_, 5));
  reader_.FeedData("abc");
  RunUntilIdle();
  EXPECT_FALSE(five.done());
  reader_.FeedData("defg");
  RunUntilIdle();
  EXPECT_EQ(*five.Result(), "abcde");
  EXPECT_EQ(reader_.buffered(), "fg");
}

// STR-04
TEST_F(StreamReaderTest, AnEndBeforeThatGivesWhatThereWas) {
  const Task<std::string> five = Begin(ReadExactly(reader_, 5));
  reader_.FeedData("abc");
  reader_.FeedEof();
  RunUntilIdle();
  const absl::Status status = five.Error();
  EXPECT_TRUE(absl::IsOutOfRange(status));
  EXPECT_EQ(status.message(), "3 bytes read on a total of 5 expected bytes");
  EXPECT_EQ(PartialRead(status), "abc");
  EXPECT_TRUE(reader_.AtEof());
}

// STR-05
TEST_F(StreamReaderTest, ReadUntilGivesTheSeparatorToo) {
  const Task<std::string> read = Begin(ReadUntil(reader_, "--"));
  reader_.FeedData("ab-c-");
  RunUntilIdle();
  EXPECT_FALSE(read.done());
  reader_.FeedData("-de");
  RunUntilIdle();
  EXPECT_EQ(*read.Result(), "ab-c--");
  reader_.FeedEof();
  const absl::Status status = Now(ReadUntil(reader_, "--")).status();
  EXPECT_TRUE(absl::IsOutOfRange(status));
  EXPECT_EQ(status.message(),
            "2 bytes read on a total of undefined expected bytes");
  EXPECT_EQ(PartialRead(status), "de");
  EXPECT_TRUE(reader_.AtEof());
}

// STR-05
TEST_F(StreamReaderTest, OfSeveralSeparatorsTheFirstToEndCounts) {
  reader_.FeedData("a\r\nb\n");
  EXPECT_EQ(*Now(ReadUntilOneOf(reader_, {"\n", "\r\n"})), "a\r\n");
  EXPECT_EQ(*Now(ReadUntilOneOf(reader_, {"\r\n", "\n"})), "b\n");
}

// STR-05
TEST_F(StreamReaderTest, ASeparatorMustNotBeEmpty) {
  reader_.FeedData("ab");
  EXPECT_TRUE(absl::IsInvalidArgument(Now(ReadUntil(reader_, "")).status()));
  EXPECT_TRUE(
      absl::IsInvalidArgument(Now(ReadUntilOneOf(reader_, {})).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(
      Now(ReadUntilOneOf(reader_, {"a", ""})).status()));
  EXPECT_EQ(reader_.buffered(), "ab");
}

// STR-06
TEST_F(StreamReaderTest, WhatIsLongerThanTheLimitStaysInTheBuffer) {
  reader_.FeedData(std::string(16, 'a') + ";" + std::string(17, 'b') + ";");
  EXPECT_EQ(Now(ReadUntil(reader_, ";"))->size(), 17u);
  const absl::Status found = Now(ReadUntil(reader_, ";")).status();
  EXPECT_TRUE(absl::IsResourceExhausted(found));
  EXPECT_EQ(found.message(),
            "Separator is found, but chunk is longer than limit");
  EXPECT_EQ(LimitOverrunConsumed(found), 17u);
  EXPECT_EQ(reader_.buffered().size(), 18u);

  reader_.Consume(18);
  reader_.FeedData(std::string(16, 'c'));
  const Task<std::string> read = Begin(ReadUntil(reader_, ";"));
  EXPECT_FALSE(read.done());
  reader_.FeedData("c");
  RunUntilIdle();
  EXPECT_EQ(read.Error().message(),
            "Separator is not found, and chunk exceed the limit");
  EXPECT_EQ(LimitOverrunConsumed(read.Error()), 17u);
  EXPECT_EQ(reader_.buffered().size(), 17u);
}

// STR-07
TEST_F(StreamReaderTest, ReadLineGivesLinesAndThenTheRest) {
  reader_.FeedData("one\n\ntw");
  EXPECT_EQ(*Now(ReadLine(reader_)), "one\n");
  EXPECT_EQ(*Now(ReadLine(reader_)), "\n");
  const Task<std::string> two = Begin(ReadLine(reader_));
  EXPECT_FALSE(two.done());
  reader_.FeedEof();
  RunUntilIdle();
  EXPECT_EQ(*two.Result(), "tw");
  EXPECT_EQ(*Now(ReadLine(reader_)), "");
}

// STR-07
TEST_F(StreamReaderTest, bug_H18_ALineThatIsTooLongIsThrownAway) {
  reader_.FeedData(std::string(17, 'a') + "\nok\n");
  const absl::Status found = Now(ReadLine(reader_)).status();
  EXPECT_TRUE(absl::IsResourceExhausted(found)) << found;
  EXPECT_EQ(*Now(ReadLine(reader_)), "ok\n");

  reader_.FeedData(std::string(17, 'a'));
  const absl::Status not_found = Now(ReadLine(reader_)).status();
  EXPECT_TRUE(absl::IsResourceExhausted(not_found)) << not_found;
  EXPECT_EQ(reader_.buffered(), "");
  reader_.FeedData("and so on\nok\n");
  EXPECT_EQ(*Now(ReadLine(reader_)), "and so on\n");
  EXPECT_EQ(*Now(ReadLine(reader_)), "ok\n");
}

// STR-08
TEST_F(StreamReaderTest, ItIsAtTheEndWhenAllIsRead) {
  EXPECT_FALSE(reader_.AtEof());
  reader_.FeedData("a");
  reader_.FeedEof();
  EXPECT_FALSE(reader_.AtEof());
  EXPECT_EQ(*Now(Read(reader_, 1)), "a");
  EXPECT_TRUE(reader_.AtEof());
}

// STR-09
TEST_F(StreamReaderTest, WhileOneReadWaitsAnotherIsRefused) {
  const Task<std::string> first = Begin(ReadExactly(reader_, 4));
  const absl::Status second = Now(ReadLine(reader_)).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(second));
  EXPECT_THAT(second.message(),
              HasSubstr("ReadLine() called while another coroutine is already "
                        "waiting for incoming data"));
  const auto feed_and_read = [this]() -> Coro<void> {
    reader_.FeedData("abcd");
    // The first was woken and has not gone on: what came is its.
    TaskOptions eager;
    eager.eager_start = true;
    const Task<std::string> thief = CreateTask(Read(reader_, 1), eager);
    EXPECT_TRUE(thief.done());
    EXPECT_TRUE(absl::IsFailedPrecondition(thief.Error()));
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(RunUntilComplete(test_.loop(), feed_and_read()).ok());
  RunUntilIdle();
  EXPECT_EQ(*first.Result(), "abcd");
  reader_.FeedData("e\n");
  EXPECT_EQ(*Now(ReadLine(reader_)), "e\n");
}

// STR-10
TEST_F(StreamReaderTest, bug_H18_ReadingIsPausedAboveTwiceTheLimit) {
  ScriptedTransport transport(test_.loop());
  reader_.SetTransport(&transport);
  reader_.FeedData(std::string(32, 'a'));
  EXPECT_THAT(transport.TakeCalls(), IsEmpty());
  reader_.FeedData("a");
  EXPECT_THAT(transport.TakeCalls(), ElementsAre("pause"));
  // What had been received already.
  reader_.FeedData("a");
  EXPECT_THAT(transport.TakeCalls(), IsEmpty());
  EXPECT_EQ(Now(Read(reader_, 17))->size(), 17u);
  EXPECT_THAT(transport.TakeCalls(), IsEmpty());
  reader_.Consume(1);
  EXPECT_THAT(transport.TakeCalls(), ElementsAre("resume"));
  reader_.SetTransport(nullptr);
}

// STR-10
TEST_F(StreamReaderTest, WhoMustWaitLetsTheTransportGoOn) {
  ScriptedTransport transport(test_.loop());
  reader_.SetTransport(&transport);
  reader_.FeedData(std::string(33, 'a'));
  EXPECT_THAT(transport.TakeCalls(), ElementsAre("pause"));
  const Task<std::string> many = Begin(ReadExactly(reader_, 100));
  EXPECT_THAT(transport.TakeCalls(), ElementsAre("resume"));
  reader_.FeedData(std::string(60, 'a'));
  EXPECT_THAT(transport.TakeCalls(), IsEmpty());
  reader_.FeedData(std::string(60, 'a'));
  // Enough, and too much for anybody who comes later.
  EXPECT_THAT(transport.TakeCalls(), ElementsAre("pause"));
  RunUntilIdle();
  EXPECT_EQ(many.Result()->size(), 100u);
  EXPECT_THAT(transport.TakeCalls(), IsEmpty());
  EXPECT_EQ(*Now(ReadExactly(reader_, 37)), std::string(37, 'a'));
  EXPECT_THAT(transport.TakeCalls(), ElementsAre("resume"));
  reader_.SetTransport(nullptr);
}

// STR-11
TEST_F(StreamReaderTest, AnErrorEndsTheReadThatWaitsAndAllLaterOnes) {
  reader_.FeedData("ab");
  const Task<std::string> waiting = Begin(ReadExactly(reader_, 4));
  reader_.SetError(kReset);
  RunUntilIdle();
  EXPECT_EQ(waiting.Error(), kReset);
  EXPECT_EQ(reader_.error(), kReset);
  EXPECT_EQ(Now(Read(reader_, 0)).status(), kReset);
  EXPECT_EQ(Now(ReadAll(reader_)).status(), kReset);
  EXPECT_EQ(Now(ReadLine(reader_)).status(), kReset);
  EXPECT_EQ(Now(WaitForMore(reader_, 0)).status(), kReset);
  reader_.FeedData("cd");
  EXPECT_EQ(reader_.buffered(), "ab");
}

// STR-11
TEST_F(StreamReaderTest, AReadThatWasSatisfiedBeforeTheErrorSucceeds) {
  const Task<std::string> waiting = Begin(ReadExactly(reader_, 2));
  reader_.FeedData("ab");
  reader_.SetError(kReset);
  RunUntilIdle();
  EXPECT_EQ(*waiting.Result(), "ab");
}

TEST_F(StreamReaderTest, ACancelledReadLeavesEverythingForTheNext) {
  for (const bool was_satisfied : {false, true}) {
    StreamReader reader;
    const auto cancel = [&](Coro<std::string> read) {
      const Task<std::string> task = Begin(std::move(read));
      EXPECT_FALSE(task.done());
      reader.FeedData(was_satisfied ? "b\n" : "b");
      task.Cancel();
      RunUntilIdle();
      EXPECT_TRUE(task.cancelled());
    };
    std::string expected;
    const auto came = [&] { expected += was_satisfied ? "b\n" : "b"; };
    cancel(Read(reader, 2)), came();
    reader.FeedData("a"), expected += "a";
    if (!was_satisfied) cancel(ReadLine(reader)), came();
    if (!was_satisfied) cancel(ReadUntil(reader, "\n")), came();
    cancel(ReadExactly(reader, reader.buffered().size() + 1)), came();
    cancel(ReadAll(reader)), came();
    EXPECT_EQ(reader.buffered(), expected);
    reader.FeedEof();
    EXPECT_EQ(*Now(ReadAll(reader)), expected);
  }
}

TEST_F(StreamReaderTest, AReadCanHaveATimeLimit) {
  const auto read = [](StreamReader reader,
                       absl::Duration timeout) -> Coro<std::string> {
    co_return co_await WaitFor(reader.ReadLine(), timeout);
  };
  reader_.FeedData("a");
  const Task<std::string> slow = Begin(read(reader_, absl::Seconds(5)));
  ASSERT_TRUE(test_.FastForwardBy(absl::Seconds(5)).ok());
  EXPECT_TRUE(absl::IsDeadlineExceeded(slow.Error()));
  EXPECT_TRUE(absl::IsDeadlineExceeded(
      Now(read(reader_, absl::ZeroDuration())).status()));
  reader_.FeedData("b\n");
  EXPECT_EQ(*Now(read(reader_, absl::ZeroDuration())), "ab\n");
  const Task<std::string> fast = Begin(read(reader_, absl::Seconds(5)));
  reader_.FeedData("c\n");
  RunUntilIdle();
  EXPECT_EQ(*fast.Result(), "c\n");
}

TEST_F(StreamReaderTest, BytesCanBeReadInPlace) {
  const Task<bool> first = Begin(WaitForMore(reader_, 0));
  reader_.FeedData("abc");
  RunUntilIdle();
  EXPECT_TRUE(*first.Result());
  EXPECT_EQ(reader_.buffered(), "abc");
  reader_.Consume(1);
  EXPECT_EQ(reader_.buffered(), "bc");
  EXPECT_TRUE(*Now(WaitForMore(reader_, 1)));
  const Task<bool> more = Begin(WaitForMore(reader_, 2));
  reader_.FeedEof();
  RunUntilIdle();
  EXPECT_FALSE(*more.Result());
}

TEST_F(StreamReaderTest, InPlaceTooTheLimitHolds) {
  reader_.FeedData(std::string(17, 'a'));
  EXPECT_TRUE(*Now(WaitForMore(reader_, 16)));
  const absl::Status status = Now(WaitForMore(reader_, 17)).status();
  EXPECT_TRUE(absl::IsResourceExhausted(status));
  EXPECT_EQ(LimitOverrunConsumed(status), 17u);
}

TEST_F(StreamReaderTest, AReaderThatGoesAwayEndsTheReadThatWaits) {
  auto reader = std::make_unique<StreamReader>();
  // The coroutine has no handle of its own.
  const auto read = [](StreamReader* r) -> Coro<std::string> {
    co_return co_await r->ReadLine();
  };
  const Task<std::string> pending = Begin(read(reader.get()));
  reader.reset();
  RunUntilIdle();
  EXPECT_TRUE(absl::IsFailedPrecondition(pending.Error()));

  reader = std::make_unique<StreamReader>();
  const Task<std::string> woken = Begin(read(reader.get()));
  reader->FeedData("a\n");
  reader.reset();
  RunUntilIdle();
  EXPECT_TRUE(absl::IsFailedPrecondition(woken.Error()));
}

TEST(StreamReaderLifetimeTest, AReadThatIsDestroyedWithItsLoopLetsGo) {
  StreamReader reader;
  {
    TestLoop test;
    CreateTask(test.loop(), ReadLine(reader));
    ASSERT_TRUE(test.RunUntilIdle().ok());
  }
  reader.FeedData("a\n");
  TestLoop test;
  EXPECT_EQ(*RunUntilComplete(test.loop(), ReadLine(reader)), "a\n");
}

TEST(StreamReaderDeathTest, BugsOfTheCallerAreFatal) {
  EXPECT_DEATH(StreamReader(0), "limit");
  StreamReader reader;
  EXPECT_DEATH(reader.Consume(1), "more consumed than there is");
  reader.FeedEof();
  EXPECT_DEATH(reader.FeedData("a"), "after the end");
}

Coro<int64_t> AllocationsOfReads(StreamReader reader) {
  int64_t before = 0;
  for (int i = 0; i < 1000; ++i) {
    if (i == 100) before = AllocationCount();
    // Short enough to need no memory, as are the results.
    reader.FeedData("one\ntwo\n");
    co_await OrReturn(reader.ReadLine());
    co_await OrReturn(reader.ReadExactly(2));
    co_await OrReturn(reader.ReadUntil("\n"));
  }
  co_return AllocationCount() - before;
}

Coro<int64_t> AllocationsOfWaits(StreamReader reader, AbstractEventLoop& loop) {
  int64_t before = 0;
  for (int i = 0; i < 1000; ++i) {
    if (i == 100) before = AllocationCount();
    loop.CallSoon([reader] { reader.FeedData("one\n"); });
    co_await OrReturn(reader.ReadLine());
  }
  co_return AllocationCount() - before;
}

Coro<int64_t> AllocationsOfCalls(AbstractEventLoop& loop) {
  const StreamReader reader;
  int64_t before = 0;
  for (int i = 0; i < 1000; ++i) {
    if (i == 100) before = AllocationCount();
    loop.CallSoon([reader] { reader.FeedData("one\n"); });
    co_await OrReturn(Sleep(absl::ZeroDuration()));
    reader.Consume(4);
  }
  co_return AllocationCount() - before;
}

TEST(StreamReaderAllocationTest, NeitherReadingNorWaitingAllocates) {
  if (!CountsAllocations()) GTEST_SKIP();
  TestLoop test;
  EXPECT_EQ(*RunUntilComplete(test.loop(), AllocationsOfReads(StreamReader())),
            0);
  EXPECT_EQ(*RunUntilComplete(test.loop(),
                              AllocationsOfWaits(StreamReader(), test.loop())),
            *RunUntilComplete(test.loop(), AllocationsOfCalls(test.loop())));
}

}  // namespace
}  // namespace evkit

// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Random reads of random data, cut at random, against what they should give
// when one looks at the whole. A seed that fails replays.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/run_until_complete.h"
#include "evkit/loop/coro/sleep.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/testing/test_loop.h"
#include "evkit/net/streams/stream_errors.h"
#include "evkit/net/streams/stream_reader.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

constexpr size_t kLimit = 12;

// What comes, and how much of it was read.
class Oracle {
 public:
  explicit Oracle(std::string data) : data_(std::move(data)) {}

  std::string ReadExactly(size_t n) {
    if (left().size() < n) {
      return "partial " + Take(left().size());
    }
    return Take(n);
  }
  std::string ReadUntil(const std::vector<absl::string_view>& separators) {
    std::optional<size_t> end;
    size_t begin = 0;
    size_t longest = 0;
    for (const absl::string_view separator : separators) {
      longest = std::max(longest, separator.size());
      const size_t at = left().find(separator);
      if (at == absl::string_view::npos) continue;
      const size_t this_end = at + separator.size();
      if (!end || this_end < *end || (this_end == *end && at > begin)) {
        begin = at;
        end = this_end;
      }
    }
    if (end ? begin > kLimit : left().size() + 1 > kLimit + longest) {
      return "overrun";
    }
    if (!end) return "partial " + Take(left().size());
    return Take(*end);
  }
  std::string ReadLine() {
    const size_t at = left().find('\n');
    return Take(std::min(left().size(), at == std::string::npos ? at : at + 1));
  }
  absl::string_view left() const {
    return absl::string_view(data_).substr(at_);
  }
  std::string Take(size_t n) {
    std::string taken(left().substr(0, n));
    at_ += n;
    return taken;
  }

 private:
  const std::string data_;
  size_t at_ = 0;
};

std::string Describe(const absl::StatusOr<std::string>& result) {
  if (result.ok()) return *result;
  if (PartialRead(result.status())) {
    return "partial " + *PartialRead(result.status());
  }
  if (LimitOverrunConsumed(result.status())) return "overrun";
  return result.status().ToString();
}

class RandomReads {
 public:
  RandomReads(uint32_t seed, AbstractEventLoop& loop)
      : loop_(loop), random_(seed), reader_(kLimit), data_(MakeData()) {}

  Coro<void> Run() {
    Oracle oracle(data_);
    FeedSome();
    for (int i = 0; i < 10000; ++i) {
      if (random_() % 8 == 0) {
        // Somebody who gives up on a read, early or late.
        Task<std::string> read = CreateTask(AnyRead());
        const uint32_t turns = random_() % 4;
        for (uint32_t turn = 0; turn < turns; ++turn) {
          (void)co_await Sleep(absl::ZeroDuration());
        }
        if (read.Cancel()) {
          (void)co_await read;
          continue;
        }
        // It was done, and has taken something: make up for it.
        const absl::StatusOr<std::string> result = read.Result();
        const size_t taken =
            result.ok() ? result->size() : PartialRead(result.status())->size();
        const std::string expected = oracle.Take(taken);
        EXPECT_EQ(result.value_or(expected), expected);
        continue;
      }
      if (reader_.AtEof()) break;
      const bool same = *co_await Same(oracle);
      if (!same) break;
    }
    co_return absl::OkStatus();
  }

 private:
  // Few letters, so that separators come and nearly come.
  std::string MakeData() {
    std::string data(random_() % 400, ' ');
    constexpr absl::string_view kLetters = "ab-\n";
    for (char& c : data) c = kLetters[random_() % kLetters.size()];
    return data;
  }

  void FeedSome() {
    const size_t n = std::min<size_t>(random_() % (random_() % 4 == 0 ? 40 : 4),
                                      data_.size() - fed_);
    reader_.FeedData(absl::string_view(data_).substr(fed_, n));
    fed_ += n;
    if (fed_ == data_.size()) {
      reader_.FeedEof();
      return;
    }
    loop_.CallSoon([this] { FeedSome(); });
  }

  Coro<std::string> AnyRead() {
    co_return co_await reader_.ReadExactly(random_() % 20);
  }

  Coro<bool> Same(Oracle& oracle) {
    std::string expected;
    std::string actual;
    std::string what;
    switch (random_() % 4) {
      case 0: {
        const size_t n = random_() % 20;
        what = absl::StrCat("ReadExactly ", n);
        expected = oracle.ReadExactly(n);
        actual = Describe(co_await reader_.ReadExactly(n));
        break;
      }
      case 1: {
        const std::vector<absl::string_view> separators = {"ab", "--a", "b"};
        const size_t count = 1 + random_() % separators.size();
        const std::vector<absl::string_view> some(
            separators.begin(),
            separators.begin() + static_cast<ptrdiff_t>(count));
        what = absl::StrCat("ReadUntil ", count);
        expected = oracle.ReadUntil(some);
        actual = Describe(co_await reader_.ReadUntil(some));
        break;
      }
      case 2: {
        what = "ReadLine";
        // An overrun loses as much as has come, which depends on the cuts.
        if (oracle.left().substr(0, kLimit + 1).find('\n') ==
            absl::string_view::npos) {
          co_return true;
        }
        expected = oracle.ReadLine();
        actual = Describe(co_await reader_.ReadLine());
        break;
      }
      case 3: {
        const size_t n = 1 + random_() % 20;
        what = absl::StrCat("Read ", n);
        actual = Describe(co_await reader_.Read(n));
        EXPECT_LE(actual.size(), n);
        expected = oracle.Take(actual.size());
        break;
      }
    }
    EXPECT_EQ(actual, expected) << what;
    if (actual == "overrun") {
      expected = oracle.ReadExactly(kLimit);
      actual = Describe(co_await reader_.ReadExactly(kLimit));
      EXPECT_EQ(actual, expected) << what;
    }
    co_return actual == expected;
  }

  AbstractEventLoop& loop_;
  std::mt19937 random_;
  StreamReader reader_;
  const std::string data_;
  size_t fed_ = 0;
};

// STR-03, STR-04, STR-05, STR-06, STR-07
TEST(StreamReaderRandomTest, bug_H19_ReadsGiveTheSameHoweverTheDataIsCut) {
  for (uint32_t seed = 1; seed <= 2000; ++seed) {
    SCOPED_TRACE(seed);
    TestLoop test;
    RandomReads reads(seed, test.loop());
    const absl::Status status = RunUntilComplete(test.loop(), reads.Run());
    ASSERT_TRUE(status.ok()) << status;
    if (::testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace evkit

// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/streams/internal/read_buffer.h"

#include <cstddef>
#include <random>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "evkit/net/streams/internal/separator_search.h"
#include "gtest/gtest.h"

namespace evkit::net_internal {
namespace {

constexpr size_t kMany = 1 << 20;

// How many bytes a buffer has moved: all there are, each time that the first
// one lies elsewhere. A copy into the buffer is not counted.
class MovesCounter {
 public:
  explicit MovesCounter(const ReadBuffer& buffer) : buffer_(buffer) {}

  void Appended(size_t n) {
    if (buffer_.view().data() != first_) moved_ += buffer_.size() - n;
    first_ = buffer_.view().data();
  }
  void Dropped() { first_ = buffer_.view().data(); }
  size_t moved() const { return moved_; }

 private:
  const ReadBuffer& buffer_;
  const char* first_ = nullptr;
  size_t moved_ = 0;
};

TEST(ReadBufferTest, TakesOutWhatCameInInOrder) {
  std::mt19937 random(7);
  ReadBuffer buffer;
  std::string expected;
  char next = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string piece(random() % 200, '\0');
    for (char& c : piece) c = next++;
    buffer.Append(piece);
    expected += piece;
    const size_t n = random() % (expected.size() + 1);
    if (random() % 3 == 0) {
      buffer.Drop(n);
    } else {
      ASSERT_EQ(buffer.Take(n), expected.substr(0, n));
    }
    expected.erase(0, n);
    ASSERT_EQ(buffer.view(), expected);
  }
}

TEST(ReadBufferTest, WhatIsTakenWholeIsNotCopied) {
  ReadBuffer buffer;
  buffer.Append(std::string(1000, 'a'));
  const char* const where = buffer.view().data();
  const std::string taken = buffer.Take(1000);
  EXPECT_EQ(taken.data(), where);
  EXPECT_TRUE(buffer.empty());

  buffer.Append(std::string(1000, 'b'));
  const char* const there = buffer.view().data();
  const std::string most = buffer.Take(990);
  EXPECT_EQ(most.data(), there);
  EXPECT_EQ(buffer.view(), std::string(10, 'b'));
}

TEST(ReadBufferTest, AByteIsMovedAConstantNumberOfTimes) {
  ReadBuffer buffer;
  MovesCounter growing(buffer);
  for (size_t i = 0; i < kMany; ++i) {
    buffer.Append("x");
    growing.Appended(1);
  }
  EXPECT_LE(growing.moved(), 2 * kMany);

  // Full all the time, of little and of much.
  for (const size_t level : {10, 1000, 100000}) {
    ReadBuffer level_buffer;
    level_buffer.Append(std::string(level, 'x'));
    MovesCounter steady(level_buffer);
    steady.Dropped();
    for (size_t i = 0; i < kMany; ++i) {
      level_buffer.Append("x");
      steady.Appended(1);
      level_buffer.Drop(1);
      steady.Dropped();
    }
    EXPECT_LE(steady.moved(), 4 * kMany) << level;
  }
}

// Feeds `data` one byte after the other; how many bytes were looked at until
// the separator was found.
size_t Scanned(SeparatorSearch& search, absl::string_view data) {
  size_t scanned = 0;
  for (size_t size = 1; size <= data.size(); ++size) {
    scanned += size - search.searched();
    if (search.Find(data.substr(0, size))) return scanned;
  }
  ADD_FAILURE() << "not found";
  return scanned;
}

TEST(SeparatorSearchTest, bug_H19_EachByteIsLookedAtOnceHoweverItIsCut) {
  const std::string data = std::string(kMany, 'x') + "\r\n\r\n";
  SeparatorSearch newline("\n");
  EXPECT_LE(Scanned(newline, data), data.size());
  SeparatorSearch blank_line("\r\n\r\n");
  EXPECT_LE(Scanned(blank_line, data), 4 * data.size());
  EXPECT_EQ(blank_line.match_begin(), kMany);
  EXPECT_EQ(blank_line.match_end(), kMany + 4);
}

TEST(SeparatorSearchTest, bug_H19_ASeparatorIsFoundWhereverItIsCut) {
  const std::string data = "aaab=aab--aabc";
  for (size_t cut = 0; cut <= data.size(); ++cut) {
    SeparatorSearch search("aabc");
    const bool early = search.Find(absl::string_view(data).substr(0, cut));
    EXPECT_EQ(early, cut == data.size());
    EXPECT_TRUE(search.Find(data)) << cut;
    EXPECT_EQ(search.match_begin(), 10u) << cut;
  }
}

TEST(SeparatorSearchTest, OfSeveralTheOneThatEndsFirstIsFound) {
  constexpr absl::string_view kEnds[] = {"<<<<<<", "bc", "abc", "c<"};
  SeparatorSearch search(kEnds);
  EXPECT_TRUE(search.valid());
  EXPECT_FALSE(search.Find("xxxxxab"));
  EXPECT_TRUE(search.Find("xxxxxabc<<<<<<"));
  EXPECT_EQ(search.match_begin(), 6u);  // The shorter of two.
  EXPECT_EQ(search.match_end(), 8u);
}

TEST(SeparatorSearchTest, NoneOrAnEmptyOneIsNotValid) {
  constexpr absl::string_view kOneEmpty[] = {"a", ""};
  EXPECT_FALSE(SeparatorSearch("").valid());
  EXPECT_FALSE(SeparatorSearch(kOneEmpty).valid());
  EXPECT_FALSE(SeparatorSearch(absl::Span<const absl::string_view>()).valid());
}

}  // namespace
}  // namespace evkit::net_internal

// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The bytes that come from a connection, read by a coroutine: so many, a line,
// up to a separator. Contract rules STR-03 to STR-11.
//
//   Coro<void> Greet(StreamReader reader, StreamWriter writer) {
//     std::string line = co_await OrReturn(reader.ReadLine());
//     co_await OrReturn(writer.Write("you said " + line));
//     co_return co_await writer.Drain();
//   }
//
// What is there already is returned without a turn of the loop, and with no
// allocation but the result's; waiting allocates nothing either.
//
// Cancel-safe, all of it: a read takes its bytes when its task goes on, so one
// that is cancelled, or times out (`WaitFor(reader.ReadLine(), timeout)`), has
// left them for the next.
//
// One read at a time: while one waits, until its task has gone on, another is
// kFailedPrecondition (STR-09). An error of the connection ends the read that
// waits, and every later one, whatever is still in the buffer (STR-11).
//
// Memory. What was not read is kept. When that is more than twice the limit,
// the transport is paused until it is no more than the limit, so a peer that
// nobody listens to costs twice the limit, and what one read of the transport
// brings (STR-10). A read that asks for more than that by number gets it, and
// the memory it takes is what was asked for. An empty buffer takes none.
//
// What reads fail with, beside the connection's error and kCancelled:
//   kOutOfRange         ReadExactly(), ReadUntil(): the stream ended first; see
//                       PartialRead() in stream_errors.h. What there was is
//                       taken.
//   kResourceExhausted  ReadLine(), ReadUntil(), WaitForMore(): longer than the
//                       limit; see LimitOverrunConsumed().
//   kFailedPrecondition another task is reading; or the stream went away while
//                       this one waited.
//   kInvalidArgument    ReadUntil(): no separator, or an empty one.
//
// A handle: copies read the same stream, and keep what was received, not the
// connection, which is the writer's to close. Belongs to the loop's thread. The
// await that a read returns refers to the handle's stream and to what it was
// given: await it in the same expression, or hand it to WaitFor() there.

#ifndef EVKIT_NET_STREAMS_STREAM_READER_H_
#define EVKIT_NET_STREAMS_STREAM_READER_H_

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "evkit/net/streams/internal/reader_state.h"
#include "evkit/net/streams/internal/separator_search.h"
#include "evkit/net/transport.h"

namespace evkit {

// How many bytes a line may have, if nothing else is said.
inline constexpr size_t kDefaultStreamLimit = 65536;

namespace net_internal {

// Read(), ReadAll(), ReadExactly().
class ReadAwait final : public PendingRead {
 public:
  enum class What : char { kSome, kAll, kExactly };

  ReadAwait(ReaderState* reader, const char* name, What what, size_t n)
      : PendingRead(reader, name), what_(what), n_(n) {}
  ReadAwait(ReadAwait&&) = default;

  absl::StatusOr<std::string> await_resume();

 private:
  bool IsSatisfied() override;

  const What what_;
  const size_t n_;
};

// ReadLine(), ReadUntil().
class ReadUntilAwait final : public PendingRead {
 public:
  ReadUntilAwait(ReaderState* reader, const char* name, bool is_line,
                 SeparatorSearch search)
      : PendingRead(reader, name), search_(search), is_line_(is_line) {}
  ReadUntilAwait(ReadUntilAwait&&) = default;

  absl::StatusOr<std::string> await_resume();

 private:
  bool IsSatisfied() override;
  absl::Status Overrun(absl::string_view message, size_t consumed);

  SeparatorSearch search_;
  const bool is_line_;
  bool found_ = false;
};

// WaitForMore().
class MoreAwait final : public PendingRead {
 public:
  MoreAwait(ReaderState* reader, size_t have)
      : PendingRead(reader, "WaitForMore"), have_(have) {}
  MoreAwait(MoreAwait&&) = default;

  absl::StatusOr<bool> await_resume();

 private:
  bool IsSatisfied() override;

  const size_t have_;
};

}  // namespace net_internal

class StreamReader {
 public:
  // Of no connection: `FeedData()` and `FeedEof()` say what comes. A `limit` of
  // 0 is a bug (checked).
  explicit StreamReader(size_t limit = kDefaultStreamLimit);
  // For those who make connections.
  explicit StreamReader(std::shared_ptr<net_internal::ReaderState> state)
      : state_(std::move(state)) {}

  // Gives between 1 and `n` bytes; none at the end of the stream, or if `n` is
  // 0 (STR-03).
  [[nodiscard]] net_internal::ReadAwait Read(size_t n) const {
    return net_internal::ReadAwait(state_.get(), "StreamReader.Read",
                                   net_internal::ReadAwait::What::kSome, n);
  }
  // All that comes, up to the end of the stream. Knows no limit.
  [[nodiscard]] net_internal::ReadAwait ReadAll() const {
    return net_internal::ReadAwait(state_.get(), "StreamReader.ReadAll",
                                   net_internal::ReadAwait::What::kAll, 0);
  }
  // `n` bytes, or kOutOfRange (STR-04).
  [[nodiscard]] net_internal::ReadAwait ReadExactly(size_t n) const {
    return net_internal::ReadAwait(state_.get(), "StreamReader.ReadExactly",
                                   net_internal::ReadAwait::What::kExactly, n);
  }
  // A line with its "\n"; at the end of the stream what is left, possibly
  // nothing. One that is longer than the limit is kResourceExhausted, and
  // thrown away, as far as it has come (STR-07).
  [[nodiscard]] net_internal::ReadUntilAwait ReadLine() const {
    return net_internal::ReadUntilAwait(state_.get(), "StreamReader.ReadLine",
                                        /*is_line=*/true,
                                        net_internal::SeparatorSearch("\n"));
  }
  // All up to a separator, with it (STR-05). If it is longer than the limit,
  // the separator not counted, kResourceExhausted, and it stays in the buffer
  // (STR-06).
  [[nodiscard]] net_internal::ReadUntilAwait ReadUntil(
      absl::string_view separator) const {
    return net_internal::ReadUntilAwait(
        state_.get(), "StreamReader.ReadUntil", /*is_line=*/false,
        net_internal::SeparatorSearch(separator));
  }
  // The same up to the one of several that ends first. g++ 12: give the array a
  // name, outside of the `co_await` statement.
  [[nodiscard]] net_internal::ReadUntilAwait ReadUntil(
      absl::Span<const absl::string_view> separators) const {
    return net_internal::ReadUntilAwait(
        state_.get(), "StreamReader.ReadUntil", /*is_line=*/false,
        net_internal::SeparatorSearch(separators));
  }

  // --- In place -------------------------------------------------------------
  //
  //   while (!Parse(reader.buffered(), &used)) {
  //     bool more = co_await OrReturn(
  //         reader.WaitForMore(reader.buffered().size()));
  //     if (!more) co_return absl::OutOfRangeError("cut off");
  //   }
  //   reader.Consume(used);

  // What came and was not read. Valid until the next call that takes some, or
  // the next await.
  absl::string_view buffered() const { return state_->data(); }
  // Takes the first `n` bytes of it. More than there are, or while a read
  // waits, is a bug (checked).
  void Consume(size_t n) const;
  // Waits until more than `have` bytes are there: true; or the stream has
  // ended with no more: false. kResourceExhausted if `have` is beyond the limit
  // and more would have to come.
  [[nodiscard]] net_internal::MoreAwait WaitForMore(size_t have) const {
    return net_internal::MoreAwait(state_.get(), have);
  }

  // Whether the stream has ended and everything is read (STR-08).
  bool AtEof() const { return state_->eof() && state_->size() == 0; }
  // What the connection broke with; OK if it did not.
  absl::Status error() const { return state_->error(); }
  size_t limit() const { return state_->limit(); }

  // --- For those who bring the bytes ----------------------------------------

  // Some came. After `FeedEof()` a bug (checked); after `SetError()` dropped.
  void FeedData(absl::string_view data) const { state_->Feed(data); }
  // No more will.
  void FeedEof() const { state_->FeedEof(); }
  // The connection broke; `error` is not OK (checked).
  void SetError(absl::Status error) const {
    state_->SetError(std::move(error));
  }
  // Which transport to pause and resume; null for none. It outlives this, or
  // the next call.
  void SetTransport(Transport* transport) const {
    state_->set_transport(transport);
  }

 private:
  std::shared_ptr<net_internal::ReaderState> state_;
};

}  // namespace evkit

#endif  // EVKIT_NET_STREAMS_STREAM_READER_H_

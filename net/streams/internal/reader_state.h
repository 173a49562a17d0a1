// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What the handles to one reader share: the bytes that came and were not read,
// how the stream ended, and who waits for more.

#ifndef EVKIT_NET_STREAMS_INTERNAL_READER_STATE_H_
#define EVKIT_NET_STREAMS_INTERNAL_READER_STATE_H_

#include <coroutine>
#include <cstddef>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "evkit/loop/coro/internal/await.h"
#include "evkit/loop/coro/waiter.h"
#include "evkit/net/streams/internal/read_buffer.h"
#include "evkit/net/transport.h"

namespace evkit::net_internal {

class ReaderState;

// One read: an await in the frame of whoever reads. It takes nothing out of
// the buffer before its task goes on, so a read that is cancelled has lost
// nothing.
class PendingRead : public loop_internal::AwaitBase {
 public:
  bool await_ready();
  template <typename Promise>
  void await_suspend(std::coroutine_handle<Promise> handle) {
    Begin();
    waiter_.await_suspend(handle);
  }

 protected:
  // `name` is that of the function that reads; it is not copied.
  PendingRead(ReaderState* reader, const char* name)
      : reader_(reader), name_(name), waiter_(name) {}
  // Before it is awaited.
  PendingRead(PendingRead&& other)
      : reader_(other.reader_), name_(other.name_), waiter_(other.name_) {}
  ~PendingRead();

  // Whether there is enough in the buffer, or never will be: asked again each
  // time that something has come.
  virtual bool IsSatisfied() = 0;

  // To be called by `await_resume()`: why there is nothing to take.
  absl::Status End();
  ReaderState& reader() const { return *reader_; }

 private:
  friend class ReaderState;

  void Begin();

  ReaderState* reader_;
  const char* const name_;
  Waiter waiter_;
  bool waiting_ = false;
  absl::Status failure_;
};

class ReaderState {
 public:
  explicit ReaderState(size_t limit) : limit_(limit) {}
  ReaderState(const ReaderState&) = delete;
  ReaderState& operator=(const ReaderState&) = delete;
  ~ReaderState();

  size_t limit() const { return limit_; }
  absl::string_view data() const { return buffer_.view(); }
  size_t size() const { return buffer_.size(); }
  bool eof() const { return eof_; }
  const absl::Status& error() const { return error_; }
  bool has_waiter() const { return waiting_ != nullptr; }

  void Feed(absl::string_view data);
  void FeedEof();
  void SetError(absl::Status error);
  // What to pause; null if there is nothing any more.
  void set_transport(Transport* transport) { transport_ = transport; }

  // The first `n` bytes, which must be there. May let the transport go on.
  std::string Take(size_t n);
  void Drop(size_t n);

 private:
  friend class PendingRead;

  void Tell();
  void PauseIfFull();
  void ResumeIfNotFull();

  ReadBuffer buffer_;
  const size_t limit_;
  absl::Status error_;
  Transport* transport_ = nullptr;
  PendingRead* waiting_ = nullptr;
  bool eof_ = false;
  bool paused_ = false;
};

}  // namespace evkit::net_internal

#endif  // EVKIT_NET_STREAMS_INTERNAL_READER_STATE_H_

// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What the handles to one writer share: the transport, whether it wants no more
// for now, and who waits for that, or for the end.

#ifndef EVKIT_NET_STREAMS_INTERNAL_WRITER_STATE_H_
#define EVKIT_NET_STREAMS_INTERNAL_WRITER_STATE_H_

#include <coroutine>
#include <cstddef>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "evkit/loop/coro/internal/await.h"
#include "evkit/loop/coro/waiter.h"
#include "evkit/net/streams/internal/reader_state.h"
#include "evkit/net/transport.h"

namespace evkit::net_internal {

class WriterState;

// Drain() or WaitClosed(): an await in the frame of whoever waits.
class WriterAwait : public loop_internal::AwaitBase {
 public:
  enum class What : char { kDrain, kWaitClosed };

  WriterAwait(WriterState* writer, What what)
      : writer_(writer), what_(what), waiter_(Name(what)) {}
  // Before it is awaited.
  WriterAwait(WriterAwait&& other) : WriterAwait(other.writer_, other.what_) {}
  ~WriterAwait() { Leave(); }

  bool await_ready();
  template <typename Promise>
  void await_suspend(std::coroutine_handle<Promise> handle) {
    Join();
    waiter_.await_suspend(handle);
    if (for_a_turn_) waiter_.Complete();
  }
  absl::Status await_resume();

 private:
  friend class WriterState;

  static const char* Name(What what) {
    return what == What::kDrain ? "StreamWriter.Drain"
                                : "StreamWriter.WaitClosed";
  }
  void Join();
  void Leave();

  WriterState* writer_;
  const What what_;
  bool waiting_ = false;
  bool for_a_turn_ = false;  // Only to let the connection be lost.
  Waiter waiter_;
  WriterAwait* previous_ = nullptr;
  WriterAwait* next_ = nullptr;
};

class WriterState {
 public:
  // `reader`, whose errors are Drain()'s too, lives as long as this; null if
  // there is none.
  explicit WriterState(ReaderState* reader) : reader_(reader) {}
  WriterState(const WriterState&) = delete;
  WriterState& operator=(const WriterState&) = delete;
  ~WriterState();

  // From the transport, as to a protocol.
  void ConnectionMade(std::shared_ptr<Transport> transport) {
    transport_ = std::move(transport);
  }
  void ConnectionLost(const absl::Status& status);
  void Pause() { paused_ = true; }
  void Resume();

  // Up to EndUpgrade() the handles see `gate`, which takes no writes, in place
  // of the transport.
  void BeginUpgrade(std::shared_ptr<Transport> gate) {
    upgrading_ = true;
    transport_ = std::move(gate);
  }
  void EndUpgrade(std::shared_ptr<Transport> transport) {
    upgrading_ = false;
    transport_ = std::move(transport);
  }
  bool upgrading() const { return upgrading_; }

  // From now on the connection goes over this one, which is not paused.
  void ReplaceTransport(std::shared_ptr<Transport> transport);

  // Null if there is none.
  ReaderState* reader() const { return reader_; }
  bool paused() const { return paused_; }
  bool lost() const { return lost_; }

  // Null before the connection was made; afterwards to the end.
  const std::shared_ptr<Transport>& transport() const { return transport_; }

  // How many handles there are. When there is none any more, the connection is
  // closed.
  void AddHandle() { ++handles_; }
  void DropHandle();

 private:
  friend class WriterAwait;

  void Wake(WriterAwait::What what);

  ReaderState* const reader_;
  std::shared_ptr<Transport> transport_;
  WriterAwait* first_ = nullptr;
  WriterAwait* last_ = nullptr;
  absl::Status lost_with_;
  size_t handles_ = 0;
  bool paused_ = false;
  bool lost_ = false;
  bool upgrading_ = false;
};

}  // namespace evkit::net_internal

#endif  // EVKIT_NET_STREAMS_INTERNAL_WRITER_STATE_H_

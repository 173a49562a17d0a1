// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What all awaits of sockets are made of: try, and if it would block, try again
// each time the descriptor is ready.

#ifndef EVKIT_NET_SOCKETS_INTERNAL_SOCKET_WAIT_H_
#define EVKIT_NET_SOCKETS_INTERNAL_SOCKET_WAIT_H_

#include <coroutine>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "evkit/loop/coro/internal/task_state.h"
#include "evkit/net/socket.h"

namespace evkit::net_internal {

// Lives in the frame that awaits it, and allocates nothing. The loop's callback
// and this know each other: if somebody else's takes its place, or the loop
// closes, this finds out, and what is registered later is left alone (SOCK-09).
class SocketWait : public loop_internal::Suspension {
 public:
  bool await_ready() { return Attempt(); }
  template <typename Promise>
  void await_suspend(std::coroutine_handle<Promise> handle) {
    Suspend(handle);
    Arm();
  }
  bool CancelWait(absl::string_view message) final;
  std::string Describe() const final;

 protected:
  enum class Direction : char { kRead, kWrite };

  // `name` is shown when the task is printed; it is not copied.
  SocketWait(const char* name, Socket& socket, Direction direction)
      : socket_(socket), fd_(socket.fd()), name_(name), direction_(direction) {}
  ~SocketWait() { Disarm(); }

  Socket& awaited_socket() { return socket_; }

  // Makes the system call. False: it would have blocked. Else it is over, one
  // way or the other, and this is not called again.
  virtual bool Attempt() = 0;

  // For `Attempt()`: false if it would have blocked; else `result` is the end.
  bool Settle(const IoResult& result, absl::string_view call) {
    if (result.ok()) return true;
    if (result.would_block()) return false;
    Fail(result, call);
    return true;
  }
  // The end, with an error.
  void Fail(absl::Status error) { status_ = std::move(error); }

  // For `await_resume()`: OK, the error, or kCancelled.
  absl::Status Finish();

 private:
  enum class State : char { kWaiting, kDone, kCancelled };

  // The loop's callback.
  class OnReady {
   public:
    explicit OnReady(SocketWait* wait) : wait_(wait) { wait->on_ready_ = this; }
    OnReady(OnReady&& other) noexcept
        : wait_(std::exchange(other.wait_, nullptr)) {
      if (wait_ != nullptr) wait_->on_ready_ = this;
    }
    OnReady& operator=(OnReady&&) = delete;
    ~OnReady() {
      if (wait_ != nullptr) wait_->on_ready_ = nullptr;
    }

    void operator()() {
      if (wait_ != nullptr) wait_->TryAgain();
    }
    void Detach() { wait_ = nullptr; }

   private:
    SocketWait* wait_;
  };

  void Arm();
  void Disarm();
  void TryAgain();
  void Fail(const IoResult& result, absl::string_view call);

  Socket& socket_;
  const int fd_;
  const char* const name_;
  OnReady* on_ready_ = nullptr;  // What is registered; null if nothing is.
  absl::Status status_;
  const Direction direction_;
  State state_ = State::kWaiting;
};

}  // namespace evkit::net_internal

#endif  // EVKIT_NET_SOCKETS_INTERNAL_SOCKET_WAIT_H_

// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What all awaits of sockets are made of: try, and if it would block, try again
// each time the descriptor is ready.

#ifndef EVKIT_NET_SOCKETS_INTERNAL_SOCKET_WAIT_H_
#define EVKIT_NET_SOCKETS_INTERNAL_SOCKET_WAIT_H_

#include <coroutine>
#include <cstddef>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "evkit/loop/coro/internal/task_state.h"
#include "evkit/loop/internal/fd_waiter.h"
#include "evkit/net/socket.h"

namespace evkit::net_internal {

// Lives in the frame that awaits it, and allocates nothing. If somebody else's
// watch takes the place of this one's, or the loop closes, it waits in vain,
// and what is registered later is left alone (SOCK-09).
class SocketWait : public loop_internal::Suspension, loop_internal::FdWaiter {
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
      : socket_(socket), name_(name), fd_(socket.fd()), direction_(direction) {}
  ~SocketWait() = default;

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
  // Whether it is worth while to try to receive `size` bytes from a stream
  // before it is reported to be ready.
  bool MayHaveMore(size_t size) const {
    return !socket_.drained() || size == 0;
  }
  // `Settle()` of receiving from a stream, where `size` bytes were asked for.
  bool SettleReceived(const IoResult& result, size_t size) {
    socket_.set_drained(result.ok() && result.bytes() < size &&
                        result.bytes() > 0 && socket_.type() == SOCK_STREAM);
    return Settle(result, "recv");
  }
  // The end, with an error.
  void Fail(absl::Status error) { status_ = std::move(error); }

  // For `await_resume()`: OK, the error, or kCancelled.
  absl::Status Finish() {
    absl::Status cancellation;
    if (TakeCancellation(&cancellation) && state_ != State::kCancelled) {
      return cancellation;
    }
    return std::move(status_);
  }

 private:
  enum class State : char { kWaiting, kDone, kCancelled };

  void OnReady() final;
  void Arm();
  void Disarm();
  void Fail(const IoResult& result, absl::string_view call);

  Socket& socket_;
  const char* const name_;
  absl::Status status_;
  const int fd_;
  const Direction direction_;
  State state_ = State::kWaiting;
};

}  // namespace evkit::net_internal

#endif  // EVKIT_NET_SOCKETS_INTERNAL_SOCKET_WAIT_H_

// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The limit that loop/coro:coro_benchmark measures against: the least that
// coroutines on a loop can do. No cancellation, no errors, no contexts, no
// handles, no descriptors, nothing for debuggers; deep chains overflow the
// stack at -O0.

#ifndef EVKIT_BENCH_RAW_COROUTINES_H_
#define EVKIT_BENCH_RAW_COROUTINES_H_

#include <chrono>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <queue>
#include <utility>
#include <vector>

namespace evkit::raw {

// Frames from a free list for each size.
class Frames {
 public:
  static void* Allocate(size_t size) {
    const size_t kind = (size + 63) / 64;
    if (kind >= kKinds) return ::operator new(size);
    Block* const block = free_[kind];
    if (block == nullptr) return ::operator new(kind * 64);
    free_[kind] = block->next;
    return block;
  }
  static void Free(void* memory, size_t size) {
    const size_t kind = (size + 63) / 64;
    if (kind >= kKinds) return ::operator delete(memory);
    Block* const block = static_cast<Block*>(memory);
    block->next = free_[kind];
    free_[kind] = block;
  }

 private:
  struct Block {
    Block* next;
  };
  static constexpr size_t kKinds = 32;
  static inline Block* free_[kKinds];
};

// A queue of coroutines, and timers.
class Loop {
 public:
  using Time = std::chrono::steady_clock::time_point;

  void Post(std::coroutine_handle<> handle) {
    if (tail_ - head_ == ring_.size()) Grow();
    ring_[tail_++ & (ring_.size() - 1)] = handle;
  }
  void At(Time when, std::coroutine_handle<> handle) {
    timers_.push({when, handle});
  }
  // Until nothing is left.
  void Run() {
    for (;;) {
      for (size_t batch = tail_ - head_; batch > 0; --batch) {
        ring_[head_++ & (ring_.size() - 1)].resume();
      }
      if (!timers_.empty()) {
        const Time now = std::chrono::steady_clock::now();
        while (!timers_.empty() && timers_.top().when <= now) {
          Post(timers_.top().handle);
          timers_.pop();
        }
      } else if (head_ == tail_) {
        return;
      }
    }
  }

 private:
  struct Timer {
    Time when;
    std::coroutine_handle<> handle;
    bool operator<(const Timer& other) const { return when > other.when; }
  };
  void Grow() {
    std::vector<std::coroutine_handle<>> ring(ring_.size() * 2);
    for (size_t i = head_; i != tail_; ++i) {
      ring[i & (ring.size() - 1)] = ring_[i & (ring_.size() - 1)];
    }
    ring_ = std::move(ring);
  }

  std::vector<std::coroutine_handle<>> ring_ =
      std::vector<std::coroutine_handle<>>(16'384);
  size_t head_ = 0;
  size_t tail_ = 0;
  std::priority_queue<Timer> timers_;
};

// Lazy; awaited once, by symmetric transfer; destroys itself at its end if it
// was detached.
class Coro {
 public:
  struct promise_type {
    static void* operator new(size_t size) { return Frames::Allocate(size); }
    static void operator delete(void* memory, size_t size) {
      Frames::Free(memory, size);
    }
    Coro get_return_object() {
      return Coro(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    struct Final {
      bool await_ready() noexcept { return false; }
      std::coroutine_handle<> await_suspend(
          std::coroutine_handle<promise_type> handle) noexcept {
        const std::coroutine_handle<> waiter = handle.promise().waiter;
        if (handle.promise().detached) handle.destroy();
        return waiter ? waiter : std::noop_coroutine();
      }
      void await_resume() noexcept {}
    };
    Final final_suspend() noexcept { return {}; }
    void unhandled_exception() { std::abort(); }
    void return_value(int64_t result) { value = result; }

    std::coroutine_handle<> waiter;
    int64_t value = 0;
    bool detached = false;
  };
  using Handle = std::coroutine_handle<promise_type>;

  Coro(Coro&& other) noexcept
      : handle_(std::exchange(other.handle_, nullptr)) {}
  ~Coro() {
    if (handle_) handle_.destroy();
  }

  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> waiter) {
    handle_.promise().waiter = waiter;
    return handle_;
  }
  int64_t await_resume() const { return handle_.promise().value; }

  // Runs it on `loop`, and destroys it at its end.
  void Detach(Loop& loop) && {
    const Handle handle = std::exchange(handle_, nullptr);
    handle.promise().detached = true;
    loop.Post(handle);
  }

 private:
  explicit Coro(Handle handle) : handle_(handle) {}
  Handle handle_;
};

// Runs a coroutine beside the caller, which awaits it later, once.
class Task {
 public:
  Task(Loop& loop, Coro coro) : coro_(Run(this, loop, std::move(coro))) {
    std::move(coro_).Detach(loop);
  }
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;

  bool await_ready() const noexcept { return done_; }
  void await_suspend(std::coroutine_handle<> waiter) { waiter_ = waiter; }
  int64_t await_resume() const { return value_; }

 private:
  static Coro Run(Task* self, Loop& loop, Coro coro) {
    self->value_ = co_await coro;
    self->done_ = true;
    if (self->waiter_) loop.Post(self->waiter_);
    co_return 0;
  }

  int64_t value_ = 0;
  bool done_ = false;
  std::coroutine_handle<> waiter_;
  Coro coro_;
};

class Yield {
 public:
  explicit Yield(Loop& loop) : loop_(loop) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) { loop_.Post(handle); }
  void await_resume() const {}

 private:
  Loop& loop_;
};

class Sleep {
 public:
  Sleep(Loop& loop, std::chrono::nanoseconds delay)
      : loop_(loop), delay_(delay) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) {
    loop_.At(std::chrono::steady_clock::now() + delay_, handle);
  }
  void await_resume() const {}

 private:
  Loop& loop_;
  const std::chrono::nanoseconds delay_;
};

// Room for one number, one sender and one receiver.
class Channel {
 public:
  explicit Channel(Loop& loop) : loop_(loop) {}
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  void Send(int64_t value) {
    value_ = value;
    full_ = true;
    if (receiver_) loop_.Post(std::exchange(receiver_, nullptr));
  }
  bool await_ready() const noexcept { return full_; }
  void await_suspend(std::coroutine_handle<> handle) { receiver_ = handle; }
  int64_t await_resume() {
    full_ = false;
    return value_;
  }

 private:
  Loop& loop_;
  std::coroutine_handle<> receiver_;
  int64_t value_ = 0;
  bool full_ = false;
};

// Ends a wait of others. Cancelling is all that ends it.
class Parking {
 public:
  explicit Parking(Loop& loop) : loop_(loop) {}
  Parking(const Parking&) = delete;
  Parking& operator=(const Parking&) = delete;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) { handle_ = handle; }
  bool await_resume() const { return cancelled_; }
  void Cancel() {
    cancelled_ = true;
    loop_.Post(handle_);
  }

 private:
  Loop& loop_;
  std::coroutine_handle<> handle_;
  bool cancelled_ = false;
};

}  // namespace evkit::raw

#endif  // EVKIT_BENCH_RAW_COROUTINES_H_

// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The limit: what a loop written by hand for just these cases is made of. No
// errors, no handles, nothing that is cancelled but timers, no order among
// timers of the same millisecond.

#ifndef EVKIT_BENCH_MICRO_RAW_LOOP_H_
#define EVKIT_BENCH_MICRO_RAW_LOOP_H_

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "evkit/bench/micro/micro.h"

namespace evkit::raw {

// Functions with two words each.
class Ring {
 public:
  using Function = void (*)(void* object, int64_t number);
  void Push(Function function, void* object, int64_t number) {
    slots_[tail_++ & (slots_.size() - 1)] = {function, object, number};
  }
  bool empty() const { return head_ == tail_; }
  // Those that are there now.
  void RunBatch() {
    for (size_t left = tail_ - head_; left > 0; --left) {
      const Slot& slot = slots_[head_++ & (slots_.size() - 1)];
      slot.function(slot.object, slot.number);
    }
  }

 private:
  struct Slot {
    Function function;
    void* object;
    int64_t number;
  };
  std::vector<Slot> slots_ = std::vector<Slot>(16'384);
  size_t head_ = 0;
  size_t tail_ = 0;
};

// With a wake-up descriptor of its own, as every loop has one. It is never
// read: each write is an edge.
class Epoll {
 public:
  Epoll() : epoll_(epoll_create1(EPOLL_CLOEXEC)), wakeup_(NewEventFd(false)) {
    Add(wakeup_, EPOLLIN | EPOLLET, 0);
  }
  ~Epoll() {
    close(epoll_);
    close(wakeup_);
  }
  Epoll(const Epoll&) = delete;
  Epoll& operator=(const Epoll&) = delete;

  void Add(int fd, uint32_t what, uint64_t data) {
    epoll_event event = {};
    event.events = what;
    event.data.u64 = data;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }
  void Remove(int fd) { epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr); }
  int Wait(int timeout_ms) {
    return epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()),
                      timeout_ms);
  }
  const epoll_event& event(int i) const {
    return events_[static_cast<size_t>(i)];
  }
  void Wake() { eventfd_write(wakeup_, 1); }

 private:
  const int epoll_;
  const int wakeup_;
  std::array<epoll_event, 1024> events_;
};

// A stack of nodes that is taken as a whole; the loop is woken only where it
// sleeps.
class Mailbox {
 public:
  struct Node {
    Node* next = nullptr;
    void (*function)(void* object) = nullptr;
    void* object = nullptr;
  };

  explicit Mailbox(Epoll& epoll) : epoll_(epoll) {}

  // In any thread. The node is the mailbox's until it ran.
  void Post(Node* node) {
    node->next = top_.load(std::memory_order_relaxed);
    while (!top_.compare_exchange_weak(node->next, node)) {
    }
    if (asleep_.load() && asleep_.exchange(false)) epoll_.Wake();
  }
  // Waits for posts, and runs them.
  void RunOnce() {
    asleep_.store(true);
    if (top_.load() == nullptr) epoll_.Wait(-1);
    asleep_.store(false, std::memory_order_relaxed);
    Node* reversed = top_.exchange(nullptr);
    Node* first = nullptr;
    while (reversed != nullptr) {
      Node* const next = reversed->next;
      reversed->next = first;
      first = reversed;
      reversed = next;
    }
    while (first != nullptr) {
      Node* const next = first->next;
      first->function(first->object);
      first = next;
    }
  }

 private:
  Epoll& epoll_;
  std::atomic<Node*> top_ = nullptr;
  std::atomic<bool> asleep_ = false;
};

// A hashed, hierarchical wheel of milliseconds.
class Wheel {
 public:
  struct Timer {
    Timer* next = nullptr;
    Timer* previous = nullptr;
    int64_t at = 0;
  };

  explicit Wheel(int64_t now) : now_(now) {
    for (auto& level : slots_) {
      for (Timer& slot : level) slot.next = slot.previous = &slot;
    }
  }

  int64_t now() const { return now_; }
  void Start(Timer& timer, int64_t at) {
    timer.at = at > now_ ? at : now_ + 1;
    Link(timer);
  }
  static void Stop(Timer& timer) {
    timer.next->previous = timer.previous;
    timer.previous->next = timer.next;
  }
  template <typename Fire>
  void Advance(int64_t now, Fire fire) {
    while (now_ < now) {
      ++now_;
      for (int level = 1; level < kLevels; ++level) {
        if ((now_ & ((int64_t{1} << (8 * level)) - 1)) != 0) break;
        Empty(Slot(level, now_), [this](Timer& timer) { Link(timer); });
      }
      Empty(Slot(0, now_), fire);
    }
  }

 private:
  static constexpr int kLevels = 4;

  Timer& Slot(int level, int64_t at) {
    return slots_[static_cast<size_t>(level)]
                 [static_cast<size_t>(at >> (8 * level)) & 255];
  }
  void Link(Timer& timer) {
    const int64_t delay = timer.at - now_;
    const int level = delay < 256          ? 0
                      : delay < 65'536     ? 1
                      : delay < 16'777'216 ? 2
                                           : 3;
    Timer& slot = Slot(level, timer.at);
    timer.next = &slot;
    timer.previous = slot.previous;
    slot.previous->next = &timer;
    slot.previous = &timer;
  }
  template <typename Use>
  static void Empty(Timer& slot, const Use& use) {
    while (slot.next != &slot) {
      Timer& timer = *slot.next;
      Stop(timer);
      use(timer);
    }
  }

  std::array<std::array<Timer, 256>, kLevels> slots_;
  int64_t now_;
};

}  // namespace evkit::raw

#endif  // EVKIT_BENCH_MICRO_RAW_LOOP_H_

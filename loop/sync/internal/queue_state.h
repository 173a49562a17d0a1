// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// A queue with its items, in one of three orders.

#ifndef EVKIT_LOOP_SYNC_INTERNAL_QUEUE_STATE_H_
#define EVKIT_LOOP_SYNC_INTERNAL_QUEUE_STATE_H_

#include <algorithm>
#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

#include "evkit/loop/sync/internal/chunked_fifo.h"
#include "evkit/loop/sync/internal/queue_core.h"

namespace evkit::loop_internal {

template <typename T>
class QueueState : public QueueCore {
 public:
  // Requires that there is room.
  void Add(T item) {
    Push(std::move(item));
    OnPut();
  }
  // Requires that there is an item.
  T Take() {
    T item = Pop();
    OnGet();
    return item;
  }
  // Destroys the items, which do not count any more. Their destructors may use
  // the queue.
  virtual void Clear() = 0;

 protected:
  explicit QueueState(size_t maxsize) : QueueCore(maxsize) {}
  ~QueueState() override = default;

 private:
  virtual void Push(T item) = 0;
  virtual T Pop() = 0;
};

template <typename T>
class FifoState final : public QueueState<T> {
 public:
  explicit FifoState(size_t maxsize) : QueueState<T>(maxsize) {}

  void Clear() override {
    while (!items_.empty()) items_.Pop();
  }

 private:
  void Push(T item) override { items_.Push(std::move(item)); }
  T Pop() override { return items_.Pop(); }

  ChunkedFifo<T> items_;
};

template <typename T>
class LifoState final : public QueueState<T> {
 public:
  explicit LifoState(size_t maxsize) : QueueState<T>(maxsize) {}

  void Clear() override {
    const std::vector<T> items = std::exchange(items_, std::vector<T>());
  }

 private:
  void Push(T item) override { items_.push_back(std::move(item)); }
  T Pop() override {
    T item = std::move(items_.back());
    items_.pop_back();
    return item;
  }

  std::vector<T> items_;
};

template <typename T, typename Less>
class PriorityState final : public QueueState<T> {
 public:
  PriorityState(size_t maxsize, Less less)
      : QueueState<T>(maxsize), after_(std::move(less)) {}

  void Clear() override {
    const std::vector<T> items = std::exchange(items_, std::vector<T>());
  }

 private:
  // The other way round, since the heap's first is its greatest.
  class After {
   public:
    explicit After(Less less) : less_(std::move(less)) {}
    bool operator()(const T& a, const T& b) { return less_(b, a); }

   private:
    Less less_;
  };

  void Push(T item) override {
    items_.push_back(std::move(item));
    std::push_heap(items_.begin(), items_.end(), std::ref(after_));
  }
  T Pop() override {
    std::pop_heap(items_.begin(), items_.end(), std::ref(after_));
    T item = std::move(items_.back());
    items_.pop_back();
    return item;
  }

  After after_;
  std::vector<T> items_;
};

}  // namespace evkit::loop_internal

#endif  // EVKIT_LOOP_SYNC_INTERNAL_QUEUE_STATE_H_

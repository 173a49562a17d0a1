// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// First in, first out, for values that move. A list of chunks, of which one is
// kept when it is used up: a queue of a steady length allocates nothing, and
// what a burst took is given back.

#ifndef EVKIT_LOOP_SYNC_INTERNAL_CHUNKED_FIFO_H_
#define EVKIT_LOOP_SYNC_INTERNAL_CHUNKED_FIFO_H_

#include <cstddef>
#include <memory>
#include <new>
#include <utility>

namespace evkit::loop_internal {

template <typename T>
class ChunkedFifo {
 public:
  ChunkedFifo() = default;
  ChunkedFifo(const ChunkedFifo&) = delete;
  ChunkedFifo& operator=(const ChunkedFifo&) = delete;
  ~ChunkedFifo() {
    while (!empty()) Drop();
    delete head_;
    delete spare_;
  }

  bool empty() const { return head_ == tail_ && begin_ == end_; }

  void Push(T value) {
    if (tail_ == nullptr || end_ == kPerChunk) Grow();
    ::new (static_cast<void*>(tail_->slot(end_))) T(std::move(value));
    ++end_;
  }

  // Requires that it is not empty.
  T Pop() {
    T value = std::move(*head_->slot(begin_));
    Drop();
    return value;
  }

 private:
  static constexpr size_t kChunkBytes = 512;
  static constexpr size_t kPerChunk = kChunkBytes / sizeof(T) > 4
                                          ? kChunkBytes / sizeof(T)
                                          : 4;

  class Chunk {
   public:
    Chunk() {}  // NOLINT(modernize-use-equals-default): leaves `bytes` alone.

    T* slot(size_t index) {
      return std::launder(reinterpret_cast<T*>(bytes) + index);
    }

    Chunk* next = nullptr;
    alignas(T) std::byte bytes[kPerChunk * sizeof(T)];
  };

  void Grow() {
    Chunk* const chunk =
        spare_ != nullptr ? std::exchange(spare_, nullptr) : new Chunk();
    chunk->next = nullptr;
    (tail_ == nullptr ? head_ : tail_->next) = chunk;
    tail_ = chunk;
    end_ = 0;
  }

  // Destroys the first value.
  void Drop() {
    std::destroy_at(head_->slot(begin_));
    ++begin_;
    if (head_ == tail_) {
      if (begin_ == end_) begin_ = end_ = 0;
    } else if (begin_ == kPerChunk) {
      Chunk* const used_up = std::exchange(head_, head_->next);
      begin_ = 0;
      delete std::exchange(spare_, used_up);
    }
  }

  Chunk* head_ = nullptr;
  Chunk* tail_ = nullptr;
  Chunk* spare_ = nullptr;
  size_t begin_ = 0;  // Of the values in `head_`.
  size_t end_ = 0;    // Of those in `tail_`.
};

}  // namespace evkit::loop_internal

#endif  // EVKIT_LOOP_SYNC_INTERNAL_CHUNKED_FIFO_H_

// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Recycles the nodes of a loop's handles, so that scheduling allocates nothing
// once the loop has warmed up.

#ifndef EVKIT_LOOP_INTERNAL_HANDLE_POOL_H_
#define EVKIT_LOOP_INTERNAL_HANDLE_POOL_H_

#include <cstddef>
#include <memory>
#include <utility>

#include "evkit/loop/handle_node.h"

namespace evkit::loop_internal {

#if defined(__SANITIZE_ADDRESS__)
#define EVKIT_LOOP_POOLS_KEEP_NODES 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define EVKIT_LOOP_POOLS_KEEP_NODES 0
#endif
#endif
#if !defined(EVKIT_LOOP_POOLS_KEEP_NODES)
#define EVKIT_LOOP_POOLS_KEEP_NODES 1
#endif

// A free list of nodes. Node derives from HandleNode, is constructed from
// `HandlePool&`, and gives itself back with Put(). A pool lives until it is
// closed and its last node is back: handles may outlive their loop. Belongs to
// the loop's thread.
template <typename Node>
class HandlePool {
 public:
  // How many free nodes it keeps: about 2 MiB. A burst may need more, for which
  // it pays with allocations, and which is given back. Address sanitizer sees
  // more when nothing is recycled.
  static constexpr size_t kMaxFree = EVKIT_LOOP_POOLS_KEEP_NODES * 16384;

  class Closer {
   public:
    void operator()(HandlePool* pool) const { pool->Close(); }
  };
  // Letting go of it closes the pool, and deletes it now or later.
  using Owner = std::unique_ptr<HandlePool, Closer>;

  static Owner New() { return Owner(new HandlePool()); }

  HandlePool(const HandlePool&) = delete;
  HandlePool& operator=(const HandlePool&) = delete;

  Node* Get() {
    Node* const node = free_;
    if (node == nullptr) {
      Node* const fresh = new Node(*this);
      ++in_use_;
      return fresh;
    }
    ++in_use_;
    free_ = static_cast<Node*>(node->next);
    node->next = nullptr;
    --free_count_;
    return node;
  }

  void Put(Node* node) {
    --in_use_;
    if (closed_ || free_count_ >= kMaxFree) {
      delete node;
      if (closed_ && in_use_ == 0) delete this;
      return;
    }
    node->next = free_;
    free_ = node;
    ++free_count_;
  }

  // Takes up to `most` free nodes out, linked by `next`, for somebody who hands
  // out nodes of this pool by himself, of his own making too. O(most).
  struct Taken {
    Node* first;
    size_t count;
  };
  Taken TakeFree(size_t most) {
    if (most >= free_count_) {
      return {std::exchange(free_, nullptr), std::exchange(free_count_, 0)};
    }
    if (most == 0) return {nullptr, 0};
    HandleNode* last = free_;
    for (size_t i = 1; i < most; ++i) last = last->next;
    Node* const rest = static_cast<Node*>(std::exchange(last->next, nullptr));
    free_count_ -= most;
    return {std::exchange(free_, rest), most};
  }
  // He has handed out `count`, to be given back here.
  void CountInUse(size_t count) { in_use_ += count; }

 private:
  HandlePool() = default;
  ~HandlePool() = default;

  void Close() {
    closed_ = true;
    while (free_ != nullptr) {
      Node* const node = free_;
      free_ = static_cast<Node*>(node->next);
      delete node;
    }
    if (in_use_ == 0) delete this;
  }

  Node* free_ = nullptr;
  size_t free_count_ = 0;
  size_t in_use_ = 0;
  bool closed_ = false;
};

}  // namespace evkit::loop_internal

#endif  // EVKIT_LOOP_INTERNAL_HANDLE_POOL_H_

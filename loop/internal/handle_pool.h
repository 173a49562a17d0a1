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

  bool has_free() const { return free_ != nullptr; }

  // Requires that there is a free node.
  Node* GetFree() {
    Node* const node = free_;
    free_ = static_cast<Node*>(node->next);
    --free_count_;
    return node;
  }

  Node* Get() {
    if (has_free()) return GetFree();
    Node* const fresh = new Node(*this);
    ++node_count_;
    return fresh;
  }

  void Put(Node* node) {
    if (free_count_ >= max_free_) return Delete(node);
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
    Taken taken = {nullptr, most < free_count_ ? most : free_count_};
    if (taken.count == 0) return taken;
    taken.first = free_;
    HandleNode* last = free_;
    for (size_t i = 1; i < taken.count; ++i) last = last->next;
    free_ = static_cast<Node*>(std::exchange(last->next, nullptr));
    free_count_ -= taken.count;
    node_count_ -= taken.count;
    return taken;
  }
  // He has handed out `count`, to be given back here.
  void CountInUse(size_t count) { node_count_ += count; }

 private:
  HandlePool() = default;
  ~HandlePool() = default;

  // Not inline: seldom called.
  [[gnu::noinline]] void Delete(Node* node) {
    delete node;
    --node_count_;
    DeleteThisIfDone();
  }

  void Close() {
    closed_ = true;
    max_free_ = 0;
    node_count_ -= free_count_;
    while (has_free()) delete GetFree();
    DeleteThisIfDone();
  }

  void DeleteThisIfDone() {
    if (closed_ && node_count_ == 0) delete this;
  }

  Node* free_ = nullptr;
  size_t free_count_ = 0;
  size_t max_free_ = kMaxFree;
  size_t node_count_ = 0;  // In use, or free.
  bool closed_ = false;
};

}  // namespace evkit::loop_internal

#endif  // EVKIT_LOOP_INTERNAL_HANDLE_POOL_H_

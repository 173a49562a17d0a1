// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/context.h"

#include <algorithm>

namespace evkit {
namespace loop_internal {

constinit thread_local ContextCell root_context_cell;
constinit thread_local ScopedContextCell* innermost_context_scope = nullptr;

namespace {

// Drops the values of a thread's root when the thread ends. Constructed by the
// first Set() on the thread, so that threads without values pay nothing.
class RootContextCleaner {
 public:
  ~RootContextCleaner() { root_context_cell.Clear(); }
};

}  // namespace

const ContextValues::Value* ContextValues::Find(const ContextValues* values,
                                                uint64_t variable) {
  if (values == nullptr) return nullptr;
  const auto& entries = values->entries_;
  const auto found = std::lower_bound(
      entries.begin(), entries.end(), variable,
      [](const auto& entry, uint64_t wanted) { return entry.first < wanted; });
  if (found == entries.end() || found->first != variable) return nullptr;
  return &found->second;
}

ContextValues* ContextValues::With(const ContextValues* values,
                                   uint64_t variable, Value value) {
  std::vector<std::pair<uint64_t, Value>> entries;
  entries.reserve(Size(values) + 1);
  if (values != nullptr) {
    for (const auto& entry : values->entries_) {
      if (entry.first != variable) entries.push_back(entry);
    }
  }
  if (value != nullptr) {
    const auto place =
        std::lower_bound(entries.begin(), entries.end(), variable,
                         [](const auto& entry, uint64_t wanted) {
                           return entry.first < wanted;
                         });
    entries.emplace(place, variable, std::move(value));
  }
  if (entries.empty()) return nullptr;
  ContextValues* const result = new ContextValues();
  result->entries_ = std::move(entries);
  return result;
}

void ContextValues::Delete(ContextValues* values) { delete values; }

void ContextState::Delete() {
  Clear();
  delete this;
}

uint64_t NewContextVariable() {
  static std::atomic<uint64_t> next{1};
  return next.fetch_add(1, std::memory_order_relaxed);
}

void SetCurrentContextValue(uint64_t variable, ContextValues::Value value) {
  [[maybe_unused]] static thread_local RootContextCleaner cleaner;
  CurrentContextCell().Set(variable, std::move(value));
}

void ScopedContextCell::Replace(const ContextCell& cell,
                                ContextCell& successor) {
  for (ScopedContextCell* scope = innermost_context_scope; scope != nullptr;
       scope = scope->outer_) {
    if (scope->cell_ == &cell) scope->cell_ = &successor;
  }
}

Context ContextSlot::context() {
  if (named_ == nullptr) {
    named_ = new ContextState();
    named_->CopyFrom(copied_);
    ScopedContextCell::Replace(copied_, *named_);
    copied_.Clear();
  }
  return Context(named_);
}

}  // namespace loop_internal

Context Context::CopyCurrent() {
  Context context;
  context.state_->CopyFrom(loop_internal::CurrentContextCell());
  return context;
}

Context Context::Copy() const {
  Context context;
  context.state_->CopyFrom(*state_);
  return context;
}

}  // namespace evkit

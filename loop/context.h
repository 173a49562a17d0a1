// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Context variables: values that follow the flow of control from a callback to
// the callbacks that it schedules, without being passed. asyncio's contextvars.
//
//   const ContextVar<std::string> request_id("request_id");
//
//   request_id.Set("r-17");
//   loop.CallSoon([] { Log(*request_id.Get()); });   // "r-17", then
//   request_id.Set("r-18");                          // and for ever
//
// Whatever schedules a callback copies the current context, and the loop
// restores the copy around each run (contract rules CTX-01 to CTX-03). The copy
// is one pointer, and nothing while no variable is set.

#ifndef EVKIT_LOOP_CONTEXT_H_
#define EVKIT_LOOP_CONTEXT_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace evkit {

class Context;

namespace loop_internal {

// An immutable set of values, shared by all contexts that hold the same ones.
// Setting a variable makes a new one: O(n) in the variables that are set.
// Thread-safe, being immutable.
class ContextValues {
 public:
  using Value = std::shared_ptr<const void>;  // Shared by the sets it is in.

  // Null stands for the empty set in all of these.
  static void Ref(ContextValues* values) {
    if (values != nullptr) {
      values->references_.fetch_add(1, std::memory_order_relaxed);
    }
  }
  static void Unref(ContextValues* values) {
    if (values != nullptr &&
        values->references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      Delete(values);
    }
  }
  static const Value* Find(const ContextValues* values, uint64_t variable);
  // A new set, like `values` but for `variable`, which has `value`, or, if that
  // is null, is not in it. Comes with one reference, unless it is empty.
  static ContextValues* With(const ContextValues* values, uint64_t variable,
                             Value value);
  static size_t Size(const ContextValues* values) {
    return values == nullptr ? 0 : values->entries_.size();
  }

 private:
  ContextValues() = default;
  // Not inline: it is much code, and seldom called.
  static void Delete(ContextValues* values);

  std::atomic<uint32_t> references_{1};
  std::vector<std::pair<uint64_t, Value>> entries_;
};

// Where the values of one context are kept: the mutable part. Trivially
// destructible, so that one can be the root of each thread; `Clear()` is up to
// the owner.
class ContextCell {
 public:
  constexpr ContextCell() = default;
  ContextCell(const ContextCell&) = delete;
  ContextCell& operator=(const ContextCell&) = delete;

  void CopyFrom(const ContextCell& other) {
    if (values_ == other.values_) return;
    ContextValues::Ref(other.values_);
    ContextValues::Unref(std::exchange(values_, other.values_));
  }
  // The same for one that is empty.
  void TakeCopy(const ContextCell& other) {
    values_ = other.values_;
    ContextValues::Ref(values_);
  }
  void Clear() {
    if (values_ != nullptr)
      ContextValues::Unref(std::exchange(values_, nullptr));
  }
  const ContextValues::Value* Find(uint64_t variable) const {
    return ContextValues::Find(values_, variable);
  }
  void Set(uint64_t variable, ContextValues::Value value) {
    ContextValues::Unref(std::exchange(
        values_, ContextValues::With(values_, variable, std::move(value))));
  }
  size_t size() const { return ContextValues::Size(values_); }
  // Whether no variable was ever set.
  bool empty() const { return values_ == nullptr; }

 private:
  ContextValues* values_ = nullptr;
};

// The cell that is in force on this thread outside of any callback.
extern constinit thread_local ContextCell root_context_cell;
// Puts a cell in force on this thread for a scope.
class ScopedContextCell {
 public:
  explicit ScopedContextCell(ContextCell& cell);
  ScopedContextCell(const ScopedContextCell&) = delete;
  ScopedContextCell& operator=(const ScopedContextCell&) = delete;
  ~ScopedContextCell();

  ContextCell& cell() const { return *cell_; }

  // Puts `successor` in the place of `cell`, wherever that is in force on this
  // thread or will be again.
  static void Replace(const ContextCell& cell, ContextCell& successor);

 private:
  ContextCell* cell_;
  ScopedContextCell* const outer_;
};

// Null: the root is in force.
extern constinit thread_local ScopedContextCell* innermost_context_scope;

inline ScopedContextCell::ScopedContextCell(ContextCell& cell)
    : cell_(&cell), outer_(std::exchange(innermost_context_scope, this)) {}
inline ScopedContextCell::~ScopedContextCell() {
  innermost_context_scope = outer_;
}

inline ContextCell& CurrentContextCell() {
  const ScopedContextCell* const scope = innermost_context_scope;
  return scope == nullptr ? root_context_cell : scope->cell();
}

// A context that has an identity: the cell behind `Context` objects.
class ContextState : public ContextCell {
 public:
  void Ref() { references_.fetch_add(1, std::memory_order_relaxed); }
  void Unref() {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) Delete();
  }

 private:
  void Delete();

  std::atomic<uint32_t> references_{1};
};

// The variable's key, and the current context's values by it.
uint64_t NewContextVariable();
void SetCurrentContextValue(uint64_t variable, ContextValues::Value value);

class ContextSlot;

}  // namespace loop_internal

// A set of variables with an identity. Copying a `Context` object gives another
// reference to the same context, as in Python; `Copy()` makes a new one with
// the same values, in O(1). Belongs to one thread at a time; handing it to
// another thread is for the user to synchronise.
class Context {
 public:
  // A new context in which no variable is set.
  Context() : state_(new loop_internal::ContextState()) {}
  Context(const Context& other) : state_(other.state_) { state_->Ref(); }
  Context& operator=(const Context& other) {
    other.state_->Ref();
    std::exchange(state_, other.state_)->Unref();
    return *this;
  }
  ~Context() { state_->Unref(); }

  // A new context with the values that are current on this thread.
  static Context CopyCurrent();

  // A new context with this one's values.
  Context Copy() const;

  // Calls `function` in this very context, and returns what it returns: values
  // that it sets stay in this context and are not seen outside.
  template <typename F>
  decltype(auto) Run(F&& function) {
    const Context keep_alive = *this;
    loop_internal::ScopedContextCell scope(*state_);
    return std::forward<F>(function)();
  }

  // How many variables are set.
  size_t size() const { return state_->size(); }

  // Whether both refer to the same context.
  friend bool operator==(const Context& a, const Context& b) {
    return a.state_ == b.state_;
  }

 private:
  friend class loop_internal::ContextSlot;

  explicit Context(loop_internal::ContextState* state) : state_(state) {
    state_->Ref();
  }

  loop_internal::ContextState* state_;
};

namespace loop_internal {

// The context of one scheduled callback: a private copy of the values that were
// current, or a context that the user named.
class ContextSlot {
 public:
  ContextSlot() = default;
  ContextSlot(ContextSlot&& other) noexcept { TakeFrom(other); }
  ContextSlot& operator=(ContextSlot&& other) noexcept {
    if (this != &other) {
      Clear();
      TakeFrom(other);
    }
    return *this;
  }
  ~ContextSlot() { Clear(); }

  // Requires that it is empty.
  void CopyCurrent() { copied_.TakeCopy(CurrentContextCell()); }
  void Use(const Context& context) {
    context.state_->Ref();
    Clear();
    named_ = context.state_;
  }
  void Clear() {
    copied_.Clear();
    if (named_ != nullptr) std::exchange(named_, nullptr)->Unref();
  }
  bool empty() const { return copied_.empty() && named_ == nullptr; }
  // The cell to put in force around the callback.
  ContextCell& cell() { return named_ == nullptr ? copied_ : *named_; }
  // The context as an object; made of the private copy when first asked for,
  // also while that is in force.
  Context context();

 private:
  void TakeFrom(ContextSlot& other) {
    copied_.CopyFrom(other.copied_);
    other.copied_.Clear();
    named_ = std::exchange(other.named_, nullptr);
  }

  ContextCell copied_;
  ContextState* named_ = nullptr;
};

}  // namespace loop_internal

// One variable. Make it with static storage: each object is a variable of its
// own, and the values of a destroyed one stay in the contexts that have them.
// T is copyable. Thread-safe: what it reads and writes is the calling thread's
// current context.
template <typename T>
class ContextVar {
 public:
  // What `Set()` replaced, for `Reset()`.
  class Token {
   private:
    friend class ContextVar;
    explicit Token(loop_internal::ContextValues::Value previous)
        : previous_(std::move(previous)) {}
    loop_internal::ContextValues::Value previous_;  // Null: it was not set.
  };

  explicit ContextVar(absl::string_view name)
      : name_(name), id_(loop_internal::NewContextVariable()) {}
  ContextVar(absl::string_view name, T default_value)
      : name_(name),
        id_(loop_internal::NewContextVariable()),
        default_(std::move(default_value)) {}
  ContextVar(const ContextVar&) = delete;
  ContextVar& operator=(const ContextVar&) = delete;

  const std::string& name() const { return name_; }

  // The value in the current context; else the default, if there is one; else
  // nothing.
  std::optional<T> Get() const {
    const auto* const value = loop_internal::CurrentContextCell().Find(id_);
    if (value == nullptr) return default_;
    return *static_cast<const T*>(value->get());
  }

  // Sets it in the current context. Copies made before do not see it.
  Token Set(T value) const {
    const auto* const previous = loop_internal::CurrentContextCell().Find(id_);
    Token token(previous == nullptr ? nullptr : *previous);
    loop_internal::SetCurrentContextValue(
        id_, std::make_shared<const T>(std::move(value)));
    return token;
  }

  // Puts back, in the current context, what the `Set()` that gave `token`
  // replaced.
  void Reset(const Token& token) const {
    loop_internal::SetCurrentContextValue(id_, token.previous_);
  }

 private:
  const std::string name_;
  const uint64_t id_;
  const std::optional<T> default_;
};

}  // namespace evkit

#endif  // EVKIT_LOOP_CONTEXT_H_

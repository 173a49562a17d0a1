// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Lets a function that calls back notice that its object has been destroyed
// meanwhile.

#ifndef EVKIT_SUBPROCESS_INTERNAL_DISPATCH_SCOPE_H_
#define EVKIT_SUBPROCESS_INTERNAL_DISPATCH_SCOPE_H_

namespace evkit::subprocess_internal {

// One per running Dispatch(), linked from a member of the object: `innermost`.
class DispatchScope {
 public:
  explicit DispatchScope(DispatchScope*& innermost)
      : innermost_(innermost), outer_(innermost) {
    innermost = this;
  }
  DispatchScope(const DispatchScope&) = delete;
  DispatchScope& operator=(const DispatchScope&) = delete;
  ~DispatchScope() {
    if (!destroyed_) innermost_ = outer_;
  }

  // For the object's destructor.
  static void ObjectDestroyed(DispatchScope* innermost) {
    for (; innermost != nullptr; innermost = innermost->outer_) {
      innermost->destroyed_ = true;
    }
  }

  // If so, the object must not be touched any more.
  bool object_destroyed() const { return destroyed_; }

 private:
  DispatchScope*& innermost_;
  DispatchScope* const outer_;
  bool destroyed_ = false;
};

}  // namespace evkit::subprocess_internal

#endif  // EVKIT_SUBPROCESS_INTERNAL_DISPATCH_SCOPE_H_

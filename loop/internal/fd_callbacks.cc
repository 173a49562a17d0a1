// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/internal/fd_callbacks.h"

#include <cerrno>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "evkit/base/errno_status.h"

namespace evkit::loop_internal {

absl::Status FdCallbacks::Add(int fd, Interest direction, HandleNode& node) {
  if (fd < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("invalid file descriptor ", fd));
  }
  const size_t index = static_cast<size_t>(fd);
  if (index < slots_.size() && Any(slots_[index].interest())) {
    return AddToWatched(fd, direction, node);
  }
  absl::Status status =
      selector_.Register(fd, direction, static_cast<uint64_t>(fd));
  if (!status.ok()) return status;
  if (index >= slots_.size()) {
    absl::Cleanup unwatch = [&] { (void)selector_.Unregister(fd); };
    slots_.resize(index + index / 2 + 16);
    std::move(unwatch).Cancel();
  }
  node.Ref();
  slots_[index].For(direction) = &node;
  ++watched_;
  return status;
}

// Add() for a descriptor that has a callback already.
absl::Status FdCallbacks::AddToWatched(int fd, Interest direction,
                                       HandleNode& node) {
  const size_t index = static_cast<size_t>(fd);
  bool is_new_file = false;
  const absl::Status status =
      Watch(fd, slots_[index].interest(), direction, is_new_file);
  // Dropping callbacks may run user code, which may come back here: the slot is
  // brought up to date first, and not touched afterwards.
  Slot& slot = slots_[index];
  HandleNode* dropped_reader = nullptr;
  HandleNode* dropped_writer = nullptr;
  if (is_new_file) {
    dropped_reader = std::exchange(slot.reader, nullptr);
    dropped_writer = std::exchange(slot.writer, nullptr);
  }
  if (status.ok()) {
    node.Ref();
    HandleNode* const old = std::exchange(slot.For(direction), &node);
    if (old != nullptr) {
      (direction == Interest::kRead ? dropped_reader : dropped_writer) = old;
    }
  }
  if (!Any(slot.interest())) --watched_;
  Drop(dropped_reader);
  Drop(dropped_writer);
  return status;
}

// Makes the selector watch `fd` for `direction` too. Sets `is_new_file` if what
// was registered under this number is gone, because the descriptor was closed.
absl::Status FdCallbacks::Watch(int fd, Interest registered, Interest direction,
                                bool& is_new_file) {
  const uint64_t token = static_cast<uint64_t>(fd);
  // Taking a callback's place changes nothing for the selector; it is told
  // something else and back all the same, for then it finds out whether this
  // number has become another file since.
  absl::Status status = absl::OkStatus();
  if (Includes(registered, direction)) {
    const Interest other = registered == direction ? Interest::kReadWrite
                                                   : registered & ~direction;
    status = selector_.Modify(fd, other, token);
  }
  if (status.ok()) {
    status = selector_.Modify(fd, registered | direction, token);
  }
  // After an error of the system the selector has let go of it.
  if (status.ok() || ErrnoFromStatus(status) == 0) return status;
  is_new_file = true;
  if (ErrnoFromStatus(status) != ENOENT) return status;
  return selector_.Register(fd, direction, token);
}

bool FdCallbacks::Remove(int fd, Interest direction) {
  if (fd < 0 || static_cast<size_t>(fd) >= slots_.size()) return false;
  Slot& slot = slots_[static_cast<size_t>(fd)];
  HandleNode* removed = std::exchange(slot.For(direction), nullptr);
  if (removed == nullptr) return false;
  HandleNode* also_gone = nullptr;
  if (slot.interest() == Interest::kNone) {
    --watched_;
    // The only possible error, not registered, is what was asked for.
    (void)selector_.Unregister(fd);
  } else if (!selector_.Modify(fd, slot.interest(), static_cast<uint64_t>(fd))
                  .ok()) {
    // The descriptor was closed meanwhile, and the selector has let go of it:
    // the other direction's callback has nothing to wait for either.
    also_gone = std::exchange(
        slot.reader != nullptr ? slot.reader : slot.writer, nullptr);
    --watched_;
  }
  Drop(removed);
  Drop(also_gone);
  return true;
}

bool FdCallbacks::Forget(int fd) {
  if (fd < 0 || static_cast<size_t>(fd) >= slots_.size()) return false;
  Slot& slot = slots_[static_cast<size_t>(fd)];
  if (slot.interest() == Interest::kNone) return false;
  HandleNode* reader = std::exchange(slot.reader, nullptr);
  HandleNode* writer = std::exchange(slot.writer, nullptr);
  --watched_;
  // The only possible error, not registered, is what was asked for.
  (void)selector_.Forget(fd);
  Drop(reader);
  Drop(writer);
  return true;
}

void FdCallbacks::Clear() {
  watched_ = 0;
  std::vector<Slot> slots = std::move(slots_);
  slots_.clear();
  for (Slot& slot : slots) {
    Drop(slot.reader);
    Drop(slot.writer);
  }
}

void FdCallbacks::Drop(HandleNode*& node) {
  if (node == nullptr) return;
  HandleNode* const dropped = std::exchange(node, nullptr);
  dropped->Cancel();
  dropped->Unref();
}

}  // namespace evkit::loop_internal

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
  ForgetRest(fd);
  return AddNode(fd, direction, node);
}

absl::Status FdCallbacks::AddNode(int fd, Interest direction,
                                  HandleNode& node) {
  const size_t index = static_cast<size_t>(fd);
  const Interest registered =
      index < slots_.size() ? slots_[index].interest() : Interest::kNone;

  bool is_new_file = false;
  const absl::Status status = Register(fd, registered, direction, is_new_file);
  if (index >= slots_.size()) {
    if (!status.ok()) return status;
    absl::Cleanup unwatch = [&] { (void)selector_.Unregister(fd); };
    slots_.resize(index + index / 2 + 16);
    std::move(unwatch).Cancel();
  }
  // Dropping callbacks may run user code, which may come back here: the slot is
  // brought up to date first, and not touched afterwards.
  Slot& slot = slots_[index];
  HandleNode* dropped_reader = nullptr;
  HandleNode* dropped_writer = nullptr;
  const bool was_empty = slot.interest() == Interest::kNone;
  if (is_new_file) {
    slot.waits = Interest::kNone;
    dropped_reader = std::exchange(slot.reader, nullptr);
    dropped_writer = std::exchange(slot.writer, nullptr);
  }
  if (status.ok()) {
    slot.waits &= ~direction;
    node.Ref();
    HandleNode* const old = std::exchange(slot.For(direction), &node);
    if (old != nullptr) {
      (direction == Interest::kRead ? dropped_reader : dropped_writer) = old;
    }
  }
  const bool is_empty = slot.interest() == Interest::kNone;
  if (was_empty && !is_empty) ++watched_;
  if (!was_empty && is_empty) --watched_;
  Drop(dropped_reader);
  Drop(dropped_writer);
  return status;
}

// Makes the selector watch `fd` for `direction` too. Sets `is_new_file` if what
// was registered under this number is gone, because the descriptor was closed.
absl::Status FdCallbacks::Register(int fd, Interest registered,
                                   Interest direction, bool& is_new_file) {
  const uint64_t token = static_cast<uint64_t>(fd);
  if (registered == Interest::kNone) {
    return selector_.Register(fd, direction, token);
  }
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

absl::Status FdCallbacks::AddWait(int fd, uint32_t file, Interest direction,
                                  FdWaiter& waiter) {
  const bool same_file = fd >= 0 && static_cast<size_t>(fd) < slots_.size() &&
                         slots_[static_cast<size_t>(fd)].file == file;
  FdWaitNode& node = *new FdWaitNode();
  const absl::Cleanup unref = [&node] { node.Unref(); };
  node.Arm(waiter);
  const absl::Status status =
      same_file ? AddNode(fd, direction, node) : Add(fd, direction, node);
  if (!status.ok() || static_cast<size_t>(fd) >= slots_.size()) return status;
  Slot& slot = slots_[static_cast<size_t>(fd)];
  // Whatever was dropped may have brought about something else.
  if (slot.For(direction) != &node) return status;
  slot.waits |= direction;
  slot.file = file;
  return status;
}

// What is at rest may be of a file that had this number before, so nothing is
// made of it.
void FdCallbacks::ForgetRest(int fd) {
  if (static_cast<size_t>(fd) < slots_.size() &&
      slots_[static_cast<size_t>(fd)].at_rest()) {
    Forget(fd);
  }
}

bool FdCallbacks::Remove(int fd, Interest direction) {
  if (fd < 0 || static_cast<size_t>(fd) >= slots_.size()) return false;
  Slot& slot = slots_[static_cast<size_t>(fd)];
  HandleNode* removed = std::exchange(slot.For(direction), nullptr);
  if (removed == nullptr) return false;
  const bool at_rest = Any(slot.waits & direction) && removed->cancelled();
  slot.waits &= ~direction;
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
    slot.waits = Interest::kNone;
    --watched_;
  }
  Drop(removed);
  Drop(also_gone);
  return !at_rest;
}

bool FdCallbacks::Forget(int fd) {
  if (fd < 0 || static_cast<size_t>(fd) >= slots_.size()) return false;
  Slot& slot = slots_[static_cast<size_t>(fd)];
  if (slot.interest() == Interest::kNone) return false;
  const bool at_rest = slot.at_rest();
  slot.waits = Interest::kNone;
  HandleNode* reader = std::exchange(slot.reader, nullptr);
  HandleNode* writer = std::exchange(slot.writer, nullptr);
  --watched_;
  // The only possible error, not registered, is what was asked for.
  (void)selector_.Forget(fd);
  Drop(reader);
  Drop(writer);
  return !at_rest;
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

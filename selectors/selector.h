// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Which file descriptors are ready? The interface; the implementations are in
// the headers beside it.
//
// A selector keeps descriptors, what is wanted of each, and a number of the
// caller's; asked, it waits and says which are ready. It holds no callbacks,
// knows no event loop and owns none of the descriptors.
//
//   absl::StatusOr<std::unique_ptr<Selector>> selector = NewDefaultSelector();
//   absl::Status status = (*selector)->Register(fd, Interest::kRead, token);
//   std::vector<ReadyEvent> events;               // keep it: no allocation
//   then while ((*selector)->Select(absl::Seconds(5), events).ok()) {
//     for (const ReadyEvent& event : events) { ... event.token ... }
//   }
//
// Readiness is a state, not an edge: a descriptor is reported by every
// `Select()` until what made it ready is gone. It is also a hint: another
// reader of the same pipe may have been faster, so use non-blocking
// descriptors and be ready for EAGAIN. A selector does not touch O_NONBLOCK.
//
// Order of closing: `Unregister(fd)`, then close(fd). From then on the number
// may come back as another file and be registered anew, and nothing of the old
// one is ever reported for it. (The other order works too, at a price: see
// docs/selectors.md.) Events that `Select()` has already handed out are the
// caller's: if handling one of them unregisters another descriptor of the same
// batch, compare tokens, and give each registration a token of its own.

#ifndef EVKIT_SELECTORS_SELECTOR_H_
#define EVKIT_SELECTORS_SELECTOR_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace evkit {

// What is wanted of a descriptor, or what it is ready for: a set of two.
enum class Interest : uint8_t {
  kNone = 0,
  kRead = 1,
  kWrite = 2,
  kReadWrite = 3,
};

constexpr Interest operator|(Interest a, Interest b) {
  return static_cast<Interest>(static_cast<uint8_t>(a) |
                               static_cast<uint8_t>(b));
}
constexpr Interest operator&(Interest a, Interest b) {
  return static_cast<Interest>(static_cast<uint8_t>(a) &
                               static_cast<uint8_t>(b));
}
// Everything that is not in `a`.
constexpr Interest operator~(Interest a) {
  return static_cast<Interest>(static_cast<uint8_t>(Interest::kReadWrite) &
                               ~static_cast<unsigned>(a));
}
constexpr Interest& operator|=(Interest& a, Interest b) { return a = a | b; }
constexpr Interest& operator&=(Interest& a, Interest b) { return a = a & b; }

// Whether the set is not empty.
constexpr bool Any(Interest interest) { return interest != Interest::kNone; }

// Whether all of `part` is in `interest`.
constexpr bool Includes(Interest interest, Interest part) {
  return (interest & part) == part;
}

// One descriptor that is ready.
struct ReadyEvent {
  ReadyEvent() = default;
  ReadyEvent(int ready_fd, Interest ready_for, uint64_t its_token)
      : fd(ready_fd), ready(ready_for), token(its_token) {}

  friend bool operator==(const ReadyEvent&, const ReadyEvent&) = default;

  int fd = -1;
  Interest ready =
      Interest::kNone;  // A part of what was registered, not empty.
  uint64_t token = 0;   // That of the latest Register or Modify.
};

// One registration.
struct SelectorKey {
  SelectorKey() = default;
  SelectorKey(int its_fd, Interest its_interest, uint64_t its_token)
      : fd(its_fd), interest(its_interest), token(its_token) {}

  friend bool operator==(const SelectorKey&, const SelectorKey&) = default;

  int fd = -1;
  Interest interest = Interest::kNone;
  uint64_t token = 0;
};

// Not thread-safe: belongs to one thread, which may be woken by a WakeupFd that
// it has registered. After fork(2) the child may only destroy it.
class Selector {
 public:
  Selector() = default;
  Selector(const Selector&) = delete;
  Selector& operator=(const Selector&) = delete;
  // Releases what `Close()` releases. Registered descriptors stay open.
  virtual ~Selector() = default;

  // Starts watching `fd` for `interest`. `fd` is borrowed; `token` comes back
  // with each of its events. Fails with
  //   kInvalidArgument    `fd` is negative, `interest` is empty, or the
  //   selector
  //                       can never watch this number (SelectSelector)
  //   kAlreadyExists      `fd` is registered
  //   kFailedPrecondition the selector is closed, or (EBADF) `fd` is not open
  //   and as the system refuses: EPERM (epoll and a regular file), ENOMEM,
  //   ENOSPC (fs.epoll.max_user_watches).
  // After a failure nothing is registered that was not before.
  virtual absl::Status Register(int fd, Interest interest, uint64_t token) = 0;

  // Changes what `fd` is watched for, and its token; if only the token changes,
  // without a system call. kNotFound if `fd` is not registered;
  // kInvalidArgument if `interest` is empty (unregister it instead), with
  // nothing changed. If the system refuses (`ErrnoFromStatus()` != 0), `fd` is
  // not registered any more.
  virtual absl::Status Modify(int fd, Interest interest, uint64_t token) = 0;

  // Stops watching `fd` at once and returns what was registered: no later
  // `Select()` reports it. That `fd` was closed meanwhile is no error.
  // kNotFound if `fd` is not registered.
  virtual absl::StatusOr<SelectorKey> Unregister(int fd) = 0;

  // The same for the owner of `fd` who closes it right afterwards, and knows of
  // no other descriptor of its file: the kernel forgets a file with its last
  // descriptor, so EpollSelector makes no system call. If there is another one
  // after all (a duplicate, a copy in a forked child), nothing wrong is ever
  // reported, but `Select()` pays once for getting rid of the file (see
  // docs/selectors.md). `Unregister()`, unless a selector can do better.
  virtual absl::StatusOr<SelectorKey> Forget(int fd) { return Unregister(fd); }

  // What is registered for `fd`. kNotFound if nothing is.
  virtual absl::StatusOr<SelectorKey> GetKey(int fd) const = 0;

  // All registrations, by ascending descriptor; none after `Close()`.
  virtual std::vector<SelectorKey> GetKeys() const = 0;

  // How many descriptors are registered; 0 after `Close()`.
  virtual size_t size() const = 0;

  // Clears `events`, waits until a registered descriptor is ready or `timeout`
  // is over, and appends one event for each ready descriptor: at least one, and
  // others by and by if there are very many, none of them passed over for good.
  //
  // `timeout`: absl::InfiniteDuration() waits for ever, zero and less do not
  // wait; anything else waits at least that long, to the nanosecond where the
  // kernel can, else rounded up. An interrupting signal (EINTR) is no error and
  // the wait goes on for what is left of it.
  //
  // Errors and hang-ups of a descriptor count as readable and writable, within
  // what was registered: read or write to learn more. A descriptor that was
  // closed while registered is not reported (EpollSelector) or reported once
  // (the others), and then no more; it stays registered until `Unregister()`.
  virtual absl::Status Select(absl::Duration timeout,
                              std::vector<ReadyEvent>& events) = 0;

  // Forgets all registrations and releases what the selector owns. Later calls
  // fail with kFailedPrecondition, but for `Close()`, which does nothing then,
  // `GetKeys()` and `size()`.
  virtual void Close() = 0;
};

}  // namespace evkit

#endif  // EVKIT_SELECTORS_SELECTOR_H_

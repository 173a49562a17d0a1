// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// A selector for tests: the test says which descriptors are ready, and what
// happens while there is nothing to do.
//
//   FakeClock clock;
//   FakeSelector selector;
//   selector.SetSleepHook([&](absl::Duration d) { clock.AdvanceBy(d); });
//   selector.Register(7, Interest::kRead, 1);     // need not exist
//   selector.SetReady(7, Interest::kRead);
//   selector.Select(absl::Hours(1), events);      // reports fd 7 at once
//   selector.ClearReady(7);
//   selector.Select(absl::Hours(1), events);      // "sleeps": moves the clock
//
// It makes no system call, unless it is told to look at real descriptors too.

#ifndef EVKIT_SELECTORS_FAKE_SELECTOR_H_
#define EVKIT_SELECTORS_FAKE_SELECTOR_H_

#include <poll.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "evkit/selectors/selector.h"

namespace evkit {

class FakeSelector final : public Selector {
 public:
  using SleepHook = absl::AnyInvocable<void(absl::Duration timeout)>;
  using EventOrder = absl::AnyInvocable<void(std::vector<ReadyEvent>& events)>;

  FakeSelector() = default;

  // Takes any number as a descriptor; otherwise as documented.
  absl::Status Register(int fd, Interest interest, uint64_t token) override;
  absl::Status Modify(int fd, Interest interest, uint64_t token) override;
  absl::StatusOr<SelectorKey> Unregister(int fd) override;
  absl::StatusOr<SelectorKey> GetKey(int fd) const override;
  std::vector<SelectorKey> GetKeys() const override;
  size_t size() const override { return registered_.size(); }

  // Never blocks. If nothing is ready and `timeout` > 0, calls the sleep hook,
  // looks once more, and returns what is ready then, be it nothing. Events come
  // by ascending descriptor, unless the test orders them.
  absl::Status Select(absl::Duration timeout,
                      std::vector<ReadyEvent>& events) override;
  void Close() override;

  // `fd` is ready for `ready`, and for nothing else, until said otherwise.
  // Belongs to the number: it may be said before `fd` is registered, and
  // outlasts `Unregister()`.
  void SetReady(int fd, Interest ready);
  // The same as SetReady(fd, Interest::kNone).
  void ClearReady(int fd) { SetReady(fd, Interest::kNone); }

  // What a wait does, instead of waiting: move a fake clock by `timeout`
  // (absl::InfiniteDuration() if only an event can end it), make something
  // ready, end the test. It may call anything here but `Select()` and
  // `SetSleepHook()`. Without a hook a finite wait is over at once, and an
  // infinite one, which could never end, is a bug in the test (checked).
  void SetSleepHook(SleepHook hook) { sleep_hook_ = std::move(hook); }

  // Called with the events that `Select()` is about to report, to put them in
  // another order (seeded, to find hidden dependence on it).
  void SetEventOrder(EventOrder order) { event_order_ = std::move(order); }

  // Whether to look at the registered descriptors with poll(2) too, so that
  // real pipes, wake-up descriptors and pidfds work under a fake clock. What
  // the test says with `SetReady()` is added to that. Let invented numbers be
  // above the real ones then.
  void SetPollRealDescriptors(bool poll) { poll_real_descriptors_ = poll; }

  // Blocks until a registered descriptor is really ready, or `timeout` of real
  // time is over; returns whether one is. For a sleep hook that must wait for
  // the world: a child process, a thread.
  bool WaitForRealDescriptors(absl::Duration timeout);

  // How often each was called, with success or without.
  int register_count() const { return register_count_; }
  int modify_count() const { return modify_count_; }
  int unregister_count() const { return unregister_count_; }
  int select_count() const { return select_count_; }
  // That of the latest `Select()`.
  absl::Duration last_timeout() const { return last_timeout_; }

 private:
  struct Registration {
    Interest interest;
    uint64_t token;
  };

  absl::Status CheckOpen() const;
  absl::Status CheckKnown(int fd) const;
  void Collect(std::vector<ReadyEvent>& events);

  std::map<int, Registration> registered_;
  std::map<int, Interest> ready_;
  std::vector<pollfd> poll_fds_;  // One per registration, in the same order.
  SleepHook sleep_hook_;
  EventOrder event_order_;
  bool poll_real_descriptors_ = false;
  bool selecting_ = false;
  bool closed_ = false;
  int register_count_ = 0;
  int modify_count_ = 0;
  int unregister_count_ = 0;
  int select_count_ = 0;
  absl::Duration last_timeout_;
};

}  // namespace evkit

#endif  // EVKIT_SELECTORS_FAKE_SELECTOR_H_

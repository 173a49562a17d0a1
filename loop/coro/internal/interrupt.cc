// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/coro/internal/interrupt.h"

#include <signal.h>
#include <sys/types.h>

#include <atomic>
#include <cerrno>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "evkit/base/syscalls.h"
#include "evkit/base/wakeup_fd.h"
#include "evkit/loop/context.h"

namespace evkit::loop_internal {
namespace {

// What the handler and the run have in common. One for the process, since runs
// of its main thread come one after the other; never freed, since a handler may
// be suspended on another thread for as long as it likes.
class Interrupt {
 public:
  enum class State { kNobodyWaits, kArmed, kCame };

  static Interrupt& Get() {
    static Interrupt* const interrupt = new Interrupt();
    return *interrupt;
  }

  // Makes the descriptor, if there is none or it is the parent process's.
  bool Prepare() {
    state = State::kNobodyWaits;
    const pid_t pid = sys::getpid();
    if (wakeup.has_value() && owner == pid) return true;
    absl::StatusOr<WakeupFd> made = WakeupFd::Create();
    if (!made.ok()) return false;
    wakeup = *std::move(made);
    owner = pid;
    return true;
  }

  std::optional<WakeupFd> wakeup;
  std::atomic<pid_t> owner{0};
  std::atomic<State> state{State::kNobodyWaits};
};

// Async-signal-safe: getpid(2), write(2) and kill(2). With the default action
// restored, the signal sent again ends the process when this returns: in a
// forked child, which has inherited the handler and nothing to cancel; when
// nobody waits (any more); and the second time.
void OnInterrupt(int signal) {
  const int saved_errno = errno;
  Interrupt& interrupt = Interrupt::Get();
  Interrupt::State expected = Interrupt::State::kArmed;
  if (interrupt.owner == sys::getpid() &&
      interrupt.state.compare_exchange_strong(expected,
                                              Interrupt::State::kCame)) {
    (void)interrupt.wakeup->Wake();
  } else {
    sys::kill(sys::getpid(), signal);
  }
  errno = saved_errno;
}

// By the address alone, as the kernel decides: what SA_RESETHAND has restored
// still has the flags of the handler that was there.
bool IsOurs(const struct sigaction& action) {
  return action.sa_handler == &OnInterrupt;
}

bool IsDefault(const struct sigaction& action) {
  return action.sa_handler == SIG_DFL;
}

}  // namespace

ScopedInterrupt::ScopedInterrupt(AbstractEventLoop& loop, const AnyTask& main)
    : loop_(loop), main_(main) {
  installed_ = Install();
}

bool ScopedInterrupt::Install() {
  if (sys::gettid() != sys::getpid()) return false;
  struct sigaction current;
  if (sys::sigaction(SIGINT, nullptr, &current) != 0) return false;
  // Ours: left by a parent process, or put back by whoever replaced it.
  if (!IsDefault(current) && !IsOurs(current)) return false;
  Interrupt& interrupt = Interrupt::Get();
  if (!interrupt.Prepare()) return false;
  const int fd = interrupt.wakeup->fd();
  const absl::Status added = Context().Run(
      [&] { return loop_.AddReader(fd, [this] { OnReadable(); }); });
  if (!added.ok()) return false;
  interrupt.state = Interrupt::State::kArmed;
  struct sigaction ours = {};
  ours.sa_handler = &OnInterrupt;
  ours.sa_flags = SA_RESETHAND | SA_RESTART;
  sigemptyset(&ours.sa_mask);
  if (sys::sigaction(SIGINT, &ours, nullptr) == 0) return true;
  interrupt.state = Interrupt::State::kNobodyWaits;
  loop_.RemoveReader(fd);
  return false;
}

void ScopedInterrupt::OnReadable() {
  Interrupt& interrupt = Interrupt::Get();
  (void)interrupt.wakeup->Dispatch();
  // Otherwise it was meant for an earlier run.
  if (interrupt.state != Interrupt::State::kCame) return;
  cancelled_main_ = main_.Cancel("interrupted by SIGINT");
  loop_.RemoveReader(interrupt.wakeup->fd());
}

ScopedInterrupt::~ScopedInterrupt() {
  if (!installed_) return;
  Interrupt& interrupt = Interrupt::Get();
  struct sigaction current;
  if (sys::sigaction(SIGINT, nullptr, &current) == 0 && IsOurs(current)) {
    struct sigaction by_default = {};
    by_default.sa_handler = SIG_DFL;
    sigemptyset(&by_default.sa_mask);
    sys::sigaction(SIGINT, &by_default, nullptr);
  }
  const bool came = interrupt.state.exchange(Interrupt::State::kNobodyWaits) ==
                    Interrupt::State::kCame;
  loop_.RemoveReader(interrupt.wakeup->fd());
  (void)interrupt.wakeup->Dispatch();
  if (came && !cancelled_main_) sys::kill(sys::getpid(), SIGINT);
}

bool ScopedInterrupt::CancelledMain() {
  return cancelled_main_ && main_.cancelled() && main_.Uncancel() == 0;
}

}  // namespace evkit::loop_internal

// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// evkit. Its cases with coroutines are in evkit_coroutines.cc, and what debug
// mode and its like cost in evkit_safety.cc.

#include <unistd.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "evkit/bench/micro/evkit_cases.h"
#include "evkit/bench/micro/micro.h"
#include "evkit/bench/micro/posting.h"
#include "evkit/bench/net/command_line.h"
#include "evkit/loop/default_event_loop.h"
#include "evkit/loop/event_loop.h"
#include "evkit/loop/timer/timer.h"
#include "evkit/subprocess/exit_status.h"
#include "evkit/subprocess/spawn.h"
#include "evkit/timers/clock.h"

namespace evkit {
namespace {

std::unique_ptr<EventLoop> NewLoop() { return NewMeasuredLoop(EvkitOptions()); }

void CbChain(Meter& meter, Polls polls) {
  EventLoopOptions options = EvkitOptions();
  if (polls == Polls::kSeldom) options.event_interval = kSeldomPoll;
  const auto loop = NewMeasuredLoop(std::move(options));
  if (polls != Polls::kNever) {
    CheckOk(loop->AddReader(NewEventFd(false), [] {}));
  }
  MeasureChain(meter, *loop);
}

void CbBurst(Meter& meter) { MeasureBurst(meter, *NewLoop()); }

void Wake(Meter& meter, Posts what) {
  const auto loop = NewLoop();
  Arrivals arrived = 0;
  MeasurePosts(
      meter, what, arrived,
      [&] {
        CheckOk(loop->CallSoonThreadsafe([&arrived] { CountUp(arrived); }));
      },
      [&] { CheckOk(loop->RunForever()); },
      [&] { CheckOk(loop->CallSoonThreadsafe([&] { loop->Stop(); })); });
}

// As libuv's and libev's programs, these keep what stands for a timer, and
// count from a time that was read once.
MonotonicTime After(MonotonicTime now, int64_t milliseconds) {
  return MonotonicTime::FromNanos(now.ToNanos() + milliseconds * 1'000'000);
}

using Timers = std::vector<std::optional<Timer>>;

Timers NewTimers(EventLoop& loop, int64_t count) {
  Timers timers(static_cast<size_t>(count));
  for (std::optional<Timer>& timer : timers) timer.emplace(loop, [] {});
  return timers;
}

void StartAll(Timers& timers, MonotonicTime now) {
  Random delays(kDelaysMs);
  for (std::optional<Timer>& timer : timers) {
    timer->StartAt(After(now, kMinDelayMs + delays.Next()));
  }
}

void TimerInsCancel(Meter& meter, int64_t pending) {
  const auto loop = NewLoop();
  const MonotonicTime now = loop->Time();
  Random delays(kDelaysMs);
  Timers others = NewTimers(*loop, meter.Scaled(pending));
  StartAll(others, now);
  Timer one(*loop, [&loop] { Keep(&loop); });
  meter.Run(kStarted, [&] {
    for (int64_t i = 0; i < kStarted; ++i) {
      one.StartAt(After(now, kMinDelayMs + delays.Next()));
      one.Stop();
    }
  });
}

void TimerRearm(Meter& meter, int64_t pending) {
  const auto loop = NewLoop();
  const MonotonicTime now = loop->Time();
  const int64_t count = meter.Scaled(pending);
  Random choices(count);
  Timers timers = NewTimers(*loop, count);
  StartAll(timers, now);
  int64_t later = kMinDelayMs + kDelaysMs;
  meter.Run(kRearmed, [&] {
    ++later;
    for (int64_t i = 0; i < kRearmed; ++i) {
      timers[static_cast<size_t>(choices.Next())]->StartAt(After(now, later));
    }
  });
}

void TimerFire(Meter& meter) {
  const auto loop = NewLoop();
  const int64_t count = meter.Scaled(kFired);
  Random delays(kFireWithinMs);
  int64_t left = 0;
  Timers timers(static_cast<size_t>(count));
  for (std::optional<Timer>& timer : timers) {
    timer.emplace(*loop, [&left, &loop] {
      if (--left == 0) loop->Stop();
    });
  }
  meter.Run(count, [&] {
    left = count;
    const MonotonicTime now = loop->Time();
    for (std::optional<Timer>& timer : timers) {
      timer->StartAt(After(now, delays.Next()));
    }
    CheckOk(loop->RunForever());
  });
}

// A closure and a handle each, and a look at the clock.
void TimerCallLater(Meter& meter, int64_t pending) {
  const auto loop = NewLoop();
  Random delays(kDelaysMs);
  const auto delay = [&] {
    return absl::Milliseconds(kMinDelayMs + delays.Next());
  };
  for (int64_t i = meter.Scaled(pending); i > 0; --i) {
    loop->CallLater(delay(), [] {});
  }
  meter.Run(kStarted, [&] {
    for (int64_t i = 0; i < kStarted; ++i) {
      loop->CallLater(delay(), [&loop] { Keep(&loop); }).Cancel();
    }
  });
}

void SpawnSmall(Meter& meter) {
  const auto loop = NewLoop();
  SpawnOptions options;
  options.argv = {kChild};
  meter.Run(kSpawned, [&] {
    for (int64_t i = 0; i < kSpawned; ++i) {
      const auto child = Spawn(options);
      CheckOk(child.status());
      CheckOk(loop->WatchSpawnedChild(
          child->pid, child->pidfd.get(),
          [&](pid_t, const ExitStatus&) { loop->Stop(); }));
      CheckOk(loop->RunForever());
    }
  });
}

void ChurnWithoutTurns(Meter& meter) {
  const auto loop = NewLoop();
  const int fd = NewEventFd(false);
  meter.Run(kChurned, [&] {
    for (int64_t i = 0; i < kChurned; ++i) {
      CheckOk(loop->AddReader(fd, [] {}));
      loop->RemoveReader(fd);
    }
  });
}

void ChurnWithTurns(Meter& meter) {
  const auto loop = NewLoop();
  const int fd = NewEventFd(false);
  CheckOk(loop->AddReader(NewEventFd(false), [] {}));
  class Next {
   public:
    Next(EventLoop& loop, int fd, int64_t& turns)
        : loop_(loop), fd_(fd), turns_(turns) {}
    void operator()() const {
      if (turns_ == 0) return loop_.Stop();
      if (--turns_ % 2 == 1) {
        CheckOk(loop_.AddReader(fd_, [] {}));
      } else {
        loop_.RemoveReader(fd_);
      }
      loop_.CallSoon(*this);
    }

   private:
    EventLoop& loop_;
    const int fd_;
    int64_t& turns_;
  };
  int64_t turns = 0;
  meter.Run(kChurned, [&] {
    turns = kChurned * 2;
    loop->CallSoon(Next(*loop, fd, turns));
    CheckOk(loop->RunForever());
  });
}

void FdChurn(Meter& meter, bool with_turns) {
  return with_turns ? ChurnWithTurns(meter) : ChurnWithoutTurns(meter);
}

void FdDispatch(Meter& meter, int64_t count) {
  const auto loop = NewLoop();
  int64_t left = 0;
  for (int64_t i = 0; i < count; ++i) {
    CheckOk(loop->AddReader(NewEventFd(true), [&left, &loop] {
      if (--left == 0) loop->Stop();
    }));
  }
  meter.Run(kDispatched, [&] {
    left = kDispatched;
    CheckOk(loop->RunForever());
  });
}

}  // namespace
}  // namespace evkit

int main(int argc, char** argv) {
  using namespace evkit;
  LoopCases cases;
  cases.cb_chain = CbChain;
  cases.cb_burst = CbBurst;
  cases.wake = Wake;
  cases.timer_ins_cancel = TimerInsCancel;
  cases.timer_rearm = TimerRearm;
  cases.timer_fire = TimerFire;
  cases.timer_call_later = TimerCallLater;
  cases.spawn = SpawnSmall;
  cases.fd_churn = FdChurn;
  cases.fd_dispatch = FdDispatch;
  std::vector<Case> table = TableOf(cases);
  for (Case& more : CoroutineCases()) table.push_back(std::move(more));
  for (Case& more : SafetyCases()) table.push_back(std::move(more));
  return RunMicro(argc, argv, table);
}

// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The limit: by hand, without a library (raw_loop.h, bench/raw_coroutines.h).

#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "evkit/bench/coroutine_sizes.h"
#include "evkit/bench/micro/micro.h"
#include "evkit/bench/micro/posting.h"
#include "evkit/bench/micro/raw_loop.h"
#include "evkit/bench/net/command_line.h"
#include "evkit/bench/raw_coroutines.h"

namespace evkit {
namespace {

void CbChain(Meter& meter, Polls polls) {
  raw::Epoll epoll;
  if (polls != Polls::kNever) epoll.Add(NewEventFd(false), EPOLLIN, 1);
  struct Chain {
    raw::Ring ring;
    int64_t left = 0;
    static void Next(void* object, int64_t) {
      Chain& chain = *static_cast<Chain*>(object);
      if (--chain.left > 0) chain.ring.Push(Next, object, 0);
    }
  } chain;
  meter.Run(kChain, [&] {
    chain.left = kChain;
    chain.ring.Push(Chain::Next, &chain, 0);
    for (int64_t turn = 0; !chain.ring.empty(); ++turn) {
      if (polls == Polls::kEachTurn ||
          (polls == Polls::kSeldom && turn % kSeldomPoll == 0)) {
        Keep(epoll.Wait(0));
      }
      chain.ring.RunBatch();
    }
  });
}

void CbBurst(Meter& meter) {
  raw::Ring ring;
  int64_t sum = 0;
  meter.Run(kBurst, [&] {
    for (int64_t i = 0; i < kBurst; ++i) {
      ring.Push(
          [](void* object, int64_t number) {
            *static_cast<int64_t*>(object) += number;
          },
          &sum, i);
    }
    ring.RunBatch();
  });
  Keep(sum);
}

void Wake(Meter& meter, Posts what) {
  raw::Epoll epoll;
  raw::Mailbox mailbox(epoll);
  Arrivals arrived = 0;
  // As many as can be on their way, over and over.
  std::vector<raw::Mailbox::Node> nodes(2 * kWindow);
  for (raw::Mailbox::Node& node : nodes) {
    node.object = &arrived;
    node.function = [](void* object) {
      CountUp(*static_cast<Arrivals*>(object));
    };
  }
  size_t next = 0;
  bool stopped = false;
  raw::Mailbox::Node stop;
  stop.object = &stopped;
  stop.function = [](void* object) { *static_cast<bool*>(object) = true; };
  MeasurePosts(
      meter, what, arrived,
      [&] { mailbox.Post(&nodes[next++ % nodes.size()]); },
      [&] {
        while (!stopped) mailbox.RunOnce();
      },
      [&] { mailbox.Post(&stop); });
}

// The wheel's time stands still, as it does within a turn of a loop.
void TimerInsCancel(Meter& meter, int64_t pending) {
  const auto wheel = std::make_unique<raw::Wheel>(1'000'000);
  Random delays(kDelaysMs);
  const auto at = [&] { return wheel->now() + kMinDelayMs + delays.Next(); };
  std::vector<raw::Wheel::Timer> others(
      static_cast<size_t>(meter.Scaled(pending)));
  for (raw::Wheel::Timer& timer : others) wheel->Start(timer, at());
  raw::Wheel::Timer timer;
  meter.Run(kStarted, [&] {
    for (int64_t i = 0; i < kStarted; ++i) {
      wheel->Start(timer, at());
      Keep(&timer);
      raw::Wheel::Stop(timer);
    }
  });
}

void TimerRearm(Meter& meter, int64_t pending) {
  const auto wheel = std::make_unique<raw::Wheel>(1'000'000);
  const int64_t count = meter.Scaled(pending);
  Random delays(kDelaysMs);
  Random choices(count);
  std::vector<raw::Wheel::Timer> timers(static_cast<size_t>(count));
  for (raw::Wheel::Timer& timer : timers) {
    wheel->Start(timer, wheel->now() + kMinDelayMs + delays.Next());
  }
  int64_t later = wheel->now() + kMinDelayMs + kDelaysMs;
  meter.Run(kRearmed, [&] {
    ++later;
    for (int64_t i = 0; i < kRearmed; ++i) {
      raw::Wheel::Timer& timer = timers[static_cast<size_t>(choices.Next())];
      raw::Wheel::Stop(timer);
      wheel->Start(timer, later);
    }
  });
}

void TimerFire(Meter& meter) {
  const auto now = [] { return WallNanos() / 1'000'000; };
  const auto wheel = std::make_unique<raw::Wheel>(now());
  raw::Epoll epoll;
  const int64_t count = meter.Scaled(kFired);
  Random delays(kFireWithinMs);
  std::vector<raw::Wheel::Timer> timers(static_cast<size_t>(count));
  meter.Run(count, [&] {
    int64_t left = count;
    wheel->Advance(now(), [](raw::Wheel::Timer&) {});
    for (raw::Wheel::Timer& timer : timers) {
      wheel->Start(timer, wheel->now() + delays.Next());
    }
    while (left > 0) {
      wheel->Advance(now(), [&left](raw::Wheel::Timer&) { --left; });
      if (left > 0) epoll.Wait(1);
    }
  });
}

int ExecChild(void*) {
  char* const arguments[] = {const_cast<char*>(kChild), nullptr};
  execve(kChild, arguments, environ);
  return 127;
}

// No checks, no signals, no descriptors.
void SpawnSmall(Meter& meter) {
  alignas(16) static char stack[32 * 1024];
  meter.Run(kSpawned, [&] {
    for (int64_t i = 0; i < kSpawned; ++i) {
      const int pid = clone(ExecChild, stack + sizeof(stack),
                            CLONE_VM | CLONE_VFORK | SIGCHLD, nullptr);
      siginfo_t info;
      DieIfNegative(
          waitid(P_PID, static_cast<id_t>(DieIfNegative(pid, "clone")), &info,
                 WEXITED),
          "waitid");
    }
  });
}

void FdChurn(Meter& meter, bool with_turns) {
  raw::Epoll epoll;
  const int fd = NewEventFd(false);
  meter.Run(kChurned, [&] {
    for (int64_t i = 0; i < kChurned; ++i) {
      epoll.Add(fd, EPOLLIN, 1);
      if (with_turns) Keep(epoll.Wait(0));
      epoll.Remove(fd);
      if (with_turns) Keep(epoll.Wait(0));
    }
  });
}

void FdDispatch(Meter& meter, int64_t count) {
  raw::Epoll epoll;
  std::vector<int64_t> calls(static_cast<size_t>(count) + 1);
  for (int64_t i = 1; i <= count; ++i) {
    epoll.Add(NewEventFd(true), EPOLLIN, static_cast<uint64_t>(i));
  }
  meter.Run(kDispatched, [&] {
    for (int64_t left = kDispatched; left > 0;) {
      const int ready = epoll.Wait(-1);
      for (int i = 0; i < ready; ++i) ++calls[epoll.event(i).data.u64];
      left -= ready;
    }
  });
  Keep(calls);
}

raw::Coro One(int64_t n) { co_return n; }
raw::Coro Spawn(raw::Loop& loop) {
  for (int64_t i = 0; i < kSpawns; ++i) {
    One(i).Detach(loop);
    if (i % kSpawnsAtOnce == 0) co_await raw::Yield(loop);
  }
  co_return 0;
}
raw::Coro Chain(int64_t depth) {
  if (depth == 0) co_return 0;
  co_return (co_await Chain(depth - 1)) + 1;
}
raw::Coro Chains(raw::Loop&) {
  int64_t sum = 0;
  for (int64_t i = 0; i < kChains; ++i) sum += co_await Chain(kDepth);
  co_return sum;
}
raw::Coro Yields(raw::Loop& loop) {
  for (int64_t i = 0; i < kYields; ++i) co_await raw::Yield(loop);
  co_return 0;
}
raw::Coro Yield(raw::Loop& loop) {
  for (int64_t i = 0; i < kYielding; ++i) Yields(loop).Detach(loop);
  co_return 0;
}
raw::Coro Sleeps(raw::Loop& loop) {
  for (int64_t i = 0; i < kSleeps; ++i) co_await raw::Sleep(loop, kNap);
  co_return 0;
}
raw::Coro SleepMany(raw::Loop& loop) {
  for (int64_t i = 0; i < kSleepers; ++i) Sleeps(loop).Detach(loop);
  co_return 0;
}

Case CoroutineCase(const char* name, int64_t count,
                   raw::Coro (*main)(raw::Loop&)) {
  return Case(name, [count, main](Meter& meter) {
    raw::Loop loop;
    meter.Run(count, [&] {
      main(loop).Detach(loop);
      loop.Run();
    });
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
  cases.spawn = SpawnSmall;
  cases.fd_churn = FdChurn;
  cases.fd_dispatch = FdDispatch;
  std::vector<Case> table = TableOf(cases);
  table.insert(table.end(),
               {
                   CoroutineCase("coro_spawn", kSpawns, Spawn),
                   CoroutineCase("coro_chain", kChains * kDepth, Chains),
                   CoroutineCase("coro_yield", kYielding * kYields, Yield),
                   CoroutineCase("coro_sleep", kSleepers * kSleeps, SleepMany),
               });
  return RunMicro(argc, argv, table);
}

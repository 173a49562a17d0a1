// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// libev. It has no call that posts a callback: that of the chain is an idle
// watcher, those of the burst are watchers that are fed an event; what other
// threads post is a queue behind a mutex, and an ev_async.

#include <cstdint>
#include <vector>

#include "ev.h"
#include "evkit/bench/micro/micro.h"
#include "evkit/bench/micro/posting.h"

namespace evkit {
namespace {

struct ev_loop* NewLoop() {
  return ev_loop_new(EVFLAG_AUTO);
}

void Ignore(struct ev_loop*, ev_io*, int) {}

// Never freed: the program ends with its case.
ev_io* NewIo(int fd) {
  auto* const io = new ev_io;
  ev_io_init(io, Ignore, fd, EV_READ);
  return io;
}

void CbChain(Meter& meter, Polls polls) {
  struct ev_loop* const loop = NewLoop();
  if (polls != Polls::kNever) ev_io_start(loop, NewIo(NewEventFd(false)));
  int64_t left = 0;
  ev_idle idle;
  ev_idle_init(&idle, [](struct ev_loop* on, ev_idle* watcher, int) {
    if (--*static_cast<int64_t*>(watcher->data) == 0) {
      ev_idle_stop(on, watcher);
      ev_break(on, EVBREAK_ALL);
    }
  });
  idle.data = &left;
  meter.Run(kChain, [&] {
    left = kChain;
    ev_idle_start(loop, &idle);
    ev_run(loop, 0);
  });
}

void CbBurst(Meter& meter) {
  struct ev_loop* const loop = NewLoop();
  int64_t sum = 0;
  std::vector<ev_prepare> watchers(kBurst);
  for (ev_prepare& watcher : watchers) {
    ev_prepare_init(&watcher, [](struct ev_loop*, ev_prepare* fed, int) {
      ++*static_cast<int64_t*>(fed->data);
    });
    watcher.data = &sum;
  }
  meter.Run(kBurst, [&] {
    for (ev_prepare& watcher : watchers) {
      ev_feed_event(loop, &watcher, EV_CUSTOM);
    }
    ev_run(loop, EVRUN_NOWAIT);
  });
}

void Wake(Meter& meter, Posts what) {
  struct ev_loop* const loop = NewLoop();
  PostQueue queue;
  Arrivals arrived = 0;
  ev_async async;
  async.data = &queue;
  ev_async_init(&async, [](struct ev_loop*, ev_async* watcher, int) {
    static_cast<PostQueue*>(watcher->data)->RunAll();
  });
  ev_async_start(loop, &async);
  MeasurePosts(
      meter, what, arrived,
      [&] {
        queue.Push([&arrived] { CountUp(arrived); });
        ev_async_send(loop, &async);
      },
      [&] { ev_run(loop, 0); },
      [&] {
        queue.Push([loop] { ev_break(loop, EVBREAK_ALL); });
        ev_async_send(loop, &async);
      });
}

void OnTimer(struct ev_loop*, ev_timer* timer, int) {
  --*static_cast<int64_t*>(timer->data);
}

double Seconds(int64_t milliseconds) {
  return static_cast<double>(milliseconds) * 1e-3;
}

void TimerInsCancel(Meter& meter, int64_t pending) {
  struct ev_loop* const loop = NewLoop();
  Random delays(kDelaysMs);
  const auto start = [&](ev_timer& timer) {
    ev_timer_init(&timer, OnTimer, Seconds(kMinDelayMs + delays.Next()), 0.);
    ev_timer_start(loop, &timer);
  };
  std::vector<ev_timer> others(static_cast<size_t>(meter.Scaled(pending)));
  for (ev_timer& timer : others) start(timer);
  ev_timer one;
  meter.Run(kStarted, [&] {
    for (int64_t i = 0; i < kStarted; ++i) {
      start(one);
      ev_timer_stop(loop, &one);
    }
  });
}

void TimerRearm(Meter& meter, int64_t pending) {
  struct ev_loop* const loop = NewLoop();
  const int64_t count = meter.Scaled(pending);
  Random delays(kDelaysMs);
  Random choices(count);
  std::vector<ev_timer> timers(static_cast<size_t>(count));
  for (ev_timer& timer : timers) {
    ev_timer_init(&timer, OnTimer, Seconds(kMinDelayMs + delays.Next()), 0.);
    ev_timer_start(loop, &timer);
  }
  int64_t later = kMinDelayMs + kDelaysMs;
  meter.Run(kRearmed, [&] {
    ++later;
    for (int64_t i = 0; i < kRearmed; ++i) {
      ev_timer& timer = timers[static_cast<size_t>(choices.Next())];
      timer.repeat = Seconds(later);
      ev_timer_again(loop, &timer);
    }
  });
}

void TimerFire(Meter& meter) {
  struct ev_loop* const loop = NewLoop();
  const int64_t count = meter.Scaled(kFired);
  Random delays(kFireWithinMs);
  std::vector<ev_timer> timers(static_cast<size_t>(count));
  int64_t left = 0;
  meter.Run(count, [&] {
    left = count;
    ev_now_update(loop);
    for (ev_timer& timer : timers) {
      ev_timer_init(&timer, OnTimer, Seconds(delays.Next()), 0.);
      timer.data = &left;
      ev_timer_start(loop, &timer);
    }
    while (left > 0) ev_run(loop, EVRUN_ONCE);
  });
}

void FdChurn(Meter& meter, bool with_turns) {
  struct ev_loop* const loop = NewLoop();
  ev_io_start(loop, NewIo(NewEventFd(false)));
  ev_io* const io = NewIo(NewEventFd(false));
  meter.Run(kChurned, [&] {
    for (int64_t i = 0; i < kChurned; ++i) {
      ev_io_start(loop, io);
      if (with_turns) ev_run(loop, EVRUN_NOWAIT);
      ev_io_stop(loop, io);
      if (with_turns) ev_run(loop, EVRUN_NOWAIT);
    }
  });
}

void FdDispatch(Meter& meter, int64_t count) {
  struct ev_loop* const loop = NewLoop();
  int64_t left = 0;
  for (int64_t i = 0; i < count; ++i) {
    ev_io* const io = NewIo(NewEventFd(true));
    io->data = &left;
    ev_set_cb(io, [](struct ev_loop* on, ev_io* ready, int) {
      if (--*static_cast<int64_t*>(ready->data) == 0) {
        ev_break(on, EVBREAK_ALL);
      }
    });
    ev_io_start(loop, io);
  }
  meter.Run(kDispatched, [&] {
    left = kDispatched;
    ev_run(loop, 0);
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
  cases.fd_churn = FdChurn;
  cases.fd_dispatch = FdDispatch;
  return RunMicro(argc, argv, TableOf(cases));
}

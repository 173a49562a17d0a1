// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// libuv. It has no call that posts a callback: those of the chain and of the
// burst are idle handles, made beforehand; what other threads post is a queue
// behind a mutex, and a uv_async_t.

#include <cstdint>
#include <vector>

#include "evkit/bench/micro/micro.h"
#include "evkit/bench/micro/posting.h"
#include "evkit/bench/net/command_line.h"
#include "uv.h"

namespace evkit {
namespace {

// Never freed: the program ends with its case.
uv_loop_t* NewLoop() {
  auto* const loop = new uv_loop_t;
  DieIfNegative(uv_loop_init(loop), "uv_loop_init");
  return loop;
}

uv_poll_t* NewPoll(uv_loop_t* loop, int fd) {
  auto* const poll = new uv_poll_t;
  DieIfNegative(uv_poll_init(loop, poll, fd), "uv_poll_init");
  return poll;
}

void Ignore(uv_poll_t*, int, int) {}

void CbChain(Meter& meter, Polls polls) {
  uv_loop_t* const loop = NewLoop();
  uv_poll_t* const quiet = NewPoll(loop, NewEventFd(false));
  if (polls != Polls::kNever) {
    uv_poll_start(quiet, UV_READABLE, Ignore);
    uv_unref(reinterpret_cast<uv_handle_t*>(quiet));
  }
  int64_t left = 0;
  uv_idle_t idle;
  uv_idle_init(loop, &idle);
  idle.data = &left;
  meter.Run(kChain, [&] {
    left = kChain;
    uv_idle_start(&idle, [](uv_idle_t* handle) {
      if (--*static_cast<int64_t*>(handle->data) == 0) uv_idle_stop(handle);
    });
    uv_run(loop, UV_RUN_DEFAULT);
  });
}

void CbBurst(Meter& meter) {
  uv_loop_t* const loop = NewLoop();
  int64_t sum = 0;
  std::vector<uv_idle_t> idles(kBurst);
  for (uv_idle_t& idle : idles) {
    uv_idle_init(loop, &idle);
    idle.data = &sum;
  }
  meter.Run(kBurst, [&] {
    for (uv_idle_t& idle : idles) {
      uv_idle_start(&idle, [](uv_idle_t* handle) {
        ++*static_cast<int64_t*>(handle->data);
        uv_idle_stop(handle);
      });
    }
    uv_run(loop, UV_RUN_DEFAULT);
  });
}

void Wake(Meter& meter, Posts what) {
  uv_loop_t* const loop = NewLoop();
  PostQueue queue;
  Arrivals arrived = 0;
  uv_async_t async;
  async.data = &queue;
  uv_async_init(loop, &async, [](uv_async_t* handle) {
    static_cast<PostQueue*>(handle->data)->RunAll();
  });
  MeasurePosts(
      meter, what, arrived,
      [&] {
        queue.Push([&arrived] { CountUp(arrived); });
        uv_async_send(&async);
      },
      [&] { uv_run(loop, UV_RUN_DEFAULT); },
      [&] {
        queue.Push([loop] { uv_stop(loop); });
        uv_async_send(&async);
      });
}

std::vector<uv_timer_t> NewTimers(uv_loop_t* loop, int64_t count) {
  std::vector<uv_timer_t> timers(static_cast<size_t>(count));
  for (uv_timer_t& timer : timers) uv_timer_init(loop, &timer);
  return timers;
}

void OnTimer(uv_timer_t*) {}

void TimerInsCancel(Meter& meter, int64_t pending) {
  uv_loop_t* const loop = NewLoop();
  Random delays(kDelaysMs);
  const auto start = [&](uv_timer_t& timer) {
    uv_timer_start(&timer, OnTimer,
                   static_cast<uint64_t>(kMinDelayMs + delays.Next()), 0);
  };
  std::vector<uv_timer_t> others = NewTimers(loop, meter.Scaled(pending));
  for (uv_timer_t& timer : others) start(timer);
  std::vector<uv_timer_t> one = NewTimers(loop, 1);
  meter.Run(kStarted, [&] {
    for (int64_t i = 0; i < kStarted; ++i) {
      start(one.front());
      uv_timer_stop(&one.front());
    }
  });
}

void TimerRearm(Meter& meter, int64_t pending) {
  uv_loop_t* const loop = NewLoop();
  const int64_t count = meter.Scaled(pending);
  Random delays(kDelaysMs);
  Random choices(count);
  std::vector<uv_timer_t> timers = NewTimers(loop, count);
  for (uv_timer_t& timer : timers) {
    uv_timer_start(&timer, OnTimer,
                   static_cast<uint64_t>(kMinDelayMs + delays.Next()), 0);
  }
  int64_t later = kMinDelayMs + kDelaysMs;
  meter.Run(kRearmed, [&] {
    ++later;
    for (int64_t i = 0; i < kRearmed; ++i) {
      uv_timer_start(&timers[static_cast<size_t>(choices.Next())], OnTimer,
                     static_cast<uint64_t>(later), 0);
    }
  });
}

void TimerFire(Meter& meter) {
  uv_loop_t* const loop = NewLoop();
  const int64_t count = meter.Scaled(kFired);
  Random delays(kFireWithinMs);
  std::vector<uv_timer_t> timers = NewTimers(loop, count);
  int64_t left = 0;
  for (uv_timer_t& timer : timers) timer.data = &left;
  meter.Run(count, [&] {
    left = count;
    uv_update_time(loop);
    for (uv_timer_t& timer : timers) {
      uv_timer_start(
          &timer,
          [](uv_timer_t* fired) { --*static_cast<int64_t*>(fired->data); },
          static_cast<uint64_t>(delays.Next()), 0);
    }
    uv_run(loop, UV_RUN_DEFAULT);
    if (left != 0) Die("timers are missing");
  });
}

void SpawnSmall(Meter& meter) {
  uv_loop_t* const loop = NewLoop();
  char* arguments[] = {const_cast<char*>(kChild), nullptr};
  uv_process_options_t options = {};
  options.file = kChild;
  options.args = arguments;
  options.exit_cb = [](uv_process_t* process, int64_t, int) {
    uv_close(reinterpret_cast<uv_handle_t*>(process), nullptr);
  };
  meter.Run(kSpawned, [&] {
    for (int64_t i = 0; i < kSpawned; ++i) {
      uv_process_t process;
      DieIfNegative(uv_spawn(loop, &process, &options), "uv_spawn");
      uv_run(loop, UV_RUN_DEFAULT);
    }
  });
}

void FdChurn(Meter& meter, bool with_turns) {
  uv_loop_t* const loop = NewLoop();
  uv_poll_start(NewPoll(loop, NewEventFd(false)), UV_READABLE, Ignore);
  uv_poll_t* const poll = NewPoll(loop, NewEventFd(false));
  meter.Run(kChurned, [&] {
    for (int64_t i = 0; i < kChurned; ++i) {
      uv_poll_start(poll, UV_READABLE, Ignore);
      if (with_turns) uv_run(loop, UV_RUN_NOWAIT);
      uv_poll_stop(poll);
      if (with_turns) uv_run(loop, UV_RUN_NOWAIT);
    }
  });
}

void FdDispatch(Meter& meter, int64_t count) {
  uv_loop_t* const loop = NewLoop();
  int64_t left = 0;
  for (int64_t i = 0; i < count; ++i) {
    uv_poll_t* const poll = NewPoll(loop, NewEventFd(true));
    poll->data = &left;
    uv_poll_start(poll, UV_READABLE, [](uv_poll_t* handle, int, int) {
      if (--*static_cast<int64_t*>(handle->data) == 0) uv_stop(handle->loop);
    });
  }
  meter.Run(kDispatched, [&] {
    left = kDispatched;
    uv_run(loop, UV_RUN_DEFAULT);
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
  return RunMicro(argc, argv, TableOf(cases));
}

// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// libevent. The callback of the chain is an event that activates itself (and
// keeps the loop from polling); those of the burst are event_base_once(). What
// other threads post is a queue behind a mutex, and an eventfd: an event that
// is activated from outside needs libevent_pthreads, which has locks for all.

#include <sys/eventfd.h>
#include <sys/time.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "event2/event.h"
#include "event2/event_struct.h"
#include "evkit/bench/micro/micro.h"
#include "evkit/bench/micro/posting.h"
#include "evkit/bench/net/command_line.h"

namespace evkit {
namespace {

void Ignore(evutil_socket_t, short, void*) {}

timeval InMs(int64_t milliseconds) {
  timeval time;
  time.tv_sec = milliseconds / 1000;
  time.tv_usec = milliseconds % 1000 * 1000;
  return time;
}

void CbChain(Meter& meter, Polls polls) {
  event_base* const base = event_base_new();
  if (polls != Polls::kNever) {
    event_add(event_new(base, NewEventFd(false), EV_READ | EV_PERSIST, Ignore,
                        nullptr),
              nullptr);
  }
  struct Chain {
    event next;
    event_base* base;
    int64_t left;
  } chain;
  chain.base = base;
  event_assign(
      &chain.next, base, -1, 0,
      [](evutil_socket_t, short, void* object) {
        Chain& self = *static_cast<Chain*>(object);
        if (--self.left > 0) {
          event_active(&self.next, EV_TIMEOUT, 0);
        } else {
          event_base_loopbreak(self.base);
        }
      },
      &chain);
  meter.Run(kChain, [&] {
    chain.left = kChain;
    event_active(&chain.next, EV_TIMEOUT, 0);
    event_base_loop(base, 0);
  });
}

void CbBurst(Meter& meter) {
  event_base* const base = event_base_new();
  int64_t sum = 0;
  meter.Run(kBurst, [&] {
    for (int64_t i = 0; i < kBurst; ++i) {
      event_base_once(
          base, -1, EV_TIMEOUT,
          [](evutil_socket_t, short, void* object) {
            ++*static_cast<int64_t*>(object);
          },
          &sum, nullptr);
    }
    event_base_loop(base, EVLOOP_NONBLOCK);
  });
  if (sum % kBurst != 0) Die("callbacks are missing");
}

void Wake(Meter& meter, Posts what) {
  event_base* const base = event_base_new();
  // Of a flood only what finds nothing on its way wakes the loop, as with the
  // asynchronous handles of the other libraries.
  struct Waking {
    PostQueue queue;
    std::atomic<bool> woken = false;
  } waking;
  Arrivals arrived = 0;
  const int wakeup = NewEventFd(false);
  event_add(event_new(
                base, wakeup, EV_READ | EV_PERSIST,
                [](evutil_socket_t fd, short, void* object) {
                  Waking& self = *static_cast<Waking*>(object);
                  eventfd_t count;
                  eventfd_read(fd, &count);
                  self.woken.store(false);
                  self.queue.RunAll();
                },
                &waking),
            nullptr);
  const auto post = [&](std::function<void()> function) {
    waking.queue.Push(std::move(function));
    if (!waking.woken.exchange(true)) eventfd_write(wakeup, 1);
  };
  MeasurePosts(
      meter, what, arrived, [&] { post([&arrived] { CountUp(arrived); }); },
      [&] { event_base_loop(base, 0); },
      [&] { post([base] { event_base_loopbreak(base); }); });
}

void TimerInsCancel(Meter& meter, int64_t pending) {
  event_base* const base = event_base_new();
  Random delays(kDelaysMs);
  const auto start = [&](event& timer) {
    const timeval delay = InMs(kMinDelayMs + delays.Next());
    event_add(&timer, &delay);
  };
  std::vector<event> others(static_cast<size_t>(meter.Scaled(pending)));
  for (event& timer : others) {
    event_assign(&timer, base, -1, 0, Ignore, nullptr);
    start(timer);
  }
  event one;
  event_assign(&one, base, -1, 0, Ignore, nullptr);
  meter.Run(kStarted, [&] {
    for (int64_t i = 0; i < kStarted; ++i) {
      start(one);
      event_del(&one);
    }
  });
}

void TimerRearm(Meter& meter, int64_t pending) {
  event_base* const base = event_base_new();
  const int64_t count = meter.Scaled(pending);
  Random delays(kDelaysMs);
  Random choices(count);
  std::vector<event> timers(static_cast<size_t>(count));
  for (event& timer : timers) {
    event_assign(&timer, base, -1, 0, Ignore, nullptr);
    const timeval delay = InMs(kMinDelayMs + delays.Next());
    event_add(&timer, &delay);
  }
  int64_t later = kMinDelayMs + kDelaysMs;
  meter.Run(kRearmed, [&] {
    ++later;
    for (int64_t i = 0; i < kRearmed; ++i) {
      const timeval delay = InMs(later);
      event_add(&timers[static_cast<size_t>(choices.Next())], &delay);
    }
  });
}

void TimerFire(Meter& meter) {
  event_base* const base = event_base_new();
  const int64_t count = meter.Scaled(kFired);
  Random delays(kFireWithinMs);
  std::vector<event> timers(static_cast<size_t>(count));
  int64_t left = 0;
  for (event& timer : timers) {
    event_assign(
        &timer, base, -1, 0,
        [](evutil_socket_t, short, void* object) {
          --*static_cast<int64_t*>(object);
        },
        &left);
  }
  meter.Run(count, [&] {
    left = count;
    for (event& timer : timers) {
      const timeval delay = InMs(delays.Next());
      event_add(&timer, &delay);
    }
    event_base_loop(base, 0);
    if (left != 0) Die("timers are missing");
  });
}

void FdChurn(Meter& meter, bool with_turns) {
  event_base* const base = event_base_new();
  const auto watcher = [base] {
    return event_new(base, NewEventFd(false), EV_READ | EV_PERSIST, Ignore,
                     nullptr);
  };
  event_add(watcher(), nullptr);
  event* const churned = watcher();
  meter.Run(kChurned, [&] {
    for (int64_t i = 0; i < kChurned; ++i) {
      event_add(churned, nullptr);
      if (with_turns) event_base_loop(base, EVLOOP_NONBLOCK);
      event_del(churned);
      if (with_turns) event_base_loop(base, EVLOOP_NONBLOCK);
    }
  });
}

void FdDispatch(Meter& meter, int64_t count) {
  struct Dispatch {
    event_base* base;
    int64_t left;
  } dispatch = {event_base_new(), 0};
  for (int64_t i = 0; i < count; ++i) {
    event_add(event_new(
                  dispatch.base, NewEventFd(true), EV_READ | EV_PERSIST,
                  [](evutil_socket_t, short, void* object) {
                    Dispatch& self = *static_cast<Dispatch*>(object);
                    if (--self.left == 0) event_base_loopbreak(self.base);
                  },
                  &dispatch),
              nullptr);
  }
  meter.Run(kDispatched, [&] {
    dispatch.left = kDispatched;
    event_base_loop(dispatch.base, 0);
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

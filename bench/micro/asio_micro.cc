// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// asio, for one thread as it is told (the concurrency hint 1). Its cases with
// coroutines are in asio_coroutines.cc. Without exceptions it does not compile,
// and there are no cases.

#include "evkit/bench/micro/micro.h"

#if defined(__cpp_exceptions)

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "asio/executor_work_guard.hpp"
#include "asio/io_context.hpp"
#include "asio/posix/stream_descriptor.hpp"
#include "asio/post.hpp"
#include "asio/steady_timer.hpp"
#include "evkit/bench/micro/asio_cases.h"
#include "evkit/bench/micro/posting.h"

namespace evkit {
namespace {

using asio::posix::stream_descriptor;

void Ignore(asio::error_code) {}

void Run(asio::io_context& context) {
  context.restart();
  context.run();
}

void CbChain(Meter& meter, Polls polls) {
  asio::io_context context(1);
  std::optional<stream_descriptor> quiet;
  if (polls != Polls::kNever) {
    quiet.emplace(context, NewEventFd(false));
    quiet->async_wait(stream_descriptor::wait_read, Ignore);
  }
  class Next {
   public:
    Next(asio::io_context& on, int64_t& count) : context_(on), left_(count) {}
    void operator()() const {
      if (--left_ > 0) {
        asio::post(context_, *this);
      } else {
        context_.stop();
      }
    }

   private:
    asio::io_context& context_;
    int64_t& left_;
  };
  int64_t left = 0;
  meter.Run(kChain, [&] {
    left = kChain;
    asio::post(context, Next(context, left));
    Run(context);
  });
}

void CbBurst(Meter& meter) {
  asio::io_context context(1);
  int64_t sum = 0;
  meter.Run(kBurst, [&] {
    for (int64_t i = 0; i < kBurst; ++i) {
      asio::post(context, [&sum, &context, i] {
        sum += i;
        Keep(&context);
      });
    }
    Run(context);
  });
  Keep(sum);
}

// The hint would take the locks away that another thread needs.
void Wake(Meter& meter, Posts what) {
  asio::io_context context;
  const auto work = asio::make_work_guard(context);
  Arrivals arrived = 0;
  MeasurePosts(
      meter, what, arrived,
      [&] { asio::post(context, [&arrived] { CountUp(arrived); }); },
      [&] { context.run(); }, [&] { context.stop(); });
}

// Cancelled waits are told so: that is a part of what they cost.
void TimerInsCancel(Meter& meter, int64_t pending) {
  asio::io_context context(1);
  Random delays(kDelaysMs);
  const auto start = [&](asio::steady_timer& timer) {
    timer.expires_after(std::chrono::milliseconds(kMinDelayMs + delays.Next()));
    timer.async_wait(Ignore);
  };
  std::deque<asio::steady_timer> others;
  for (int64_t i = meter.Scaled(pending); i > 0; --i) {
    start(others.emplace_back(context));
  }
  asio::steady_timer one(context);
  meter.Run(kStarted, [&] {
    for (int64_t i = 0; i < kStarted; ++i) {
      start(one);
      one.cancel();
    }
    context.restart();
    context.poll();
  });
}

void TimerRearm(Meter& meter, int64_t pending) {
  asio::io_context context(1);
  const int64_t count = meter.Scaled(pending);
  Random delays(kDelaysMs);
  Random choices(count);
  std::deque<asio::steady_timer> timers;
  for (int64_t i = 0; i < count; ++i) {
    asio::steady_timer& timer = timers.emplace_back(context);
    timer.expires_after(std::chrono::milliseconds(kMinDelayMs + delays.Next()));
    timer.async_wait(Ignore);
  }
  int64_t later = kMinDelayMs + kDelaysMs;
  meter.Run(kRearmed, [&] {
    ++later;
    for (int64_t i = 0; i < kRearmed; ++i) {
      asio::steady_timer& timer = timers[static_cast<size_t>(choices.Next())];
      timer.expires_after(std::chrono::milliseconds(later));
      timer.async_wait(Ignore);
    }
    context.restart();
    context.poll();
  });
}

void TimerFire(Meter& meter) {
  asio::io_context context(1);
  const int64_t count = meter.Scaled(kFired);
  Random delays(kFireWithinMs);
  std::deque<asio::steady_timer> timers;
  for (int64_t i = 0; i < count; ++i) timers.emplace_back(context);
  meter.Run(count, [&] {
    int64_t left = count;
    for (asio::steady_timer& timer : timers) {
      timer.expires_after(std::chrono::milliseconds(delays.Next()));
      timer.async_wait([&left](asio::error_code) { --left; });
    }
    Run(context);
  });
}

void TimerCallLater(Meter& meter, int64_t pending) {
  asio::io_context context(1);
  Random delays(kDelaysMs);
  const auto start = [&](asio::steady_timer& timer) {
    timer.expires_after(std::chrono::milliseconds(kMinDelayMs + delays.Next()));
    timer.async_wait([&context](asio::error_code) { Keep(&context); });
  };
  std::deque<asio::steady_timer> others;
  for (int64_t i = meter.Scaled(pending); i > 0; --i) {
    start(others.emplace_back(context));
  }
  meter.Run(kStarted, [&] {
    for (int64_t i = 0; i < kStarted; ++i) {
      asio::steady_timer one(context);
      start(one);
    }
    context.restart();
    context.poll();
  });
}

// It has no way to stop watching but to give the descriptor back.
void FdChurn(Meter& meter, bool with_turns) {
  asio::io_context context(1);
  stream_descriptor quiet(context, NewEventFd(false));
  quiet.async_wait(stream_descriptor::wait_read, Ignore);
  stream_descriptor churned(context);
  const int fd = NewEventFd(false);
  const auto turn = [&] {
    context.restart();
    context.poll();
  };
  meter.Run(kChurned, [&] {
    for (int64_t i = 0; i < kChurned; ++i) {
      churned.assign(fd);
      churned.async_wait(stream_descriptor::wait_read, Ignore);
      if (with_turns) turn();
      churned.release();
      if (with_turns) turn();
    }
    turn();
  });
}

class Watcher {
 public:
  Watcher(asio::io_context& context, int64_t& left)
      : context_(context), left_(left), descriptor_(context, NewEventFd(true)) {
    Wait();
  }

 private:
  void Wait() {
    descriptor_.async_wait(stream_descriptor::wait_read,
                           [this](asio::error_code error) {
                             if (error) return;
                             if (--left_ == 0) context_.stop();
                             Wait();
                           });
  }

  asio::io_context& context_;
  int64_t& left_;
  stream_descriptor descriptor_;
};

void FdDispatch(Meter& meter, int64_t count) {
  asio::io_context context(1);
  int64_t left = 0;
  std::vector<std::unique_ptr<Watcher>> watchers;
  for (int64_t i = 0; i < count; ++i) {
    watchers.push_back(std::make_unique<Watcher>(context, left));
  }
  meter.Run(kDispatched, [&] {
    left = kDispatched;
    Run(context);
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
  cases.fd_churn = FdChurn;
  cases.fd_dispatch = FdDispatch;
  std::vector<Case> table = TableOf(cases);
  for (Case& more : AsioCoroutineCases()) table.push_back(std::move(more));
  return RunMicro(argc, argv, table);
}

#else

int main(int argc, char** argv) { return evkit::RunMicro(argc, argv, {}); }

#endif  // defined(__cpp_exceptions)

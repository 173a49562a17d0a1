// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What one writes in an afternoon: functions in a deque, timers in a map, posts
// behind a mutex and a condition variable. It waits for no descriptor, and so
// it has only the cases that need none.

#include <time.h>

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "evkit/bench/micro/micro.h"
#include "evkit/bench/micro/posting.h"
#include "evkit/bench/net/command_line.h"

namespace evkit {
namespace {

using Function = std::function<void()>;

// Runs what was there when it begins; what that adds is for the next batch.
class Ready {
 public:
  void Push(Function function) { functions_.push_back(std::move(function)); }
  bool empty() const { return functions_.empty(); }
  void RunBatch() {
    for (size_t left = functions_.size(); left > 0; --left) {
      const Function function = std::move(functions_.front());
      functions_.pop_front();
      function();
    }
  }

 private:
  std::deque<Function> functions_;
};

class Mailbox {
 public:
  void Post(Function function) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      functions_.push_back(std::move(function));
    }
    not_empty_.notify_one();
  }
  // Waits for posts, and runs them.
  void RunOnce() {
    {
      std::unique_lock<std::mutex> lock(mutex_);
      not_empty_.wait(lock, [this] { return !functions_.empty(); });
      running_.swap(functions_);
    }
    for (const Function& function : running_) function();
    running_.clear();
  }

 private:
  std::mutex mutex_;
  std::condition_variable not_empty_;
  std::deque<Function> functions_;
  std::deque<Function> running_;
};

// By time, in milliseconds.
using Timers = std::multimap<int64_t, Function>;

int64_t NowMs() { return WallNanos() / 1'000'000; }

void CbChain(Meter& meter, Polls polls) {
  if (polls != Polls::kNever) Die("there is nothing to watch with");
  Ready ready;
  int64_t left = 0;
  const Function next = [&] {
    if (--left > 0) ready.Push(next);
  };
  meter.Run(kChain, [&] {
    left = kChain;
    ready.Push(next);
    while (!ready.empty()) ready.RunBatch();
  });
}

void CbBurst(Meter& meter) {
  Ready ready;
  int64_t sum = 0;
  meter.Run(kBurst, [&] {
    for (int64_t i = 0; i < kBurst; ++i) ready.Push([&sum, i] { sum += i; });
    ready.RunBatch();
  });
  Keep(sum);
}

void Wake(Meter& meter, Posts what) {
  Mailbox mailbox;
  Arrivals arrived = 0;
  bool stopped = false;
  MeasurePosts(
      meter, what, arrived,
      [&] { mailbox.Post([&arrived] { CountUp(arrived); }); },
      [&] {
        while (!stopped) mailbox.RunOnce();
      },
      [&] { mailbox.Post([&stopped] { stopped = true; }); });
}

void TimerInsCancel(Meter& meter, int64_t pending) {
  Timers timers;
  Random delays(kDelaysMs);
  const auto start = [&] {
    return timers.emplace(NowMs() + kMinDelayMs + delays.Next(), [] {});
  };
  for (int64_t i = meter.Scaled(pending); i > 0; --i) start();
  meter.Run(kStarted, [&] {
    for (int64_t i = 0; i < kStarted; ++i) timers.erase(start());
  });
}

void TimerRearm(Meter& meter, int64_t pending) {
  const int64_t count = meter.Scaled(pending);
  Random delays(kDelaysMs);
  Random choices(count);
  Timers timers;
  std::vector<Timers::iterator> started;
  for (int64_t i = 0; i < count; ++i) {
    started.push_back(
        timers.emplace(NowMs() + kMinDelayMs + delays.Next(), [] {}));
  }
  int64_t later = kMinDelayMs + kDelaysMs;
  meter.Run(kRearmed, [&] {
    ++later;
    for (int64_t i = 0; i < kRearmed; ++i) {
      Timers::iterator& timer = started[static_cast<size_t>(choices.Next())];
      auto node = timers.extract(timer);
      node.key() = NowMs() + later;
      timer = timers.insert(std::move(node));
    }
  });
}

void TimerFire(Meter& meter) {
  const int64_t count = meter.Scaled(kFired);
  Random delays(kFireWithinMs);
  Timers timers;
  meter.Run(count, [&] {
    int64_t left = count;
    for (int64_t i = 0; i < count; ++i) {
      timers.emplace(NowMs() + delays.Next(), [&left] { --left; });
    }
    while (left > 0) {
      const int64_t now = NowMs();
      if (timers.begin()->first > now) {
        const timespec until_next = {0, 1'000'000};
        nanosleep(&until_next, nullptr);
        continue;
      }
      const auto timer = timers.extract(timers.begin());
      timer.mapped()();
    }
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
  std::vector<Case> table = TableOf(cases);
  std::erase_if(table, [](const Case& one) {
    return one.name.rfind("cb_chain_fd", 0) == 0;
  });
  return RunMicro(argc, argv, table);
}

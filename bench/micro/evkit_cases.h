// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What the parts of evkit's program share.

#ifndef EVKIT_BENCH_MICRO_EVKIT_CASES_H_
#define EVKIT_BENCH_MICRO_EVKIT_CASES_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "evkit/bench/micro/micro.h"
#include "evkit/bench/net/command_line.h"
#include "evkit/loop/default_event_loop.h"
#include "evkit/loop/event_loop.h"

namespace evkit {

inline void CheckOk(const absl::Status& status) {
  if (!status.ok()) Die(status.ToString());
}

template <typename T>
void CheckOk(const absl::StatusOr<T>& result) {
  CheckOk(result.status());
}

// Debug mode is off, whatever the environment says.
inline EventLoopOptions EvkitOptions() {
  EventLoopOptions options;
  options.debug = false;
  return options;
}

inline std::unique_ptr<EventLoop> NewMeasuredLoop(EventLoopOptions options) {
  auto loop = NewDefaultEventLoop(std::move(options));
  CheckOk(loop.status());
  return *std::move(loop);
}

// A callback that schedules itself, over and over.
inline void MeasureChain(Meter& meter, EventLoop& loop) {
  class Next {
   public:
    Next(EventLoop& on, int64_t& count) : loop_(on), left_(count) {}
    void operator()() const {
      if (--left_ > 0) {
        loop_.CallSoon(*this);
      } else {
        loop_.Stop();
      }
    }

   private:
    EventLoop& loop_;
    int64_t& left_;
  };
  int64_t left = 0;
  meter.Run(kChain, [&] {
    left = kChain;
    loop.CallSoon(Next(loop, left));
    CheckOk(loop.RunForever());
  });
}

// Many callbacks at once.
inline void MeasureBurst(Meter& meter, EventLoop& loop) {
  int64_t sum = 0;
  meter.Run(kBurst, [&] {
    for (int64_t i = 0; i < kBurst; ++i) {
      loop.CallSoon([&sum, &loop, i] {
        sum += i;
        Keep(&loop);
      });
    }
    loop.Stop();
    CheckOk(loop.RunForever());
  });
  Keep(sum);
}

// A hundred tasks that take turns.
void MeasureYields(Meter& meter, EventLoop& loop);

std::vector<Case> CoroutineCases();
std::vector<Case> SafetyCases();

}  // namespace evkit

#endif  // EVKIT_BENCH_MICRO_EVKIT_CASES_H_

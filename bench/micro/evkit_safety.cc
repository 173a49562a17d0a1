// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The cost of safety: the same work with debug mode off and on, with the
// detection of slow callbacks alone, and where contexts are used.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "evkit/bench/micro/evkit_cases.h"
#include "evkit/bench/micro/micro.h"
#include "evkit/loop/context.h"

namespace evkit {
namespace {

enum class Safety { kOff, kSlow, kContexts, kDebug };

template <void (*kMeasure)(Meter&, EventLoop&)>
Case CaseOf(const char* name, Safety safety) {
  return Case(name, [safety](Meter& meter) {
    EventLoopOptions options = EvkitOptions();
    options.debug = safety == Safety::kDebug;
    options.report_slow_callbacks = safety == Safety::kSlow;
    options.log = [](absl::string_view) {};
    // Nothing is reported: that of a preempted callback would be measured.
    options.slow_callback_duration = absl::Hours(1);
    const auto loop = NewMeasuredLoop(std::move(options));
    // Copied for each callback and each task.
    const ContextVar<int64_t> request("request");
    if (safety == Safety::kContexts) request.Set(1);
    kMeasure(meter, *loop);
  });
}

}  // namespace

std::vector<Case> SafetyCases() {
  return {
      CaseOf<MeasureBurst>("safety_off_burst", Safety::kOff),
      CaseOf<MeasureBurst>("safety_slow_burst", Safety::kSlow),
      CaseOf<MeasureBurst>("safety_contexts_burst", Safety::kContexts),
      CaseOf<MeasureBurst>("safety_debug_burst", Safety::kDebug),
      CaseOf<MeasureChain>("safety_off_chain", Safety::kOff),
      CaseOf<MeasureChain>("safety_slow_chain", Safety::kSlow),
      CaseOf<MeasureChain>("safety_contexts_chain", Safety::kContexts),
      CaseOf<MeasureChain>("safety_debug_chain", Safety::kDebug),
      CaseOf<MeasureYields>("safety_off_yield", Safety::kOff),
      CaseOf<MeasureYields>("safety_slow_yield", Safety::kSlow),
      CaseOf<MeasureYields>("safety_contexts_yield", Safety::kContexts),
      CaseOf<MeasureYields>("safety_debug_yield", Safety::kDebug),
  };
}

}  // namespace evkit

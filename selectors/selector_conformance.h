// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What every `Selector` must do, as tests over real pipes and sockets. One for
// each rule of selector.h, and one for each bug of other people's selectors
// that we know of (bug_A1_..., see docs/selectors.md). Give it yours:
//
//   INSTANTIATE_TEST_SUITE_P(
//       Mine, SelectorConformanceTest,
//       ::testing::Values(SelectorConformance(
//           "MySelector", [] { return MySelector::Create(); })),
//       SelectorConformanceName);
//
// It sends itself SIGALRM, raises the soft limit on descriptors, and forks.

#ifndef EVKIT_SELECTORS_SELECTOR_CONFORMANCE_H_
#define EVKIT_SELECTORS_SELECTOR_CONFORMANCE_H_

#include <climits>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "evkit/selectors/selector.h"
#include "gtest/gtest.h"

namespace evkit {

// One implementation, and where it may differ.
struct SelectorConformance {
  using Factory = std::function<absl::StatusOr<std::unique_ptr<Selector>>()>;

  SelectorConformance(std::string its_name, Factory its_factory)
      : name(std::move(its_name)), create(std::move(its_factory)) {}

  std::string name;  // Letters and digits.
  Factory create;
  // Whether `Register()` and `Modify()` refuse a descriptor that is not open.
  bool refuses_closed_descriptors = true;
  // Whether regular files are taken, and always ready; else refused with EPERM.
  bool takes_regular_files = false;
  // The highest descriptor taken.
  int max_fd = INT_MAX;
};

inline void PrintTo(const SelectorConformance& param, std::ostream* out) {
  *out << param.name;
}

inline std::string SelectorConformanceName(
    const ::testing::TestParamInfo<SelectorConformance>& info) {
  return info.param.name;
}

// A new selector for each test.
class SelectorConformanceTest
    : public ::testing::TestWithParam<SelectorConformance> {
 protected:
  SelectorConformanceTest();

  // The events of one `Select()`, which must succeed, by ascending descriptor.
  std::vector<ReadyEvent> Ready(absl::Duration timeout = absl::ZeroDuration());

  // Waits for `timeout`, which nothing must shorten, and finds nothing ready.
  void ExpectQuiet(absl::Duration timeout = absl::Milliseconds(1));

  std::unique_ptr<Selector> selector_;
};

}  // namespace evkit

#endif  // EVKIT_SELECTORS_SELECTOR_CONFORMANCE_H_

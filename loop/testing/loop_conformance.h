// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The suite that every event loop must pass: sections 2 to 5 of the contract,
// through `AbstractEventLoop` alone, with real pipes where something must
// become ready. For a loop of your own:
//
//   INSTANTIATE_TEST_SUITE_P(
//       MyLoop, LoopConformance,
//       ::testing::Values(LoopFactory("", [] {
//         return std::shared_ptr<AbstractEventLoop>(new MyLoop());
//       })),
//       LoopFactoryName);
//
// Time may be virtual. What the suite asks of a loop's world is that a timer
// comes some day, and that a sleeping loop sees a real pipe become readable.

#ifndef EVKIT_LOOP_TESTING_LOOP_CONFORMANCE_H_
#define EVKIT_LOOP_TESTING_LOOP_CONFORMANCE_H_

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "evkit/base/unique_fd.h"
#include "evkit/loop/abstract_event_loop.h"
#include "gtest/gtest.h"

namespace evkit {

// How to make the loops under test, each one open and not running.
class LoopFactory {
 public:
  // A loop may be a part of something greater, which the shared pointer owns
  // together with it.
  using Make = std::function<std::shared_ptr<AbstractEventLoop>()>;

  // `name` consists of letters and digits.
  LoopFactory(std::string name, Make make)
      : name_(std::move(name)), make_(std::move(make)) {}

  const std::string& name() const { return name_; }
  std::shared_ptr<AbstractEventLoop> operator()() const { return make_(); }

  friend void PrintTo(const LoopFactory& factory, std::ostream* out) {
    *out << factory.name_;
  }

 private:
  std::string name_;
  Make make_;
};

inline std::string LoopFactoryName(
    const ::testing::TestParamInfo<LoopFactory>& info) {
  return info.param.name();
}

// The tests of this suite come with the library.
class LoopConformance : public ::testing::TestWithParam<LoopFactory> {
 protected:
  LoopConformance() : owner_(GetParam()()), loop_(*owner_) {}

  // Another loop of the same kind.
  std::shared_ptr<AbstractEventLoop> MakeLoop() const { return GetParam()(); }

  // A callback that appends `word` to the trace.
  std::function<void()> Log(const std::string& word) {
    return [this, word] { trace_.push_back(word); };
  }

  // Lets the loop make turns: what is queued runs, and what that queues.
  void RunTurns(int count = 1);

  // Runs until `delay` from now, by the loop's clock.
  void RunFor(absl::Duration delay);

  // Frees the loop.
  void DestroyLoop() { owner_.reset(); }

  struct Pipe {
    UniqueFd read_end;
    UniqueFd write_end;
  };
  // Non-blocking. With a byte in it, if asked for.
  static Pipe MakePipe(bool readable = false);
  static void Write(const UniqueFd& fd);
  static void Drain(const UniqueFd& fd);

  std::vector<std::string> trace_;
  std::shared_ptr<AbstractEventLoop> owner_;
  AbstractEventLoop& loop_;
};

}  // namespace evkit

#endif  // EVKIT_LOOP_TESTING_LOOP_CONFORMANCE_H_

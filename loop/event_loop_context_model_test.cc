// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Random programs that set context variables, compared with a model.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "evkit/loop/context.h"
#include "evkit/loop/event_loop.h"
#include "evkit/loop/handle.h"
#include "evkit/loop/testing/test_loop.h"
#include "evkit/selectors/fake_selector.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

constexpr int kInventedFd = 20'000;
constexpr int kSteps = 1000;

// A random program whose callbacks set variables, schedule each other in every
// way, and run bits of themselves in other contexts; beside it a model, in
// which contexts are maps.
class ContextModelTest : public ::testing::TestWithParam<int> {
 protected:
  using Values = std::map<int, int>;

  struct Known {
    Known(Context its_context, std::shared_ptr<Values> its_values)
        : context(std::move(its_context)), values(std::move(its_values)) {}
    Context context;
    std::shared_ptr<Values> values;
  };

  void Check() {
    for (size_t i = 0; i < variables_.size(); ++i) {
      const auto found = current_->find(static_cast<int>(i));
      ASSERT_EQ(variables_[i]->Get(), found == current_->end()
                                          ? std::nullopt
                                          : std::optional<int>(found->second));
    }
  }

  // Does `function` with `values` as the model of the current context.
  void As(const std::shared_ptr<Values>& values,
          const std::function<void()>& function) {
    const std::shared_ptr<Values> outer = std::exchange(current_, values);
    Check();
    function();
    Check();
    current_ = outer;
  }

  // A callback in a copy of the current context.
  auto InCopy() {
    return [this, values = std::make_shared<Values>(*current_)] {
      As(values, [this] { DoSomeThings(); });
    };
  }
  auto In(const Known& known) {
    return [this, values = known.values] {
      As(values, [this] { DoSomeThings(); });
    };
  }

  int Random(int end) {
    return static_cast<int>(test_->Random() % static_cast<uint64_t>(end));
  }

  void DoSomeThings() {
    for (int things = Random(4); things >= 0; --things) DoSomething();
  }

  void DoSomething() {
    if (++steps_ > kSteps) return;
    const int variable = Random(static_cast<int>(variables_.size()));
    const Known known = known_[test_->Random() % known_.size()];
    const absl::Duration delay = absl::Milliseconds(Random(5));
    switch (Random(11)) {
      case 0:
      case 1:
        variables_[variable]->Set(steps_);
        (*current_)[variable] = steps_;
        break;
      case 2: {
        const auto token = variables_[variable]->Set(steps_);
        variables_[variable]->Reset(token);
        break;
      }
      case 3:
        test_->CallSoon(InCopy());
        break;
      case 4:
        test_->CallLater(delay, InCopy());
        break;
      case 5:
        ASSERT_TRUE(test_->CallSoonThreadsafe(InCopy()).ok());
        break;
      case 6:
        test_->CallSoon(In(known), known.context);
        break;
      case 7:
        test_->CallLater(delay, In(known), known.context);
        break;
      case 8: {
        Context context = known.context;
        if (++depth_ < 20) context.Run(In(known));
        --depth_;
        break;
      }
      case 9:
        known_.emplace_back(Context::CopyCurrent(),
                            std::make_shared<Values>(*current_));
        break;
      case 10: {
        // Its own copy becomes known, at one of several moments.
        auto values = std::make_shared<Values>(*current_);
        auto handle = std::make_shared<Handle>();
        const bool inside = Random(2) == 0;
        *handle = test_->CallSoon([this, values, handle, inside, known] {
          As(values, [&] {
            DoSomeThings();
            Context other = known.context;
            if (inside) other.Run([&] { (void)handle->context(); });
            known_.emplace_back(handle->context(), values);
            DoSomeThings();
          });
          *handle = Handle();
        });
        if (Random(2) == 0) known_.emplace_back(handle->context(), values);
        break;
      }
    }
    Check();
  }

  const ContextVar<int> a_{"a"}, b_{"b"}, c_{"c"}, d_{"d"};
  const std::vector<const ContextVar<int>*> variables_ = {&a_, &b_, &c_, &d_};
  TestLoop test_{[] {
    TestLoopOptions options;
    options.seed = static_cast<uint64_t>(GetParam());
    return options;
  }()};
  std::vector<Known> known_;
  std::shared_ptr<Values> current_ = std::make_shared<Values>();
  int steps_ = 0;
  int depth_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Seeds, ContextModelTest, ::testing::Range(1, 51));

// CTX-01, CTX-02, CTX-03, HND-02
TEST_P(ContextModelTest, NoCallbackEverSeesAnothersValues) {
  known_.emplace_back(Context(), std::make_shared<Values>());
  for (int fd = kInventedFd; fd < kInventedFd + 3; ++fd) {
    ASSERT_TRUE(test_
                    ->AddReader(fd,
                                [this, fd, callback = InCopy()] {
                                  test_.selector().ClearReady(fd);
                                  callback();
                                })
                    .ok());
  }
  while (steps_ < kSteps) {
    test_->CallSoon(InCopy());
    test_.selector().SetReady(kInventedFd + Random(3), Interest::kRead);
    ASSERT_TRUE(test_.FastForwardBy(absl::Milliseconds(2)).ok());
  }
  Check();
}

}  // namespace
}  // namespace evkit

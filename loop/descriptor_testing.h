// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// For this package's tests with real descriptors: pipes, a list of what is
// open, a selector that counts, and every selector to test a loop with.

#ifndef EVKIT_LOOP_DESCRIPTOR_TESTING_H_
#define EVKIT_LOOP_DESCRIPTOR_TESTING_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <ostream>
#include <set>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "evkit/base/unique_fd.h"
#include "evkit/loop/event_loop.h"
#include "evkit/selectors/selector.h"

namespace evkit {

// Two connected descriptors, non-blocking and close-on-exec: data written to
// `write_end` come out of `read_end`. Those of a socket pair go both ways.
class Pipe {
 public:
  static Pipe Make();
  static Pipe MakeSocketPair();

  int read_fd() const { return read_end.get(); }
  int write_fd() const { return write_end.get(); }

  UniqueFd read_end;
  UniqueFd write_end;

 private:
  Pipe(int read_fd, int write_fd) : read_end(read_fd), write_end(write_fd) {}
};

// Whether one byte was moved.
bool WriteByte(int fd);
bool ReadByte(int fd);
// Writes until the other side must read first.
void FillUp(int fd);

// What this process has open.
std::set<int> OpenDescriptors();

// Makes `fd`, a number that was closed, the reading end of `pipe`: nothing is
// left to do if the pipe got that number by itself, else it is duplicated.
UniqueFd ReuseNumber(int fd, const Pipe& pipe);

// Passes everything on to another selector, and counts.
class CountingSelector final : public Selector {
 public:
  explicit CountingSelector(std::unique_ptr<Selector> selector)
      : selector_(std::move(selector)) {}

  int select_count() const { return select_count_; }
  size_t event_count() const { return event_count_; }

  absl::Status Register(int fd, Interest interest, uint64_t token) override {
    return selector_->Register(fd, interest, token);
  }
  absl::Status Modify(int fd, Interest interest, uint64_t token) override {
    return selector_->Modify(fd, interest, token);
  }
  absl::StatusOr<SelectorKey> Unregister(int fd) override {
    return selector_->Unregister(fd);
  }
  absl::StatusOr<SelectorKey> GetKey(int fd) const override {
    return selector_->GetKey(fd);
  }
  std::vector<SelectorKey> GetKeys() const override {
    return selector_->GetKeys();
  }
  size_t size() const override { return selector_->size(); }
  absl::Status Select(absl::Duration timeout,
                      std::vector<ReadyEvent>& events) override;
  void Close() override { selector_->Close(); }

 private:
  const std::unique_ptr<Selector> selector_;
  int select_count_ = 0;
  size_t event_count_ = 0;
};

// One implementation, as the parameter of a test.
struct SelectorKind {
  absl::string_view name;
  std::unique_ptr<Selector> (*make)();

  friend std::ostream& operator<<(std::ostream& out, const SelectorKind& kind) {
    return out << kind.name;
  }
};

// Those that wait for real descriptors.
std::vector<SelectorKind> AllSelectorKinds();

// A loop on such a selector, and the selector.
class CountedLoop {
 public:
  explicit CountedLoop(const SelectorKind& kind,
                       EventLoopOptions options = EventLoopOptions());

  EventLoop& operator*() { return *loop_; }
  EventLoop* operator->() { return loop_.get(); }
  // Gone with the loop.
  CountingSelector& selector() { return *selector_; }

  // Goes round `turns` times, without sleeping.
  void RunTurns(int turns);

 private:
  CountingSelector* selector_;
  std::unique_ptr<EventLoop> loop_;
};

}  // namespace evkit

#endif  // EVKIT_LOOP_DESCRIPTOR_TESTING_H_

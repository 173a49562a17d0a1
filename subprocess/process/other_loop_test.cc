// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Children of a loop that is not evkit's and watches none itself.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/child_watching.h"
#include "evkit/loop/default_event_loop.h"
#include "evkit/loop/event_loop.h"
#include "evkit/subprocess/exit_status.h"
#include "evkit/subprocess/internal/spawn_testing.h"
#include "evkit/subprocess/process/subprocess_transport.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using subprocess_internal::HasChildren;
using subprocess_internal::OpenFds;
using subprocess_internal::RunTestChild;

// Has another loop do everything, but for children.
class OtherLoop final : public AbstractEventLoop {
 public:
  ~OtherLoop() override { EXPECT_TRUE(Close().ok()); }

  MonotonicTime Time() const override { return loop_->Time(); }
  uint64_t Random() override { return loop_->Random(); }
  bool RemoveReader(int fd) override { return loop_->RemoveReader(fd); }
  bool RemoveWriter(int fd) override { return loop_->RemoveWriter(fd); }
  absl::Status RunForever() override { return loop_->RunForever(); }
  void Stop() override { loop_->Stop(); }
  bool IsRunning() const override { return loop_->IsRunning(); }
  absl::Status Close() override {
    absl::Status status = loop_->Close();
    if (status.ok()) DestroyLocals();
    return status;
  }
  bool IsClosed() const override { return loop_->IsClosed(); }
  ExceptionHandler SetExceptionHandler(ExceptionHandler handler) override {
    return loop_->SetExceptionHandler(std::move(handler));
  }
  void CallExceptionHandler(const ErrorContext& error) override {
    loop_->CallExceptionHandler(error);
  }
  void DefaultExceptionHandler(const ErrorContext& error) override {
    loop_->DefaultExceptionHandler(error);
  }
  void SetDebug(bool enabled) override { loop_->SetDebug(enabled); }
  bool GetDebug() const override { return loop_->GetDebug(); }
  std::string DebugString() const override { return "<OtherLoop>"; }

 private:
  Handle DoCallSoon(Callback&& callback, const Context* context,
                    SourceLocation where) override {
    return context == nullptr
               ? loop_->CallSoon(std::move(callback), where)
               : loop_->CallSoon(std::move(callback), *context, where);
  }
  absl::Status DoCallSoonThreadsafe(Callback&& callback, const Context* context,
                                    SourceLocation where) override {
    return context == nullptr
               ? loop_->CallSoonThreadsafe(std::move(callback), where)
               : loop_->CallSoonThreadsafe(std::move(callback), *context,
                                           where);
  }
  TimerHandle DoCallAt(MonotonicTime when, Callback&& callback,
                       const Context* context, SourceLocation where) override {
    return context == nullptr
               ? loop_->CallAt(when, std::move(callback), where)
               : loop_->CallAt(when, std::move(callback), *context, where);
  }
  absl::Status DoAddReader(int fd, Callback&& callback,
                           SourceLocation where) override {
    return loop_->AddReader(fd, std::move(callback), where);
  }
  absl::Status DoAddWriter(int fd, Callback&& callback,
                           SourceLocation where) override {
    return loop_->AddWriter(fd, std::move(callback), where);
  }

  const std::unique_ptr<EventLoop> loop_ = *NewDefaultEventLoop();
};

// Stops the loop when the child is gone.
class UntilLost : public SubprocessProtocol {
 public:
  explicit UntilLost(AbstractEventLoop& loop) : loop_(loop) {}

  void PipeDataReceived(int, absl::string_view data) override {
    output_.append(data);
  }
  void ProcessExited(ExitStatus status) override { status_ = status; }
  void ConnectionLost(const absl::Status&) override { loop_.Stop(); }

  const std::string& output() const { return output_; }
  std::optional<ExitStatus> status() const { return status_; }

 private:
  AbstractEventLoop& loop_;
  std::string output_;
  std::optional<ExitStatus> status_;
};

class OtherLoopTest : public ::testing::Test {
 protected:
  ~OtherLoopTest() override { EXPECT_FALSE(HasChildren()) << "not reaped"; }

  std::shared_ptr<UntilLost> Exec(SubprocessOptions options) {
    const auto protocol = std::make_shared<UntilLost>(*loop_);
    const absl::StatusOr<Subprocess> child = SubprocessExec(
        *loop_, [&protocol] { return protocol; }, std::move(options));
    EXPECT_TRUE(child.ok()) << child.status();
    return protocol;
  }

  std::unique_ptr<OtherLoop> loop_ = std::make_unique<OtherLoop>();
};

TEST_F(OtherLoopTest, GetsADefaultWatcherForItsChildren) {
  ASSERT_EQ(loop_->child_watching(), nullptr);
  for (const int code : {3, 4}) {
    SubprocessOptions options =
        RunTestChild({"say", "hello", "exit", std::to_string(code)});
    options.stdout_to = Stdio::Pipe();
    options.stderr_to = Stdio::Pipe();
    const auto protocol = Exec(std::move(options));
    ASSERT_TRUE(loop_->RunForever().ok());
    EXPECT_EQ(protocol->status(), ExitStatus::Exited(code));
    EXPECT_EQ(protocol->output(), "hello");
  }
}

TEST_F(OtherLoopTest, TakesTheWatcherAndTheChildrenWithIt) {
  const std::vector<int> before = OpenFds();
  loop_ = std::make_unique<OtherLoop>();
  SubprocessOptions options = RunTestChild({"wait"});
  options.stdin_from = Stdio::Pipe();
  const auto protocol = Exec(std::move(options));
  loop_.reset();
  EXPECT_FALSE(HasChildren());
  EXPECT_EQ(protocol->status(), std::nullopt) << "a closed loop tells nobody";
  loop_ = std::make_unique<OtherLoop>();
  EXPECT_EQ(OpenFds(), before);
}

TEST_F(OtherLoopTest, EvkitsLoopWatchesChildrenItself) {
  const std::unique_ptr<EventLoop> loop = *NewDefaultEventLoop();
  AbstractEventLoop& abstract = *loop;
  EXPECT_EQ(abstract.child_watching(), loop.get());
}

}  // namespace
}  // namespace evkit

// evkit's policy alone, as the registry of a loop that is the consumer's own:
// libraries written against evkit's interface find it.

#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "evkit/policy/event_loop_policy.h"
#include "evkit/policy/running_loop.h"
#include "expect.h"

namespace {

// The host's loop, as far as it goes: it runs what it was given, in order.
class HostLoop final : public evkit::AbstractEventLoop {
 public:
  evkit::MonotonicTime Time() const override { return evkit::MonotonicTime(); }
  uint64_t Random() override { return 4; }
  bool RemoveReader(int) override { return false; }
  bool RemoveWriter(int) override { return false; }
  absl::Status RunForever() override {
    const evkit::ScopedRunningLoop running(*this);
    for (stopping_ = false; !stopping_ && !queue_.empty();) {
      evkit::Callback next = std::move(queue_.front());
      queue_.pop_front();
      next();
    }
    return absl::OkStatus();
  }
  void Stop() override { stopping_ = true; }
  bool IsRunning() const override {
    return evkit::GetRunningLoopOrNull() == this;
  }
  absl::Status Close() override {
    queue_.clear();
    closed_ = true;
    DestroyLocals();
    return absl::OkStatus();
  }
  bool IsClosed() const override { return closed_; }
  evkit::ExceptionHandler SetExceptionHandler(
      evkit::ExceptionHandler handler) override {
    return std::exchange(handler_, std::move(handler));
  }
  void CallExceptionHandler(const evkit::ErrorContext& error) override {
    handler_ ? handler_(*this, error) : DefaultExceptionHandler(error);
  }
  void DefaultExceptionHandler(const evkit::ErrorContext& error) override {
    std::fprintf(stderr, "%s\n", error.ToString().c_str());
  }
  void SetDebug(bool) override {}
  bool GetDebug() const override { return false; }
  std::string DebugString() const override { return "<HostLoop>"; }

 protected:
  evkit::Handle DoCallSoon(evkit::Callback&& callback, const evkit::Context*,
                           evkit::SourceLocation) override {
    queue_.push_back(std::move(callback));
    return evkit::Handle();
  }
  absl::Status DoCallSoonThreadsafe(evkit::Callback&&, const evkit::Context*,
                                    evkit::SourceLocation) override {
    return absl::UnimplementedError("HostLoop has one thread");
  }
  evkit::TimerHandle DoCallAt(evkit::MonotonicTime, evkit::Callback&&,
                              const evkit::Context*,
                              evkit::SourceLocation) override {
    return evkit::TimerHandle();
  }
  absl::Status DoAddReader(int, evkit::Callback&&,
                           evkit::SourceLocation) override {
    return absl::UnimplementedError("HostLoop has no descriptors");
  }
  absl::Status DoAddWriter(int, evkit::Callback&&,
                           evkit::SourceLocation) override {
    return absl::UnimplementedError("HostLoop has no descriptors");
  }

 private:
  std::deque<evkit::Callback> queue_;
  evkit::ExceptionHandler handler_;
  bool stopping_ = false;
  bool closed_ = false;
};

}  // namespace

int main() {
  std::shared_ptr<evkit::EventLoopPolicy> policy =
      evkit::GetOrInstallEventLoopPolicy(
          []() -> absl::StatusOr<std::unique_ptr<evkit::AbstractEventLoop>> {
            return std::make_unique<HostLoop>();
          });
  EXPECT(evkit::GetEventLoopPolicy() == policy);

  // The main thread gets a loop for the asking, and the same one each time.
  auto loop = policy->GetEventLoop();
  EXPECT(loop.ok());
  EXPECT(*policy->GetEventLoop() == *loop);

  // Other threads have to say which.
  std::thread([&policy] {
    EXPECT(absl::IsFailedPrecondition(policy->GetEventLoop().status()));
    auto mine = policy->NewEventLoop();
    EXPECT(mine.ok());
    policy->SetEventLoop(mine->get());
    EXPECT(*policy->GetEventLoop() == mine->get());
    policy->SetEventLoop(nullptr);
  }).join();

  // What runs inside a loop finds it without being told.
  EXPECT(!evkit::GetRunningLoop().ok());
  evkit::AbstractEventLoop* seen = nullptr;
  (*loop)->CallSoon([&seen] { seen = evkit::GetRunningLoopOrNull(); });
  EXPECT((*loop)->RunForever().ok());
  EXPECT(seen == *loop);
  EXPECT(evkit::GetRunningLoopOrNull() == nullptr);
  EXPECT((*loop)->Close().ok());
}

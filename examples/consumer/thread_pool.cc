// evkit's thread pool alone, in a program without an event loop.

#include <atomic>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "evkit/loop/executor/thread_pool_executor.h"
#include "expect.h"

int main() {
  evkit::ThreadPoolExecutorOptions options;
  options.max_threads = 2;
  options.thread_name_prefix = "consumer";
  evkit::ThreadPoolExecutor pool(std::move(options));
  std::atomic<int> ran{0};
  int taken = 0;
  for (int i = 0; i < 100; ++i) {
    absl::StatusOr<evkit::JobHandle> job =
        pool.SubmitCancellable([&ran] { ++ran; });
    EXPECT(job.ok());
    // Every other one is taken back, if it is not too late.
    if (i % 2 == 0 || !job->Cancel()) ++taken;
  }
  EXPECT(pool.Shutdown().ok());
  EXPECT(ran == taken);
  EXPECT(absl::IsFailedPrecondition(pool.Submit([] {})));
}

// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// A pool of threads for work that blocks. Needs no loop: what was submitted
// runs, in the order in which it came, each piece on one of the pool's threads.
//
//   ThreadPoolExecutor pool;
//   absl::Status status = pool.Submit([] { Compress("a.log"); });
//
// With a loop use CallInExecutor() (loop/executor/call_in_executor.h), which
// brings the result back to the loop's thread.

#ifndef EVKIT_LOOP_EXECUTOR_THREAD_POOL_EXECUTOR_H_
#define EVKIT_LOOP_EXECUTOR_THREAD_POOL_EXECUTOR_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "evkit/base/executor.h"

namespace evkit {

namespace executor_internal {
struct JobPlace;
class ThreadPool;
}  // namespace executor_internal

// How a pool is made. Fill in a named object.
class ThreadPoolExecutorOptions {
 public:
  ThreadPoolExecutorOptions();

  // At most so many threads; at least 1 (checked). By default 4 more than the
  // CPUs that this process may use, but not more than 32 (EXE-02).
  int max_threads;
  // Threads are named `<prefix>_<index>`, from 0 (EXE-11). The kernel keeps 15
  // bytes of a name; the prefix is cut to leave room for the index.
  std::string thread_name_prefix = "evkit";
};

// How a pool is shut down. Fill in a named object.
class ShutdownOptions {
 public:
  ShutdownOptions() = default;

  // Jobs that have not started are destroyed instead of run, on the thread that
  // calls Shutdown().
  bool cancel_pending = false;
  // Return only when all the pool's threads have ended. If false, the pool's
  // destructor does not wait either.
  bool wait = true;
};

// Refers to one submitted job; copies refer to the same. A small value:
// dropping it does not cancel. Thread-safe, and may outlive the pool. A
// default-constructed handle refers to nothing.
class JobHandle {
 public:
  JobHandle() = default;

  // True if the job has not started and now never will: it leaves the queue and
  // is destroyed, on this thread, before the first such call returns. False if
  // it is running or has run, in a forked child, and if the handle refers to
  // nothing. A job that was destroyed by a shutdown counts as cancelled.
  bool Cancel();

 private:
  friend class ThreadPoolExecutor;
  JobHandle(std::shared_ptr<executor_internal::ThreadPool> pool,
            std::shared_ptr<executor_internal::JobPlace> place)
      : pool_(std::move(pool)), place_(std::move(place)) {}

  // Owned by the executor, its threads and handles.
  std::shared_ptr<executor_internal::ThreadPool> pool_;
  // Owned by the job while it is queued, and by its handles.
  std::shared_ptr<executor_internal::JobPlace> place_;
};

// Thread-safe, but for construction and destruction. Its functions may be
// called by the pool's own jobs too.
//
// Threads are started when they are needed: a job that finds no idle thread
// gets a new one, up to the limit, else it waits (EXE-11). They stay until
// shutdown. A thread has the signal mask of the thread whose call started it,
// as any other thread of the program.
//
// A job is destroyed right after it has run, on the thread that ran it. What it
// throws ends the program, as for any function of a thread (std::terminate);
// catch it in the job, or use CallInExecutor().
//
// A forked child inherits a pool without threads: there, every function is
// refused with kFailedPrecondition, nothing waits, and what was queued is never
// run nor destroyed.
class ThreadPoolExecutor final : public Executor {
 public:
  explicit ThreadPoolExecutor(
      ThreadPoolExecutorOptions options = ThreadPoolExecutorOptions());
  ThreadPoolExecutor(const ThreadPoolExecutor&) = delete;
  ThreadPoolExecutor& operator=(const ThreadPoolExecutor&) = delete;

  // `Shutdown()`, which runs what is queued and waits for all of it; unless
  // `Shutdown()` was called without `wait`, or this is one of the pool's own
  // jobs: then it does not wait, and the threads go on by themselves, sharing
  // nothing with the executor, until they have run what was queued. One that is
  // stuck in a job stays until the job or the process ends.
  ~ThreadPoolExecutor() override;

  // Queues `work`.
  //   kFailedPrecondition: after shutdown, and in a forked child.
  //   Other errors of pthread_create(3), as kUnavailable (EAGAIN, too many
  //     threads): only if there is no thread at all. Otherwise the job waits
  //     for the threads there are, and the next one tries again to start one.
  // After an error `work` has been destroyed on this thread. A null `work` is a
  // bug (checked).
  absl::Status Submit(absl::AnyInvocable<void() &&> work) override;

  // The same, with a handle by which the job can be taken back as long as it
  // has not started (EXE-04).
  absl::StatusOr<JobHandle> SubmitCancellable(
      absl::AnyInvocable<void() &&> work);

  // Refuses jobs from now on, runs those that are queued unless told otherwise,
  // and ends each thread when nothing is left for it. May be called again, to
  // cancel or to wait after all.
  //   kFailedPrecondition: `wait` in one of the pool's own jobs, which cannot
  //     wait for its own end: the rest has been done. Or a forked child:
  //     nothing has been done.
  absl::Status Shutdown(ShutdownOptions options = ShutdownOptions());

  // Begins the same and returns. `on_ended` is called once, when every thread
  // has finished its last job: by the thread that is the last to do so, at its
  // very end, or in this call if there is no thread (any more). If a job never
  // ends, it is never called. `Shutdown()` then waits for no job any more, only
  // for threads to leave.
  //   kFailedPrecondition: in a forked child; `on_ended` will not be called.
  absl::Status ShutdownAsync(absl::AnyInvocable<void() &&> on_ended,
                             bool cancel_pending = false);

  // `<ThreadPoolExecutor threads=2 idle=1 queued=0>`: as it is at this moment,
  // and may not be any more at the next. After a fork `<ThreadPoolExecutor of
  // the parent process>`.
  std::string DebugString() const;

 private:
  // Shared with the pool's threads and with handles, which may outlive this.
  std::shared_ptr<executor_internal::ThreadPool> pool_;
};

}  // namespace evkit

#endif  // EVKIT_LOOP_EXECUTOR_THREAD_POOL_EXECUTOR_H_

// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// A tour of the event loop, in one thread and a fraction of a second: timers, a
// TCP echo service, posts from other threads, child processes, all at once.
// Then a summary. Exits non-zero if anything that it claims did not happen.
//
//   $ bazel run //examples:tour

#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "evkit/loop/default_event_loop.h"
#include "evkit/subprocess/spawn.h"
#include "examples/tour_echo.h"

namespace {

using ::evkit::EventLoop;
using ::evkit::ExitStatus;
using ::evkit::MonotonicTime;

// One stop of the tour: does something on the loop, and says what it saw.
class Station {
 public:
  Station(std::string name, EventLoop& loop)
      : name_(std::move(name)), loop_(loop) {}
  virtual ~Station() = default;

  // Sets things going. `when_done` is called once, when the station is done.
  virtual absl::Status Start(std::function<void()> when_done) = 0;
  // Whether everything happened as it should; and what, in a line.
  virtual bool Kept() const = 0;
  virtual std::string Tell() const = 0;

  const std::string& name() const { return name_; }

 protected:
  EventLoop& loop() { return loop_; }

 private:
  const std::string name_;
  EventLoop& loop_;
};

class Timers : public Station {
 public:
  explicit Timers(EventLoop& loop) : Station("timers", loop) {}

  absl::Status Start(std::function<void()> when_done) override {
    // Armed in the wrong order on purpose.
    for (const int ms : {60, 20, 40}) {
      const MonotonicTime due = loop().Time() + absl::Milliseconds(ms);
      loop().CallAt(due, [this, ms, due, when_done] {
        fired_.push_back(ms);
        late_.push_back(loop().Time() - due);
        if (fired_.size() == 3) when_done();
      });
    }
    evkit::TimerHandle never = loop().CallLater(
        absl::Milliseconds(30), [this] { fired_.push_back(-1); });
    never.Cancel();
    return absl::OkStatus();
  }

  bool Kept() const override {
    for (const absl::Duration late : late_) {
      if (late < absl::ZeroDuration()) return false;
    }
    return fired_ == std::vector<int>{20, 40, 60};
  }

  std::string Tell() const override {
    std::vector<std::string> parts;
    for (size_t i = 0; i < fired_.size(); ++i) {
      parts.push_back(absl::StrFormat("%d ms (+%.0f us)", fired_[i],
                                      absl::ToDoubleMicroseconds(late_[i])));
    }
    return "fired at " + absl::StrJoin(parts, ", ") +
           "; a fourth was cancelled and stayed silent";
  }

 private:
  std::vector<int> fired_;
  std::vector<absl::Duration> late_;
};

class Echo : public Station {
 public:
  explicit Echo(EventLoop& loop) : Station("echo", loop) {}

  absl::Status Start(std::function<void()> when_done) override {
    absl::StatusOr<std::unique_ptr<evkit_tour::EchoServer>> server =
        evkit_tour::EchoServer::Listen(loop());
    if (!server.ok()) return server.status();
    server_ = *std::move(server);
    for (int i = 0; i < kClients; ++i) {
      // Each a message of its own, larger than any socket's buffer.
      std::string message;
      while (message.size() < kMessageSize) {
        absl::StrAppendFormat(&message, "client %d at %d\n", i, message.size());
      }
      absl::StatusOr<std::unique_ptr<evkit_tour::EchoClient>> client =
          evkit_tour::EchoClient::Connect(loop(), server_->port(),
                                          std::move(message),
                                          [this, when_done](bool same) {
                                            same_ += same ? 1 : 0;
                                            if (++done_ == kClients)
                                              when_done();
                                          });
      if (!client.ok()) return client.status();
      clients_.push_back(*std::move(client));
    }
    return absl::OkStatus();
  }

  bool Kept() const override {
    return same_ == kClients && server_->connections_seen() == kClients;
  }

  std::string Tell() const override {
    return absl::StrFormat(
        "%d TCP clients on 127.0.0.1:%d sent %d KiB each; %d got every byte "
        "back",
        kClients, server_->port(), kMessageSize / 1024, same_);
  }

 private:
  static constexpr int kClients = 4;
  static constexpr size_t kMessageSize = 512 * 1024;

  std::unique_ptr<evkit_tour::EchoServer> server_;
  std::vector<std::unique_ptr<evkit_tour::EchoClient>> clients_;
  int done_ = 0;
  int same_ = 0;
};

class Threads : public Station {
 public:
  explicit Threads(EventLoop& loop) : Station("threads", loop) {}
  ~Threads() override {
    for (std::thread& thread : threads_) thread.join();
  }

  absl::Status Start(std::function<void()> when_done) override {
    for (int i = 0; i < kThreads; ++i) {
      threads_.emplace_back([this, i, when_done] {
        for (int j = 0; j < kPosts; ++j) {
          const absl::Status status =
              loop().CallSoonThreadsafe([this, i, j, when_done] {
                in_order_ += next_[i] == j ? 1 : 0;
                ++next_[i];
                in_this_thread_ += std::this_thread::get_id() == here_ ? 1 : 0;
                if (++posts_ == kThreads * kPosts) when_done();
              });
          if (!status.ok()) {
            std::fprintf(stderr, "%s\n", status.ToString().c_str());
            return;
          }
        }
      });
    }
    return absl::OkStatus();
  }

  bool Kept() const override {
    return posts_ == kThreads * kPosts && in_order_ == posts_ &&
           in_this_thread_ == posts_;
  }

  std::string Tell() const override {
    return absl::StrFormat(
        "%d threads posted %d callbacks each; %d ran, all here, each thread's "
        "in order",
        kThreads, kPosts, posts_);
  }

 private:
  static constexpr int kThreads = 3;
  static constexpr int kPosts = 1000;

  const std::thread::id here_ = std::this_thread::get_id();
  std::vector<std::thread> threads_;
  std::vector<int> next_ = std::vector<int>(kThreads);
  int posts_ = 0;
  int in_order_ = 0;
  int in_this_thread_ = 0;
};

class Children : public Station {
 public:
  explicit Children(EventLoop& loop) : Station("children", loop) {}

  absl::Status Start(std::function<void()> when_done) override {
    const std::vector<std::pair<std::string, ExitStatus>> commands = {
        {"true", ExitStatus::Exited(0)},
        {"exit 3", ExitStatus::Exited(3)},
        {"kill -TERM $$", ExitStatus::Signaled(SIGTERM)}};
    left_ = commands.size();
    for (const auto& [command, expected] : commands) {
      evkit::SpawnOptions options;
      options.argv = {"/bin/sh", "-c", command};
      absl::StatusOr<evkit::Child> child = evkit::Spawn(options);
      if (!child.ok()) return child.status();
      const size_t index = seen_.size();
      seen_.push_back("'" + command + "': running");
      const absl::Status status = loop().WatchSpawnedChild(
          child->pid, child->pidfd.get(),
          [this, index, command = command, expected = expected, when_done](
              pid_t, ExitStatus ending) {
            seen_[index] = "'" + command + "': " + ending.ToString();
            as_expected_ += ending == expected ? 1 : 0;
            if (--left_ == 0) when_done();
          });
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }

  bool Kept() const override { return as_expected_ == 3; }

  std::string Tell() const override { return absl::StrJoin(seen_, ", "); }

 private:
  std::vector<std::string> seen_;
  size_t left_ = 0;
  int as_expected_ = 0;
};

absl::Duration CpuTime() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return absl::DurationFromTimeval(usage.ru_utime) +
         absl::DurationFromTimeval(usage.ru_stime);
}

absl::StatusOr<bool> Run() {
  absl::StatusOr<std::unique_ptr<EventLoop>> made =
      evkit::NewDefaultEventLoop();
  if (!made.ok()) return made.status();
  EventLoop& loop = **made;

  std::vector<std::unique_ptr<Station>> stations;
  stations.push_back(std::make_unique<Timers>(loop));
  stations.push_back(std::make_unique<Echo>(loop));
  stations.push_back(std::make_unique<Threads>(loop));
  stations.push_back(std::make_unique<Children>(loop));

  const MonotonicTime start = loop.Time();
  std::vector<absl::Duration> took(stations.size());
  size_t left = stations.size();
  // Timers last: what the others do before the loop runs would delay them.
  for (size_t i = stations.size(); i-- > 0;) {
    const absl::Status status =
        stations[i]->Start([&loop, &took, &left, start, i] {
          took[i] = loop.Time() - start;
          if (--left == 0) loop.Stop();
        });
    if (!status.ok()) return status;
  }
  bool patient = true;
  loop.CallLater(absl::Seconds(20), [&loop, &patient] {
    patient = false;
    loop.Stop();
  });
  if (absl::Status status = loop.RunForever(); !status.ok()) return status;
  const absl::Duration wall = loop.Time() - start;

  std::printf("\nevkit: one event loop, one thread, everything at once\n\n");
  bool all_kept = patient;
  for (size_t i = 0; i < stations.size(); ++i) {
    const bool kept = stations[i]->Kept();
    all_kept = all_kept && kept;
    std::printf("  %s %-9s %s  [%.0f ms]\n", kept ? "ok  " : "FAIL",
                stations[i]->name().c_str(), stations[i]->Tell().c_str(),
                absl::ToDoubleMilliseconds(took[i]));
  }
  std::printf("\n  %s in %.0f ms, %.0f ms of them on a CPU. %s\n\n",
              all_kept ? "All of it happened" : "Not all of it happened",
              absl::ToDoubleMilliseconds(wall),
              absl::ToDoubleMilliseconds(CpuTime()),
              all_kept ? "Next: examples/tour.cc shows how." : "");
  stations.clear();
  if (absl::Status status = loop.Close(); !status.ok()) return status;
  return all_kept;
}

}  // namespace

int main() {
  const absl::StatusOr<bool> all_kept = Run();
  if (!all_kept.ok()) {
    std::fprintf(stderr, "tour: %s\n", all_kept.status().ToString().c_str());
    return 1;
  }
  return *all_kept ? 0 : 1;
}

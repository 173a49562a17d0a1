// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/subprocess/process/process.h"

#include <array>
#include <tuple>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "evkit/base/check.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/coro/future.h"
#include "evkit/loop/coro/gather.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/net/streams/internal/reader_state.h"
#include "evkit/net/streams/internal/writer_state.h"
#include "evkit/policy/running_loop.h"
#include "evkit/subprocess/process/subprocess_protocol.h"

namespace evkit {
namespace subprocess_internal {
namespace {

using net_internal::ReaderState;
using net_internal::WriterState;

// A reader that closes its pipe when the last handle is gone.
std::shared_ptr<ReaderState> NewReaderState(
    size_t limit, const std::shared_ptr<Transport>& pipe) {
  std::shared_ptr<ReaderState> state(
      new ReaderState(limit),
      [weak = std::weak_ptr<Transport>(pipe)](ReaderState* reader) {
        delete reader;
        const std::shared_ptr<Transport> transport = weak.lock();
        // A loop that is being closed closes its pipes.
        if (transport == nullptr || transport->IsClosing() ||
            transport->loop().IsClosed()) {
          return;
        }
        transport->Close();
      });
  state->set_transport(pipe.get());
  return state;
}

// Feeds the streams, and tells who waits for the exit.
class ProcessProtocol final : public SubprocessProtocol {
 public:
  ProcessProtocol() = default;

  void ConnectionMade(std::shared_ptr<SubprocessTransport> transport) override {
    transport_ = std::move(transport);
    CloseIfOver();
  }
  void ConnectionLost(const absl::Status&) override { transport_.reset(); }
  void PipeDataReceived(int fd, absl::string_view data) override {
    const std::shared_ptr<ReaderState> state = reader(fd).lock();
    if (state != nullptr) state->Feed(data);
  }
  void PipeConnectionLost(int fd, const absl::Status& status) override {
    if (fd == 0) {
      writer_->ConnectionLost(status);
      return;
    }
    --open_outputs_;
    if (const std::shared_ptr<ReaderState> state = reader(fd).lock()) {
      state->set_transport(nullptr);
      if (status.ok()) {
        state->FeedEof();
      } else {
        state->SetError(status);
      }
    }
    CloseIfOver();
  }
  void ProcessExited(ExitStatus status) override {
    exit_ = status;
    for (const Future<ExitStatus>& waiter : std::exchange(waiters_, {})) {
      // One that was cancelled does not care.
      waiter.SetResult(status).IgnoreError();
    }
    CloseIfOver();
  }
  void PauseWriting() override { writer_->Pause(); }
  void ResumeWriting() override { writer_->Resume(); }

  std::shared_ptr<WriterState> AddWriter(std::shared_ptr<Transport> pipe) {
    writer_ = std::make_shared<WriterState>(nullptr);
    writer_->ConnectionMade(std::move(pipe));
    return writer_;
  }
  void AddReader(int fd, const std::shared_ptr<ReaderState>& state) {
    reader(fd) = state;
    ++open_outputs_;
  }
  Future<ExitStatus> AddWaiter(AbstractEventLoop& loop) {
    std::erase_if(waiters_, [](const auto& waiter) { return waiter.done(); });
    waiters_.push_back(CreateFuture<ExitStatus>(loop));
    return waiters_.back();
  }

 private:
  std::weak_ptr<ReaderState>& reader(int fd) {
    return readers_[static_cast<size_t>(fd) - 1];
  }
  // SUB-24: whoever else has its stdin need not be waited for.
  void CloseIfOver() {
    if (exit_.has_value() && open_outputs_ == 0 && transport_ != nullptr) {
      transport_->Close();
    }
  }

  std::shared_ptr<SubprocessTransport> transport_;
  std::shared_ptr<WriterState> writer_;
  // Owned by the handles, and by nobody else: without any, nobody can read.
  std::array<std::weak_ptr<ReaderState>, 2> readers_;
  int open_outputs_ = 0;
  std::optional<ExitStatus> exit_;
  std::vector<Future<ExitStatus>> waiters_;
};

}  // namespace

// What the handles of a process share.
class ProcessState {
 public:
  ProcessState(Subprocess subprocess, size_t limit, bool kill)
      : transport(std::move(subprocess.transport)),
        protocol(std::static_pointer_cast<ProcessProtocol>(
            std::move(subprocess.protocol))),
        kill_on_drop_(kill) {
    if (auto pipe = transport->GetPipeTransport(0)) {
      writer.emplace(protocol->AddWriter(std::move(pipe)));
    }
    for (const int fd : {1, 2}) {
      const std::shared_ptr<Transport> pipe = transport->GetPipeTransport(fd);
      if (pipe == nullptr) continue;
      const std::shared_ptr<ReaderState> state = NewReaderState(limit, pipe);
      protocol->AddReader(fd, state);
      readers[static_cast<size_t>(fd) - 1].emplace(state);
    }
  }
  ProcessState(const ProcessState&) = delete;
  ProcessState& operator=(const ProcessState&) = delete;
  ~ProcessState() {
    if (kill_on_drop_ && !transport->exit_status().has_value()) {
      // Gone is what it should be.
      transport->Kill().IgnoreError();
    }
    // On purpose, not forgotten.
    if (writer.has_value() && !transport->IsClosing() &&
        !transport->loop().IsClosed()) {
      writer->Close();
    }
  }

  const std::shared_ptr<SubprocessTransport> transport;
  const std::shared_ptr<ProcessProtocol> protocol;
  std::optional<StreamWriter> writer;
  std::array<std::optional<StreamReader>, 2> readers;
  // What Communicate() has done so far.
  bool input_sent = false;
  std::array<std::optional<std::string>, 2> collected;

 private:
  const bool kill_on_drop_;
};

namespace {

using StateRef = std::shared_ptr<ProcessState>;

Coro<ExitStatus> WaitForExit(StateRef state) {
  if (const auto exit = state->transport->exit_status()) co_return *exit;
  const absl::StatusOr<AbstractEventLoop*> loop = GetRunningLoop();
  if (!loop.ok()) co_return loop.status();
  if (*loop != &state->transport->loop()) {
    co_return absl::FailedPreconditionError(
        "Process.Wait: the process belongs to another loop");
  }
  const Future<ExitStatus> exit = state->protocol->AddWaiter(**loop);
  co_return co_await exit;
}

// All of an output, kept where a second call finds it.
Coro<void> Collect(StateRef state, size_t which) {
  if (state->collected[which].has_value()) co_return absl::OkStatus();
  absl::StatusOr<std::string> all = co_await state->readers[which]->ReadAll();
  if (!all.ok()) co_return all.status();
  state->collected[which] = *std::move(all);
  co_return absl::OkStatus();
}

Coro<void> CollectBoth(StateRef state) {
  auto [out, err] =
      co_await OrReturn(GatherOutcomes(Collect(state, 0), Collect(state, 1)));
  co_await OrReturn(out);
  co_return err;
}

absl::Status SendInput(ProcessState& state, absl::string_view input) {
  if (!state.writer.has_value()) {
    if (input.empty()) return absl::OkStatus();
    return absl::InvalidArgumentError(
        "Process.Communicate: input, but stdin is not a pipe");
  }
  if (std::exchange(state.input_sent, true)) return absl::OkStatus();
  // What does not get through is nobody's concern (SUB-19).
  absl::Status status = state.writer->Write(input);
  state.writer->Close();
  return status;
}

Coro<ProcessOutput> DoCommunicate(StateRef state, std::string input) {
  co_await OrReturn(SendInput(*state, input));
  input = std::string();
  const bool out = state->readers[0].has_value();
  const bool err = state->readers[1].has_value();
  if (out && err) {
    co_await OrReturn(CollectBoth(state));
  } else if (out || err) {
    co_await OrReturn(Collect(state, out ? 0 : 1));
  }
  ProcessOutput output;
  output.status = co_await OrReturn(WaitForExit(state));
  output.out = std::exchange(state->collected[0], std::nullopt);
  output.err = std::exchange(state->collected[1], std::nullopt);
  co_return output;
}

ProcessState& Valid(const StateRef& state) {
  EVKIT_CHECK(state != nullptr, "a Process without a child");
  return *state;
}

absl::StatusOr<Process> NewProcess(absl::StatusOr<Subprocess> started,
                                   const ProcessOptions& options) {
  if (!started.ok()) return started.status();
  return Process(std::make_shared<ProcessState>(
      *std::move(started), options.stream_limit, options.kill_on_drop));
}

std::shared_ptr<SubprocessProtocol> NewProtocol() {
  return std::make_shared<ProcessProtocol>();
}

}  // namespace
}  // namespace subprocess_internal

pid_t Process::pid() const { return transport()->pid(); }

std::optional<ExitStatus> Process::exit_status() const {
  return transport()->exit_status();
}

std::optional<int> Process::returncode() const {
  return transport()->returncode();
}

const StreamWriter* Process::stdin_writer() const {
  const auto& writer = subprocess_internal::Valid(state_).writer;
  return writer.has_value() ? &*writer : nullptr;
}

const StreamReader* Process::stdout_reader() const {
  const auto& reader = subprocess_internal::Valid(state_).readers[0];
  return reader.has_value() ? &*reader : nullptr;
}

const StreamReader* Process::stderr_reader() const {
  const auto& reader = subprocess_internal::Valid(state_).readers[1];
  return reader.has_value() ? &*reader : nullptr;
}

Coro<ExitStatus> Process::Wait() const {
  subprocess_internal::Valid(state_);
  return subprocess_internal::WaitForExit(state_);
}

Coro<ProcessOutput> Process::Communicate(std::string input) const {
  subprocess_internal::Valid(state_);
  return subprocess_internal::DoCommunicate(state_, std::move(input));
}

absl::Status Process::SendSignal(int signal) const {
  return transport()->SendSignal(signal);
}

const std::shared_ptr<SubprocessTransport>& Process::transport() const {
  return subprocess_internal::Valid(state_).transport;
}

Coro<Process> CreateSubprocessExec(ProcessOptions options) {
  EVKIT_CHECK(options.stream_limit > 0, "stream_limit is 0");
  AbstractEventLoop* const loop = co_await OrReturn(GetRunningLoop());
  co_return subprocess_internal::NewProcess(
      SubprocessExec(*loop, &subprocess_internal::NewProtocol, options),
      options);
}

Coro<Process> CreateSubprocessShell(std::string command,
                                    ProcessOptions options) {
  EVKIT_CHECK(options.stream_limit > 0, "stream_limit is 0");
  AbstractEventLoop* const loop = co_await OrReturn(GetRunningLoop());
  co_return subprocess_internal::NewProcess(
      SubprocessShell(*loop, &subprocess_internal::NewProtocol,
                      std::move(command), options),
      options);
}

}  // namespace evkit

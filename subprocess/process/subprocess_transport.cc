// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/subprocess/process/subprocess_transport.h"

#include <array>
#include <cerrno>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "evkit/base/check.h"
#include "evkit/base/errno_status.h"
#include "evkit/base/unique_fd.h"
#include "evkit/net/internal/call_protocol.h"
#include "evkit/net/internal/open_transports.h"
#include "evkit/net/pipes/pipe_transport.h"
#include "evkit/subprocess/process/internal/loop_children.h"
#include "evkit/subprocess/process/internal/running_child.h"

namespace evkit {
namespace {

using net_internal::OpenTransport;
using net_internal::OpenTransports;
using subprocess_internal::RunningChild;
using subprocess_internal::WatchSpawnedChild;

constexpr int kPipes = 3;

class ChildTransport;

// Passes on what happens to one pipe.
class PipeProtocol final : public Protocol {
 public:
  PipeProtocol(std::shared_ptr<ChildTransport> child, int fd)
      : child_(std::move(child)), fd_(fd) {}

  void DataReceived(absl::string_view data) override;
  void ConnectionLost(const absl::Status& status) override;
  void PauseWriting() override;
  void ResumeWriting() override;

 private:
  // The pipe lets go of this when it is lost.
  const std::shared_ptr<ChildTransport> child_;
  const int fd_;
};

class ChildTransport final
    : public SubprocessTransport,
      public OpenTransport,
      public std::enable_shared_from_this<ChildTransport> {
 public:
  ChildTransport(AbstractEventLoop& loop, RunningChild child,
                 std::shared_ptr<SubprocessProtocol> protocol)
      : loop_(loop), child_(std::move(child)), protocol_(std::move(protocol)) {}

  absl::Status Start(int pidfd, std::array<UniqueFd, kPipes> pipes);

  pid_t pid() const override { return child_.pid(); }
  std::optional<ExitStatus> exit_status() const override { return exit_; }
  std::shared_ptr<Transport> GetPipeTransport(int fd) const override {
    return fd >= 0 && fd < kPipes ? pipes_[static_cast<size_t>(fd)] : nullptr;
  }
  absl::Status SendSignal(int signal) override;
  void Close() override;
  bool IsClosing() const override { return closing_; }
  std::shared_ptr<SubprocessProtocol> GetProtocol() const override {
    return protocol_;
  }
  AbstractEventLoop& loop() const override { return loop_; }

  void LoopClosed() override;

  // Calls `function` with the protocol, which is there until the end, unless
  // the child could not be watched.
  template <typename F>
  void Tell(absl::string_view name, F&& function) {
    const std::shared_ptr<SubprocessProtocol> protocol = protocol_;
    if (protocol != nullptr) Tell(*protocol, name, std::forward<F>(function));
  }
  void PipeLost(int fd, const absl::Status& status);

 private:
  template <typename F>
  void Tell(SubprocessProtocol& protocol, absl::string_view name,
            F&& function) {
    net_internal::CallProtocol(
        loop_, absl::StrCat("SubprocessProtocol::", name, "() failed"),
        [this] { return absl::StrCat("subprocess, pid=", pid()); },
        [&] { function(protocol); });
  }
  absl::Status ConnectPipes(std::array<UniqueFd, kPipes> pipes);
  void Abandon();
  void Exited(ExitStatus status);
  void FinishIfOver();
  void Finish();

  AbstractEventLoop& loop_;
  const RunningChild child_;
  std::shared_ptr<SubprocessProtocol> protocol_;
  std::array<std::shared_ptr<Transport>, kPipes> pipes_;
  int open_pipes_ = 0;
  std::optional<ExitStatus> exit_;
  bool closing_ = false;
  bool finished_ = false;
};

void PipeProtocol::DataReceived(absl::string_view data) {
  child_->Tell("PipeDataReceived", [&](SubprocessProtocol& protocol) {
    protocol.PipeDataReceived(fd_, data);
  });
}

void PipeProtocol::ConnectionLost(const absl::Status& status) {
  child_->PipeLost(fd_, status);
}

void PipeProtocol::PauseWriting() {
  child_->Tell("PauseWriting",
               [](SubprocessProtocol& protocol) { protocol.PauseWriting(); });
}

void PipeProtocol::ResumeWriting() {
  child_->Tell("ResumeWriting",
               [](SubprocessProtocol& protocol) { protocol.ResumeWriting(); });
}

absl::Status ChildTransport::Start(int pidfd,
                                   std::array<UniqueFd, kPipes> pipes) {
  absl::Status status = ConnectPipes(std::move(pipes));
  if (status.ok()) {
    status =
        WatchSpawnedChild(loop_, pid(), pidfd,
                          [self = shared_from_this()](pid_t, ExitStatus exit) {
                            self->Exited(exit);
                          });
  }
  if (!status.ok()) {
    Abandon();
    return status;
  }
  OpenTransports::Of(loop_).Add(shared_from_this());
  // The pipes begin in this turn too, but nothing comes before the next.
  loop_.CallSoon([self = shared_from_this()] {
    self->Tell("ConnectionMade", [&](SubprocessProtocol& protocol) {
      protocol.ConnectionMade(self);
    });
  });
  return absl::OkStatus();
}

absl::Status ChildTransport::ConnectPipes(std::array<UniqueFd, kPipes> pipes) {
  for (int fd = 0; fd < kPipes; ++fd) {
    UniqueFd& pipe = pipes[static_cast<size_t>(fd)];
    if (!pipe) continue;
    auto protocol = std::make_shared<PipeProtocol>(shared_from_this(), fd);
    absl::StatusOr<std::shared_ptr<Transport>> transport =
        fd == 0
            ? NewWritePipeTransport(loop_, std::move(pipe), std::move(protocol))
            : NewReadPipeTransport(loop_, std::move(pipe), std::move(protocol));
    if (!transport.ok()) return transport.status();
    pipes_[static_cast<size_t>(fd)] = *std::move(transport);
    ++open_pipes_;
  }
  return absl::OkStatus();
}

// Nobody is ever told that there was a child.
void ChildTransport::Abandon() {
  closing_ = finished_ = true;
  protocol_.reset();
  for (const std::shared_ptr<Transport>& pipe : pipes_) {
    if (pipe != nullptr) pipe->Abort();
  }
  child_.KillAndReap();
}

absl::Status ChildTransport::SendSignal(int signal) {
  if (!child_.whole_group()) {
    if (finished_) {
      return StatusFromErrno(
          ESRCH, absl::StrCat("SendSignal(pid=", pid(), ", ", signal, ")"));
    }
    if (exit_.has_value()) return absl::OkStatus();
  }
  absl::Status status = child_.Signal(signal);
  // Reaped, which is still to be told.
  if (!finished_ && ErrnoFromStatus(status) == ESRCH) return absl::OkStatus();
  return status;
}

void ChildTransport::Close() {
  if (closing_) return;
  closing_ = true;
  for (const std::shared_ptr<Transport>& pipe : pipes_) {
    if (pipe != nullptr) pipe->Close();
  }
  // The group may have more members than the child. Gone is what they should
  // be.
  if (!exit_.has_value() || child_.whole_group()) {
    child_.Signal(SIGKILL).IgnoreError();
  }
}

void ChildTransport::LoopClosed() {
  closing_ = finished_ = true;
  if (!exit_.has_value()) child_.KillAndReap();
  const std::shared_ptr<SubprocessProtocol> protocol = std::move(protocol_);
}

void ChildTransport::PipeLost(int fd, const absl::Status& status) {
  --open_pipes_;
  Tell("PipeConnectionLost", [&](SubprocessProtocol& protocol) {
    protocol.PipeConnectionLost(fd, status);
  });
  FinishIfOver();
}

void ChildTransport::Exited(ExitStatus status) {
  exit_ = status;
  Tell("ProcessExited",
       [&](SubprocessProtocol& protocol) { protocol.ProcessExited(status); });
  FinishIfOver();
}

void ChildTransport::FinishIfOver() {
  if (!exit_.has_value() || open_pipes_ > 0 || finished_) return;
  loop_.CallSoon([self = shared_from_this()] { self->Finish(); });
}

void ChildTransport::Finish() {
  closing_ = finished_ = true;
  const std::shared_ptr<OpenTransport> self =
      OpenTransports::Of(loop_).Remove(*this);
  const std::shared_ptr<SubprocessProtocol> protocol = std::move(protocol_);
  Tell(*protocol, "ConnectionLost",
       [](SubprocessProtocol& told) { told.ConnectionLost(absl::OkStatus()); });
}

}  // namespace

absl::StatusOr<Subprocess> SubprocessExec(AbstractEventLoop& loop,
                                          SubprocessProtocolFactory factory,
                                          SubprocessOptions options) {
  if (loop.IsClosed()) {
    return absl::FailedPreconditionError(
        "SubprocessExec: the event loop is closed");
  }
  if (options.signal_whole_group && !options.start_new_session) {
    if (options.process_group.value_or(0) != 0) {
      return absl::InvalidArgumentError(
          "SubprocessExec: signal_whole_group wants a group of the child's "
          "own");
    }
    options.process_group = 0;
  }
  std::shared_ptr<SubprocessProtocol> protocol = factory();
  EVKIT_CHECK(protocol != nullptr, "the factory made no protocol");
  absl::StatusOr<Child> child = Spawn(options);
  if (!child.ok()) return child.status();

  const int pidfd = child->pidfd.get();
  auto transport = std::make_shared<ChildTransport>(
      loop,
      RunningChild(child->pid, std::move(child->pidfd),
                   options.signal_whole_group),
      protocol);
  absl::Status status = transport->Start(
      pidfd, {std::move(child->stdin_pipe), std::move(child->stdout_pipe),
              std::move(child->stderr_pipe)});
  if (!status.ok()) return status;
  return Subprocess(std::move(transport), std::move(protocol));
}

absl::StatusOr<Subprocess> SubprocessShell(AbstractEventLoop& loop,
                                           SubprocessProtocolFactory factory,
                                           std::string command,
                                           SubprocessOptions options) {
  if (!options.argv.empty() || !options.program.empty()) {
    return absl::InvalidArgumentError(
        "SubprocessShell: the shell is the program");
  }
  options.argv = {"/bin/sh", "-c", std::move(command)};
  return SubprocessExec(loop, std::move(factory), std::move(options));
}

}  // namespace evkit

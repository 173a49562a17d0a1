// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// For this package's tests: pipes, and a protocol that remembers.

#ifndef EVKIT_NET_PIPES_PIPE_TESTING_H_
#define EVKIT_NET_PIPES_PIPE_TESTING_H_

#include <fcntl.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "evkit/base/unique_fd.h"
#include "evkit/net/protocol.h"
#include "evkit/net/transport.h"
#include "gtest/gtest.h"

namespace evkit {

// The two ends of a new pipe; the test's own calls do not block either.
class PipeEnds {
 public:
  PipeEnds() {
    int fds[2];
    EXPECT_EQ(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    read_end = UniqueFd(fds[0]);
    write_end = UniqueFd(fds[1]);
  }

  UniqueFd read_end;
  UniqueFd write_end;
};

inline bool IsOpen(int fd) { return fcntl(fd, F_GETFD) >= 0; }

// Writes all of `data`, which has to fit.
inline void WriteTo(const UniqueFd& fd, absl::string_view data) {
  EXPECT_EQ(write(fd.get(), data.data(), data.size()),
            static_cast<ssize_t>(data.size()));
}

// All that is there.
inline std::string ReadAll(const UniqueFd& fd) {
  std::string all;
  char buffer[65536];
  for (;;) {
    const ssize_t size = read(fd.get(), buffer, sizeof(buffer));
    if (size <= 0) return all;
    all.append(buffer, static_cast<size_t>(size));
  }
}

// Notes each call as a word; `on` may do something about it.
class PipeProtocol : public Protocol {
 public:
  void ConnectionMade(std::shared_ptr<Transport> made) override {
    transport = std::move(made);
    Note("made");
  }
  void DataReceived(absl::string_view data) override {
    received.append(data);
    Note(data.size() <= 10 ? absl::StrCat("data ", data) : "data");
  }
  bool EofReceived() override {
    Note("eof");
    return true;
  }
  void ConnectionLost(const absl::Status& status) override {
    lost = status;
    Note("lost");
    transport.reset();
  }
  void PauseWriting() override { Note("pause"); }
  void ResumeWriting() override { Note("resume"); }

  std::shared_ptr<Transport> transport;
  std::vector<std::string> calls;
  std::string received;
  absl::Status lost = absl::UnknownError("not lost");
  std::function<void(const std::string&)> on;

 private:
  void Note(std::string call) {
    calls.push_back(call);
    if (on) on(call);
  }
};

}  // namespace evkit

#endif  // EVKIT_NET_PIPES_PIPE_TESTING_H_

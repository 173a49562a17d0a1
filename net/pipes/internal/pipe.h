// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// One end of a pipe, or of what counts as one.

#ifndef EVKIT_NET_PIPES_INTERNAL_PIPE_H_
#define EVKIT_NET_PIPES_INTERNAL_PIPE_H_

#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "evkit/base/unique_fd.h"
#include "evkit/net/socket.h"

namespace evkit::net_internal {

// Movable; non-blocking and close-on-exec.
class Pipe {
 public:
  // See NewReadPipeTransport() for the errors, after which `fd` is closed.
  static absl::StatusOr<Pipe> Adopt(UniqueFd fd);

  // -1 after Close().
  int fd() const { return fd_.get(); }
  void Close() { fd_.Reset(); }

  IoResult Read(absl::Span<char> buffer);
  // Never raises SIGPIPE.
  IoResult Write(absl::string_view data);

  // Whether a writer becomes readable when the reader is gone.
  bool tells_of_its_reader() const { return tells_of_its_reader_; }
  // Whether that is why this writer is readable.
  bool IsReaderGone();

 private:
  explicit Pipe(UniqueFd fd) : fd_(std::move(fd)) {}

  UniqueFd fd_;
  bool is_socket_ = false;
  bool tells_of_its_reader_ = false;
};

}  // namespace evkit::net_internal

#endif  // EVKIT_NET_PIPES_INTERNAL_PIPE_H_

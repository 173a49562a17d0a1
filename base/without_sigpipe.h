// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Writing to what nobody reads any more without being killed for it.

#ifndef EVKIT_BASE_WITHOUT_SIGPIPE_H_
#define EVKIT_BASE_WITHOUT_SIGPIPE_H_

#include <sys/types.h>

#include "absl/functional/function_ref.h"

namespace evkit {

// Makes one system call, which may write to a pipe or a socket whose other end
// is closed: then it fails with EPIPE, as if SIGPIPE were ignored. For the
// calls that have no MSG_NOSIGNAL: write(2), writev(2), sendfile(2). Returns
// what `call` returns, with its errno.
//
// The signal is blocked for this thread during the call, and taken back if it
// was raised: the process keeps its disposition of SIGPIPE, and its children
// inherit nothing. A SIGPIPE that this thread had blocked and pending before
// goes with it. Costs two system calls more, four if it was raised.
ssize_t WithoutSigpipe(absl::FunctionRef<ssize_t()> call);

}  // namespace evkit

#endif  // EVKIT_BASE_WITHOUT_SIGPIPE_H_

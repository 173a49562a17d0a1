// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Signals as ordinary callbacks of an event loop.
//
//   absl::Status added =
//       AddSignalHandler(loop, SIGTERM, [&loop] { loop.Stop(); });
//
// asyncio's add_signal_handler() and remove_signal_handler(), for any loop, on
// any thread (contract section 18).

#ifndef EVKIT_LOOP_SIGNALS_SIGNAL_HANDLERS_H_
#define EVKIT_LOOP_SIGNALS_SIGNAL_HANDLERS_H_

#include "absl/status/status.h"
#include "evkit/base/source_location.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/callback.h"

namespace evkit {

// Calls `callback` on the loop's thread for each delivery of `signal` from now
// on, in the order of the deliveries (up to 256 that wait; see
// signal_receiver.h). It is queued in the turn that sees the signal and runs in
// the next (SIG-02), may do whatever a callback may, and runs each time in the
// same copy of the context that is current here. While the loop does not run,
// signals wait for its next run (SIG-12).
//
// A second call for the same signal takes the first one's place, and gets what
// is queued (SIG-04). Other loops that handle the signal get it as well
// (SIG-09). `where` is named in reports.
//
// The process's handler stays installed while any loop handles the signal; see
// signal_receiver.h for what it does, for faults, blocked signals and fork. A
// loop with a handler has one descriptor more to look at, and so does look at
// its descriptors in every turn.
//
//   kInvalidArgument: `signal` is none, or is one of those that libc uses
//     itself.
//   kFailedPrecondition: SIGKILL and SIGSTOP cannot be caught; or the loop is
//     closed, or was inherited through fork.
//   Others: what eventfd(2), sigaction(2) or the selector were short of.
// After an error nothing is handled that was not handled before (SIG-13).
//
// Thread: belongs to the loop's.
absl::Status AddSignalHandler(AbstractEventLoop& loop, int signal,
                              Callback callback,
                              SourceLocation where = SourceLocation::Here());

// Whether there was one. Its callback is destroyed, or, if it is running, when
// it returns; calls that are queued do not run. When the last loop of the
// process is done with the signal, it does again what it did before the first
// one handled it (SIG-07), which closing a loop brings about as well (SIG-08).
// False, and nothing done, on a closed loop or one inherited through fork.
bool RemoveSignalHandler(AbstractEventLoop& loop, int signal);

}  // namespace evkit

#endif  // EVKIT_LOOP_SIGNALS_SIGNAL_HANDLERS_H_

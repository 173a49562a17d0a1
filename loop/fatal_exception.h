// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The exception that stops a loop: asyncio's KeyboardInterrupt and SystemExit.

#ifndef EVKIT_LOOP_FATAL_EXCEPTION_H_
#define EVKIT_LOOP_FATAL_EXCEPTION_H_

#include <exception>

namespace evkit {

// What the user's callbacks throw normally goes to the loop's exception
// handler, and the loop goes on. A class derived from this one leaves
// `RunForever()` at once instead; the callbacks not yet run stay queued for the
// next run (contract rules RUN-20, ERR-05). evkit itself never throws it. A
// std::bad_alloc ends the process.
class FatalException : public std::exception {};

}  // namespace evkit

#endif  // EVKIT_LOOP_FATAL_EXCEPTION_H_

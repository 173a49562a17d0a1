// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// All of evkit that a program with an event loop needs to begin. To take less,
// see the table of components in README.md.

#ifndef EVKIT_EVKIT_H_
#define EVKIT_EVKIT_H_

#include "evkit/loop/context.h"            // IWYU pragma: export
#include "evkit/loop/loop.h"               // IWYU pragma: export
#include "evkit/loop/loop_local.h"         // IWYU pragma: export
#include "evkit/subprocess/exit_status.h"  // IWYU pragma: export
#include "evkit/subprocess/spawn.h"        // IWYU pragma: export

#endif  // EVKIT_EVKIT_H_

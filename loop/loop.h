// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Event loops, for people in a hurry: the interface, the default
// implementation, and asyncio's module functions.

#ifndef EVKIT_LOOP_LOOP_H_
#define EVKIT_LOOP_LOOP_H_

#include "evkit/loop/abstract_event_loop.h"  // IWYU pragma: export
#include "evkit/loop/current.h"              // IWYU pragma: export
#include "evkit/loop/default_event_loop.h"   // IWYU pragma: export

#endif  // EVKIT_LOOP_LOOP_H_

// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Several failures in one status: asyncio's ExceptionGroup.
//
//   absl::Status status = co_await group.Run(...);
//   for (const absl::Status& member : ErrorGroupMembers(status)) Log(member);
//
// The code is that of the first member, so that whoever only asks for a code
// gets the one that began it; the message lists all; the members themselves,
// with their payloads, are a payload. Members may be groups.

#ifndef EVKIT_LOOP_CORO_ERROR_GROUP_H_
#define EVKIT_LOOP_CORO_ERROR_GROUP_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace evkit {

// "<message> (2): NOT_FOUND: a; ABORTED: b". The code is that of the first
// member that is not kCancelled, for a group is no cancellation; kUnknown if
// there is none. `members` are not OK. Thread-safe.
absl::Status MakeErrorGroup(absl::string_view message,
                            absl::Span<const absl::Status> members);

// Whether `status` was made by `MakeErrorGroup()`, or is a copy.
bool IsErrorGroup(const absl::Status& status);

// Its members, in order; none if it is not a group.
std::vector<absl::Status> ErrorGroupMembers(const absl::Status& status);

}  // namespace evkit

#endif  // EVKIT_LOOP_CORO_ERROR_GROUP_H_

// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "evkit/loop/conformance/internal/json.h"
#include "evkit/loop/conformance/internal/machine.h"
#include "evkit/loop/conformance/internal/statements.h"
#include "evkit/loop/conformance/internal/tokens.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/or_return.h"

namespace evkit::conformance {
namespace {

int& Variable(Machine& machine, const Json& number) {
  return machine.vars.at(static_cast<size_t>(number.integer()));
}

const Json& Branch(Machine& machine, const Json& statement) {
  return Variable(machine, statement[1]) < statement[2].integer()
             ? statement[3]
             : statement[4];
}

absl::Status Repeat(Machine& machine, Frame& frame, const Json& statement) {
  for (int i = 0; i < statement[1].integer(); ++i) {
    absl::Status status = machine.Execute(frame, statement[2]);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

Coro<Flow> RepeatAsync(Machine* machine, Frame* frame, const Json* statement) {
  for (int i = 0; i < (*statement)[1].integer(); ++i) {
    Flow flow = co_await OrReturn(
        Machine::ExecuteAsync(machine, frame, &(*statement)[2]));
    if (flow.returned.has_value()) co_return flow;
  }
  co_return Flow();
}

Coro<Flow> IfAsync(Machine* machine, Frame* frame, const Json* statement) {
  return Machine::ExecuteAsync(machine, frame, &Branch(*machine, *statement));
}

Coro<Flow> Return(Machine*, Frame*, const Json* statement) {
  co_return Flow((*statement)[1].integer());
}

// Whether a handler of that kind is for the failure.
bool Fits(const std::string& kind, const absl::Status& failure) {
  const std::string token = ErrorToken(failure);
  if (kind == "any") return true;
  if (kind == "error") return absl::StartsWith(token, "error:");
  if (kind == "group") return absl::StartsWith(token, "group[");
  if (kind == "other") return token != "cancelled";
  return kind == token;
}

Coro<Flow> Try(Machine* machine, Frame* frame, const Json* statement) {
  absl::StatusOr<Flow> flow =
      co_await Machine::ExecuteAsync(machine, frame, &(*statement)[1]);
  if (!flow.ok()) {
    for (const Json& handler : (*statement)[2].items()) {
      if (!Fits(handler[0].string(), flow.status())) continue;
      frame->handling.push_back(flow.status());
      flow = co_await Machine::ExecuteAsync(machine, frame, &handler[1]);
      frame->handling.pop_back();
      break;
    }
  }
  if (statement->size() > 3) {
    co_await OrReturn(Machine::ExecuteAsync(machine, frame, &(*statement)[3]));
  }
  co_return flow;
}

std::string Handling(const Frame& frame) {
  return frame.handling.empty() ? "none" : ErrorToken(frame.handling.back());
}

std::string CancelMessage(const Frame& frame) {
  if (frame.handling.empty()) return "-";
  const absl::Status& failure = frame.handling.back();
  if (failure.code() != absl::StatusCode::kCancelled ||
      failure.message().empty()) {
    return "-";
  }
  return std::string(failure.message());
}

}  // namespace

void AddFlowStatements(StatementTable& table) {
  table.Add("log", [](Machine& machine, Frame&, const Json& s) {
    machine.Log(s[1].string());
  });
  table.Add("note", [](Machine& machine, Frame&, const Json& s) {
    machine.notes.push_back(s[1].string());
  });
  table.Add("flush", [](Machine& machine, Frame&, const Json& s) {
    std::sort(machine.notes.begin(), machine.notes.end());
    machine.Log(s[1],
                absl::StrCat("[", absl::StrJoin(machine.notes, ","), "]"));
    machine.notes.clear();
  });
  table.Add("set", [](Machine& machine, Frame&, const Json& s) {
    Variable(machine, s[1]) = s[2].integer();
  });
  table.Add("add", [](Machine& machine, Frame&, const Json& s) {
    Variable(machine, s[1]) += s[2].integer();
  });
  table.Add("var", [](Machine& machine, Frame&, const Json& s) {
    machine.Log(s[2], absl::StrCat(Variable(machine, s[1])));
  });
  table.Add("if", [](Machine& machine, Frame& frame, const Json& s) {
    return machine.Execute(frame, Branch(machine, s));
  });
  table.Add("if", IfAsync);
  table.Add("repeat", Repeat);
  table.Add("repeat", RepeatAsync);
  table.Add("return", Return);
  table.Add("try", Try);
  table.Add("raise", [](Machine&, Frame&, const Json& s) {
    return ProgramError(s[1].integer());
  });
  table.Add("raise_cancelled", [](Machine&, Frame&, const Json&) {
    return absl::CancelledError();
  });
  table.Add("raise_timeout", [](Machine&, Frame&, const Json&) {
    return absl::DeadlineExceededError("raised by the program");
  });
  table.Add("reraise", [](Machine&, Frame& frame, const Json&) {
    return frame.handling.back();
  });
  table.Add("exc", [](Machine& machine, Frame& frame, const Json& s) {
    machine.Log(s[1], Handling(frame));
  });
  table.Add("note_exc", [](Machine& machine, Frame& frame, const Json& s) {
    machine.notes.push_back(absl::StrCat(s[1].string(), ":", Handling(frame)));
  });
  table.Add("msg", [](Machine& machine, Frame& frame, const Json& s) {
    machine.Log(s[1], CancelMessage(frame));
  });
}

}  // namespace evkit::conformance

// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Puts a load on one of the servers of this folder, and prints a line of JSON.
//
//   load_client --mode=echo --port=N [--server_pid=N] [--connections=1]
//     [--size=64] [--reply_size=0] [--depth=1] [--requests=0 | --seconds=1]
//     [--warm_up=0.1] [--rate=0] [--heavy=0] [--verify=0] [--lock_step=0]
//
// The modes are echo, accept, idle and udp; a file is asked for by mode echo
// with a --reply_size. See load.h. System calls by hand, nothing of evkit: it
// measures all alike.

#include <sys/prctl.h>
#include <sys/resource.h>

#include <cerrno>

#include "evkit/bench/net/command_line.h"
#include "evkit/bench/net/load.h"

int main(int argc, char** argv) {
  evkit::CommandLine arguments(argc, argv);
  evkit::LoadOptions options;
  options.mode = arguments.Get("mode", options.mode);
  options.port = static_cast<int>(arguments.Get("port", int64_t{0}));
  options.server_pid = arguments.Get("server_pid", options.server_pid);
  options.connections = arguments.Get("connections", options.connections);
  options.size = arguments.Get("size", options.size);
  options.reply_size = arguments.Get("reply_size", options.reply_size);
  options.depth = arguments.Get("depth", options.depth);
  options.requests = arguments.Get("requests", options.requests);
  options.seconds = arguments.Get("seconds", options.seconds);
  options.warm_up = arguments.Get("warm_up", options.warm_up);
  options.rate = arguments.Get("rate", options.rate);
  options.heavy = arguments.Get("heavy", options.heavy);
  options.verify = arguments.Get("verify", int64_t{0}) != 0;
  options.lock_step = arguments.Get("lock_step", int64_t{0}) != 0;
  arguments.CheckAllUsed();

  rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  // A request that is due is not put off by the usual 50 us.
  prctl(PR_SET_TIMERSLACK, 1);

  evkit::LoadResult result(options);
  if (options.mode == "echo") {
    evkit::RunStreamLoad(options, result);
  } else if (options.mode == "accept") {
    evkit::RunAcceptLoad(options, result);
  } else if (options.mode == "idle") {
    evkit::RunIdleLoad(options, result);
  } else if (options.mode == "udp") {
    evkit::RunDatagramLoad(options, result);
  } else {
    errno = 0;
    evkit::Die("no such mode: " + options.mode);
  }
  result.Print();
}

// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What the servers of this folder share: none of it runs while a load does.
//
//   NAME_server --case=echo|udp|sendfile|version [--port=0]
//   [--file_size=1048576] [--selector=uring]
//
// prints "port N" and serves on 127.0.0.1 until it is killed. A case that the
// server does not have ends it with exit status kUnavailable.
//
//   echo      every byte of a connection comes back.
//   udp       every datagram comes back.
//   sendfile  for every byte received, the file: byte i of it is i % 251.
//   version   prints "version V", of the event loop, and is over.
//
// --selector is evkit_server's alone.

#ifndef EVKIT_BENCH_NET_SERVE_H_
#define EVKIT_BENCH_NET_SERVE_H_

#include <cstddef>
#include <cstdint>
#include <string>

namespace evkit {

inline constexpr int kUnavailable = 3;
// How much a server reads at once.
inline constexpr size_t kReadSize = size_t{64} << 10;
inline constexpr int kBacklog = 4096;

class ServeOptions {
 public:
  // Also raises the limit of open files and ignores SIGPIPE.
  ServeOptions(int argc, char** argv,
               const std::string& version = "of this tree");

  std::string name;
  int port = 0;
  int64_t file_size = 0;
  std::string selector;
};

// Non-blocking sockets on 127.0.0.1, whose port they print. That of TCP
// listens, and has TCP_NODELAY, which its connections inherit: no server has to
// spend a system call on it.
int ListenAndAnnounce(const ServeOptions& options);
int BindDatagramAndAnnounce(const ServeOptions& options);

// A file without a name.
int NewPatternFile(int64_t size);

// Says so and exits with kUnavailable.
[[noreturn]] void ExitUnavailable(const char* why);

}  // namespace evkit

#endif  // EVKIT_BENCH_NET_SERVE_H_

// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/bench/net/serve.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "evkit/bench/net/command_line.h"

namespace evkit {
namespace {

int BindAndAnnounce(int port, int type) {
  const int fd = static_cast<int>(DieIfNegative(
      socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket"));
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  DieIfNegative(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address),
                "bind");
  if (type == SOCK_STREAM) {
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    DieIfNegative(listen(fd, kBacklog), "listen");
  }
  socklen_t size = sizeof address;
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  std::printf("port %d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  return fd;
}

}  // namespace

ServeOptions::ServeOptions(int argc, char** argv, const std::string& version) {
  CommandLine arguments(argc, argv);
  name = arguments.Get("case", std::string("echo"));
  port = static_cast<int>(arguments.Get("port", int64_t{0}));
  file_size = arguments.Get("file_size", int64_t{1} << 20);
  selector = arguments.Get("selector", std::string());
  arguments.CheckAllUsed();
  if (name == "version") {
    std::printf("version %s\n", version.c_str());
    std::exit(0);
  }
  if (name != "echo" && name != "udp" && name != "sendfile") {
    errno = 0;
    Die("no such case: " + name);
  }
  rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  std::signal(SIGPIPE, SIG_IGN);
}

int ListenAndAnnounce(const ServeOptions& options) {
  return BindAndAnnounce(options.port, SOCK_STREAM);
}

int BindDatagramAndAnnounce(const ServeOptions& options) {
  return BindAndAnnounce(options.port, SOCK_DGRAM);
}

int NewPatternFile(int64_t size) {
  const int fd = static_cast<int>(
      DieIfNegative(memfd_create("pattern", MFD_CLOEXEC), "memfd_create"));
  std::vector<char> bytes(static_cast<size_t>(size));
  for (size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<char>(i % 251);
  }
  size_t written = 0;
  while (written < bytes.size()) {
    written += static_cast<size_t>(DieIfNegative(
        write(fd, bytes.data() + written, bytes.size() - written), "write"));
  }
  return fd;
}

void ExitUnavailable(const char* why) {
  std::fprintf(stderr, "not available: %s\n", why);
  std::exit(kUnavailable);
}

}  // namespace evkit

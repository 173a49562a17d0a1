// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The program that the tests run as a child: does what its arguments say, in
// order. Links to libc alone, so that it starts fast under every sanitizer.
//
//   test_child wait exit 3      # until stdin ends; then exit code 3
//   test_child to 5 fds         # lists its descriptors into descriptor 5

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <initializer_list>

extern "C" char** environ;

namespace {

int output = 1;

void PrintFds() {
  DIR* const directory = opendir("/proc/self/fd");
  while (const dirent* entry = readdir(directory)) {
    const int fd = atoi(entry->d_name);
    if (entry->d_name[0] == '.' || fd == dirfd(directory)) continue;
    dprintf(output, "%d ", fd);
  }
  closedir(directory);
}

// Its mask and its ignored and caught signals, as the kernel sees them.
void PrintSignals() {
  FILE* const status = fopen("/proc/self/status", "r");
  char line[256];
  while (fgets(line, sizeof(line), status) != nullptr) {
    for (const char* name : {"SigBlk", "SigIgn", "SigCgt"}) {
      if (strncmp(line, name, 6) == 0) dprintf(output, "%s", line);
    }
  }
  fclose(status);
}

void PrintInode(int fd) {
  struct stat info;
  if (fstat(fd, &info) < 0) {
    dprintf(output, "closed ");
  } else {
    dprintf(output, "%lu ", static_cast<unsigned long>(info.st_ino));
  }
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const char* const verb = argv[i];
    const auto is = [&](const char* name) { return strcmp(verb, name) == 0; };
    const auto number = [&] { return atoi(argv[++i]); };
    char buffer[4096];
    if (is("exit")) {
      _exit(number());
    } else if (is("kill")) {
      const rlimit no_core = {0, 0};
      setrlimit(RLIMIT_CORE, &no_core);
      raise(number());
    } else if (is("wait")) {
      while (read(0, buffer, sizeof(buffer)) > 0) {
      }
    } else if (is("copy")) {
      ssize_t size;
      while ((size = read(0, buffer, sizeof(buffer))) > 0) {
        if (write(output, buffer, static_cast<size_t>(size)) < 0) _exit(99);
      }
    } else if (is("to")) {
      output = number();
    } else if (is("say")) {
      dprintf(output, "%s", argv[++i]);
    } else if (is("fds")) {
      PrintFds();
    } else if (is("inode")) {
      PrintInode(number());
    } else if (is("signals")) {
      PrintSignals();
    } else if (is("cwd")) {
      dprintf(output, "%s", getcwd(buffer, sizeof(buffer)));
    } else if (is("umask")) {
      dprintf(output, "%o", static_cast<unsigned>(umask(0)));
    } else if (is("session")) {
      dprintf(output, "%s %s", getsid(0) == getpid() ? "leader" : "member",
              getpgrp() == getpid() ? "leader" : "member");
    } else if (is("death_signal")) {
      int signal = 0;
      prctl(PR_GET_PDEATHSIG, &signal);
      dprintf(output, "%d", signal);
    } else if (is("limit")) {
      rlimit limit = {};
      getrlimit(static_cast<__rlimit_resource>(number()), &limit);
      dprintf(output, "%lu %lu", static_cast<unsigned long>(limit.rlim_cur),
              static_cast<unsigned long>(limit.rlim_max));
    } else if (is("environment")) {
      for (char** e = environ; *e != nullptr; ++e) dprintf(output, "%s\n", *e);
    } else if (is("name")) {
      dprintf(output, "%s", argv[0]);
    } else {
      _exit(98);
    }
  }
  return 0;
}

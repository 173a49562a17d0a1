// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// libevent with its bufferevents.

#include <sys/socket.h>

#include <cstdint>

#include "event2/buffer.h"
#include "event2/bufferevent.h"
#include "event2/event.h"
#include "event2/listener.h"
#include "evkit/bench/net/command_line.h"
#include "evkit/bench/net/serve.h"

namespace evkit {
namespace {

class Server {
 public:
  event_base* base = nullptr;
  evbuffer_file_segment* file = nullptr;
  int64_t file_size = 0;
};

void OnEcho(bufferevent* peer, void*) {
  bufferevent_write_buffer(peer, bufferevent_get_input(peer));
}

void OnFileRequest(bufferevent* peer, void* argument) {
  const Server& server = *static_cast<Server*>(argument);
  evbuffer* input = bufferevent_get_input(peer);
  const size_t count = evbuffer_get_length(input);
  evbuffer_drain(input, count);
  for (size_t i = 0; i < count; ++i) {
    evbuffer_add_file_segment(bufferevent_get_output(peer), server.file, 0,
                              server.file_size);
  }
}

void OnEvent(bufferevent* peer, short, void*) { bufferevent_free(peer); }

void OnConnection(evconnlistener*, evutil_socket_t fd, sockaddr*, int,
                  void* argument) {
  Server* server = static_cast<Server*>(argument);
  bufferevent* peer =
      bufferevent_socket_new(server->base, fd, BEV_OPT_CLOSE_ON_FREE);
  bufferevent_setcb(peer, server->file == nullptr ? OnEcho : OnFileRequest,
                    nullptr, OnEvent, server);
  bufferevent_enable(peer, EV_READ | EV_WRITE);
}

void OnDatagram(evutil_socket_t fd, short, void*) {
  static char buffer[kReadSize];
  sockaddr_storage from;
  socklen_t from_size = sizeof from;
  const ssize_t size = recvfrom(fd, buffer, sizeof buffer, 0,
                                reinterpret_cast<sockaddr*>(&from), &from_size);
  if (size >= 0) {
    sendto(fd, buffer, static_cast<size_t>(size), 0,
           reinterpret_cast<sockaddr*>(&from), from_size);
  }
}

}  // namespace
}  // namespace evkit

int main(int argc, char** argv) {
  using namespace evkit;
  const ServeOptions options(argc, argv, event_get_version());
  Server server;
  server.base = event_base_new();
  if (options.name == "udp") {
    event_add(event_new(server.base, BindDatagramAndAnnounce(options),
                        EV_READ | EV_PERSIST, OnDatagram, nullptr),
              nullptr);
  } else {
    if (options.name == "sendfile") {
      server.file_size = options.file_size;
      server.file = evbuffer_file_segment_new(NewPatternFile(options.file_size),
                                              0, options.file_size, 0);
    }
    if (evconnlistener_new(server.base, OnConnection, &server,
                           LEV_OPT_CLOSE_ON_EXEC, kBacklog,
                           ListenAndAnnounce(options)) == nullptr) {
      Die("evconnlistener_new");
    }
  }
  return event_base_dispatch(server.base);
}

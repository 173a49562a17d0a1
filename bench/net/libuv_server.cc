// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// libuv as its users write it for speed: one buffer that all reads share, and
// uv_try_write(), so that nothing is allocated where the kernel takes all.

#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "evkit/bench/net/command_line.h"
#include "evkit/bench/net/serve.h"
#include "uv.h"

namespace evkit {
namespace {

char shared_buffer[kReadSize];

void Check(int result, const char* what) {
  if (result < 0) {
    Die(std::string(what) + ": " + uv_strerror(result));
  }
}

void GiveBuffer(uv_handle_t*, size_t, uv_buf_t* buffer) {
  *buffer = uv_buf_init(shared_buffer, sizeof shared_buffer);
}

void Delete(uv_handle_t* handle) { delete reinterpret_cast<uv_tcp_t*>(handle); }

class Rest {
 public:
  explicit Rest(const char* data, size_t size) : bytes(data, size) {}
  uv_write_t request;
  std::string bytes;
};

void OnRead(uv_stream_t* stream, ssize_t size, const uv_buf_t* buffer) {
  if (size < 0) {
    uv_close(reinterpret_cast<uv_handle_t*>(stream), Delete);
    return;
  }
  uv_buf_t all = uv_buf_init(buffer->base, static_cast<unsigned>(size));
  int written = uv_try_write(stream, &all, 1);
  if (written == size) {
    return;
  }
  if (written < 0) {
    written = 0;
  }
  Rest* rest =
      new Rest(buffer->base + written, static_cast<size_t>(size - written));
  rest->request.data = rest;
  // As the others do, nothing more is read before that is gone.
  uv_read_stop(stream);
  uv_buf_t left = uv_buf_init(rest->bytes.data(),
                              static_cast<unsigned>(rest->bytes.size()));
  uv_write(&rest->request, stream, &left, 1, [](uv_write_t* request, int) {
    uv_stream_t* of = request->handle;
    delete static_cast<Rest*>(request->data);
    if (!uv_is_closing(reinterpret_cast<uv_handle_t*>(of))) {
      uv_read_start(of, GiveBuffer, OnRead);
    }
  });
}

void OnConnection(uv_stream_t* listener, int status) {
  Check(status, "listen");
  uv_tcp_t* peer = new uv_tcp_t;
  Check(uv_tcp_init(listener->loop, peer), "uv_tcp_init");
  uv_stream_t* stream = reinterpret_cast<uv_stream_t*>(peer);
  Check(uv_accept(listener, stream), "uv_accept");
  Check(uv_read_start(stream, GiveBuffer, OnRead), "uv_read_start");
}

void OnDatagram(uv_udp_t* socket, ssize_t size, const uv_buf_t* buffer,
                const sockaddr* from, unsigned) {
  if (from != nullptr && size >= 0) {
    uv_buf_t all = uv_buf_init(buffer->base, static_cast<unsigned>(size));
    uv_udp_try_send(socket, &all, 1, from);
  }
}

// libuv's streams send no files. What it has is uv_fs_sendfile(), here without
// its thread pool, and uv_poll to wait for room.
class FileConnection {
 public:
  FileConnection(uv_loop_t* loop, int fd, int file, int64_t file_size)
      : fd_(fd), file_(file), file_size_(file_size) {
    Check(uv_poll_init_socket(loop, &poll_, fd), "uv_poll_init_socket");
    poll_.data = this;
    uv_poll_start(&poll_, UV_READABLE, OnEvent);
  }

 private:
  static void OnEvent(uv_poll_t* poll, int status, int events) {
    FileConnection* self = static_cast<FileConnection*>(poll->data);
    if (status < 0) {
      self->Close();
    } else if ((events & UV_READABLE) != 0) {
      self->OnReadable();
    } else {
      self->OnWritable();
    }
  }

  void OnReadable() {
    char requests[64];
    const ssize_t size = read(fd_, requests, sizeof requests);
    if (size <= 0) {
      Close();
      return;
    }
    to_send_ += size * file_size_;
    if (!Send()) {
      uv_poll_start(&poll_, UV_WRITABLE, OnEvent);
    }
  }

  void OnWritable() {
    if (Send()) {
      uv_poll_start(&poll_, UV_READABLE, OnEvent);
    }
  }

  bool Send() {
    while (to_send_ > 0) {
      const int64_t offset = (file_size_ - to_send_ % file_size_) % file_size_;
      uv_fs_t request;
      const int sent =
          uv_fs_sendfile(poll_.loop, &request, fd_, file_, offset,
                         static_cast<size_t>(file_size_ - offset), nullptr);
      uv_fs_req_cleanup(&request);
      if (sent == UV_EAGAIN) {
        return false;
      }
      to_send_ = sent < 0 ? 0 : to_send_ - sent;
    }
    return true;
  }

  void Close() {
    uv_close(reinterpret_cast<uv_handle_t*>(&poll_), [](uv_handle_t* handle) {
      FileConnection* self = static_cast<FileConnection*>(handle->data);
      close(self->fd_);
      delete self;
    });
  }

  uv_poll_t poll_;
  const int fd_;
  const int file_;
  const int64_t file_size_;
  int64_t to_send_ = 0;
};

class FileListener {
 public:
  uv_poll_t poll;
  int fd = -1;
  int file = -1;
  int64_t file_size = 0;
};

void OnFileConnection(uv_poll_t* poll, int, int) {
  const FileListener& listener = *static_cast<FileListener*>(poll->data);
  const int peer =
      accept4(listener.fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (peer >= 0) {
    new FileConnection(poll->loop, peer, listener.file, listener.file_size);
  }
}

}  // namespace
}  // namespace evkit

int main(int argc, char** argv) {
  using namespace evkit;
  const ServeOptions options(argc, argv, uv_version_string());
  uv_loop_t* loop = uv_default_loop();
  uv_tcp_t listener;
  uv_udp_t socket;
  FileListener files;
  if (options.name == "udp") {
    uv_udp_init(loop, &socket);
    Check(uv_udp_open(&socket, BindDatagramAndAnnounce(options)),
          "uv_udp_open");
    Check(uv_udp_recv_start(&socket, GiveBuffer, OnDatagram),
          "uv_udp_recv_start");
  } else if (options.name == "sendfile") {
    files.file = NewPatternFile(options.file_size);
    files.file_size = options.file_size;
    files.fd = ListenAndAnnounce(options);
    Check(uv_poll_init_socket(loop, &files.poll, files.fd),
          "uv_poll_init_socket");
    files.poll.data = &files;
    uv_poll_start(&files.poll, UV_READABLE, OnFileConnection);
  } else {
    uv_tcp_init(loop, &listener);
    Check(uv_tcp_open(&listener, ListenAndAnnounce(options)), "uv_tcp_open");
    Check(uv_listen(reinterpret_cast<uv_stream_t*>(&listener), kBacklog,
                    OnConnection),
          "uv_listen");
  }
  return uv_run(loop, UV_RUN_DEFAULT);
}

// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The other limit: io_uring by hand. One io_uring_enter() for a whole turn;
// connections, and what they send, come by themselves (multishot), into buffers
// that are the kernel's until then, and go back out of these.

#include <fcntl.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <vector>

#include "evkit/bench/net/command_line.h"
#include "evkit/bench/net/serve.h"
#include "evkit/bench/net/uring.h"

namespace evkit {
namespace {

constexpr unsigned kEntries = 4096;
constexpr unsigned kFiles = 16384;
// What a connection may have of the buffers before it is not read from.
constexpr unsigned kMaxQueued = 8;

enum class Operation : uint8_t {
  kAccept,
  kReceive,
  // At once or not at all: says something only when it is not all gone.
  kTry,
  // Waits for room.
  kSend,
  kOther,
};

uint64_t Tag(Operation operation, uint32_t connection) {
  return uint64_t{connection} << 8 | static_cast<uint64_t>(operation);
}

unsigned FileLimit() {
  rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  return static_cast<unsigned>(std::min<rlim_t>(files.rlim_cur, kFiles));
}

// Of a non-blocking one, what would block is an error.
int Blocking(int fd) {
  DieIfNegative(fcntl(fd, F_SETFL, 0), "fcntl");
  return fd;
}

Operation OperationOf(const io_uring_cqe& cqe) {
  return static_cast<Operation>(cqe.user_data & 0xff);
}

uint32_t ConnectionOf(const io_uring_cqe& cqe) {
  return static_cast<uint32_t>(cqe.user_data >> 8);
}

uint16_t BufferOf(const io_uring_cqe& cqe) {
  return static_cast<uint16_t>(cqe.flags >> IORING_CQE_BUFFER_SHIFT);
}

class EchoServer {
 public:
  explicit EchoServer(const ServeOptions& options)
      : ring_(kEntries, FileLimit()), buffers_(ring_, kReadSize) {
    listener_ = Blocking(ListenAndAnnounce(options));
    Accept();
  }

  [[noreturn]] void Run() {
    std::vector<uint32_t> tried;
    while (true) {
      // What is tried says nothing when it is all gone: then there is more to
      // do, and nothing to wait for.
      ring_.Enter(!more_to_send_ &&
                  (tried_.empty() || out_of_buffers_.empty()));
      more_to_send_ = false;
      // What was tried and is not gone, before what has come since: it is to be
      // sent first.
      tried.swap(tried_);
      tried_.clear();
      ring_.ForEach([this](const io_uring_cqe& cqe) {
        if (OperationOf(cqe) == Operation::kTry) {
          OnNotAllSent(connections_[ConnectionOf(cqe)], cqe);
        }
      });
      for (const uint32_t i : tried) {
        if (connections_[i].state == State::kTrying) {
          OnSent(i);
        }
      }
      ring_.TakeEach([this](const io_uring_cqe& cqe) { On(cqe); });
      if (buffers_.HasAny()) {
        for (const uint32_t i : out_of_buffers_) {
          ReceiveOn(i);
        }
        out_of_buffers_.clear();
      }
    }
  }

 private:
  enum class State : uint8_t { kIdle, kTrying, kSending };

  // By its number in the ring's table of descriptors.
  class Connection {
   public:
    State state = State::kIdle;
    bool open = false;
    bool receiving = false;
    bool stopping = false;  // It will not be receiving.
    bool ended = false;     // It is closed when nothing of it is under way.
    // Buffers with what is to be sent: a list, linked by next_.
    uint16_t first = 0;
    uint16_t last = 0;
    uint16_t queued = 0;
    uint32_t sent = 0;  // Of the first one.
  };

  void Accept() {
    io_uring_sqe& entry = ring_.NewEntry();
    entry.opcode = IORING_OP_ACCEPT;
    entry.fd = listener_;
    entry.ioprio = IORING_ACCEPT_MULTISHOT;
    entry.file_index = IORING_FILE_INDEX_ALLOC;
    entry.user_data = Tag(Operation::kAccept, 0);
  }

  void Receive(uint32_t i) {
    connections_[i].receiving = true;
    io_uring_sqe& entry = ring_.NewEntry();
    entry.opcode = IORING_OP_RECV;
    entry.fd = static_cast<int>(i);
    entry.flags = IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT;
    entry.ioprio = IORING_RECV_MULTISHOT;
    entry.user_data = Tag(Operation::kReceive, i);
  }

  void Send(uint32_t i, State how) {
    Connection& connection = connections_[i];
    connection.state = how;
    const bool tries = how == State::kTrying;
    io_uring_sqe& entry = ring_.NewEntry();
    entry.opcode = IORING_OP_SEND;
    entry.fd = static_cast<int>(i);
    entry.flags = IOSQE_FIXED_FILE;
    entry.addr = reinterpret_cast<uint64_t>(buffers_.at(connection.first) +
                                            connection.sent);
    entry.len = size_[connection.first] - connection.sent;
    entry.msg_flags = MSG_NOSIGNAL | MSG_WAITALL;
    if (tries) {
      more_to_send_ |= connection.queued > 1;
      entry.flags |= IOSQE_CQE_SKIP_SUCCESS;
      entry.msg_flags |= MSG_DONTWAIT;
      tried_.push_back(i);
    }
    entry.user_data = Tag(tries ? Operation::kTry : Operation::kSend, i);
  }

  void On(const io_uring_cqe& cqe) {
    const uint32_t i = ConnectionOf(cqe);
    switch (OperationOf(cqe)) {
      case Operation::kAccept:
        OnAccepted(cqe);
        break;
      case Operation::kReceive:
        OnReceived(i, cqe);
        break;
      case Operation::kTry:
        // OnNotAllSent() was called.
        if (connections_[i].ended) {
          connections_[i].state = State::kIdle;
          CloseIfEnded(i);
        } else {
          Send(i, State::kSending);
        }
        break;
      case Operation::kSend:
        connections_[i].ended |= cqe.res < 0;
        OnSent(i);
        break;
      case Operation::kOther:
        break;
    }
  }

  void OnAccepted(const io_uring_cqe& cqe) {
    if (cqe.res >= 0) {
      const auto i = static_cast<uint32_t>(cqe.res);
      if (connections_.size() <= i) {
        connections_.resize(i + 1);
      }
      connections_[i] = Connection();
      connections_[i].open = true;
      Receive(i);
    } else if (cqe.res == -EINVAL) {
      Die("accept by io_uring: this kernel is too old");
    }
    if ((cqe.flags & IORING_CQE_F_MORE) == 0) {
      Accept();
    }
  }

  void OnReceived(uint32_t i, const io_uring_cqe& cqe) {
    Connection& connection = connections_[i];
    if ((cqe.flags & IORING_CQE_F_MORE) == 0) {
      connection.receiving = false;
      connection.stopping = false;
    }
    if (cqe.res > 0) {
      Queue(i, cqe);
    } else if (cqe.res == -ENOBUFS) {
      out_of_buffers_.push_back(i);
      return;
    } else if (cqe.res != -ECANCELED) {
      connection.ended = true;
    }
    if (connection.queued >= kMaxQueued && connection.receiving &&
        !connection.stopping) {
      connection.stopping = true;
      StopReceiving(i);
    }
    ReceiveOn(i);
    CloseIfEnded(i);
  }

  // Has what came sent, after what came before.
  void Queue(uint32_t i, const io_uring_cqe& cqe) {
    Connection& connection = connections_[i];
    const uint16_t buffer = BufferOf(cqe);
    buffers_.Took();
    if (connection.ended) {
      buffers_.Return(buffer);
      return;
    }
    size_[buffer] = static_cast<uint32_t>(cqe.res);
    if (connection.queued++ == 0) {
      connection.first = buffer;
    } else {
      next_[connection.last] = buffer;
    }
    connection.last = buffer;
    if (connection.state == State::kIdle) {
      Send(i, State::kTrying);
    } else {
      more_to_send_ |= connection.state == State::kTrying;
    }
  }

  // If it does not receive, and should.
  void ReceiveOn(uint32_t i) {
    const Connection& connection = connections_[i];
    if (connection.open && !connection.receiving && !connection.ended &&
        connection.queued < kMaxQueued) {
      Receive(i);
    }
  }

  void StopReceiving(uint32_t i) {
    io_uring_sqe& entry = ring_.NewEntry();
    entry.opcode = IORING_OP_ASYNC_CANCEL;
    entry.addr = Tag(Operation::kReceive, i);
    entry.user_data = Tag(Operation::kOther, i);
  }

  // Of a kTry: what of it is to be sent yet is On()'s.
  void OnNotAllSent(Connection& connection, const io_uring_cqe& cqe) {
    if (cqe.res >= 0) {
      connection.sent += static_cast<uint32_t>(cqe.res);
    } else if (cqe.res != -EAGAIN) {
      connection.ended = true;
    }
    connection.state = State::kSending;
  }

  // The first buffer is not needed any more.
  void OnSent(uint32_t i) {
    Connection& connection = connections_[i];
    buffers_.Return(connection.first);
    connection.first = next_[connection.first];
    connection.sent = 0;
    connection.state = State::kIdle;
    if (--connection.queued > 0 && !connection.ended) {
      Send(i, State::kTrying);
    }
    ReceiveOn(i);
    CloseIfEnded(i);
  }

  void CloseIfEnded(uint32_t i) {
    Connection& connection = connections_[i];
    if (!connection.ended || connection.state != State::kIdle ||
        connection.receiving || !connection.open) {
      return;
    }
    for (; connection.queued > 0; --connection.queued) {
      buffers_.Return(connection.first);
      connection.first = next_[connection.first];
    }
    connection.open = false;
    io_uring_sqe& entry = ring_.NewEntry();
    entry.opcode = IORING_OP_CLOSE;
    entry.file_index = i + 1;
    entry.flags = IOSQE_CQE_SKIP_SUCCESS;
    entry.user_data = Tag(Operation::kOther, i);
  }

  Uring ring_;
  UringBuffers buffers_;
  int listener_ = -1;
  std::vector<Connection> connections_;
  std::vector<uint32_t> tried_;
  bool more_to_send_ = false;  // After what is tried.
  std::vector<uint32_t> out_of_buffers_;
  // Of each buffer.
  uint32_t size_[UringBuffers::kCount] = {};
  uint16_t next_[UringBuffers::kCount] = {};
};

class DatagramServer {
 public:
  explicit DatagramServer(const ServeOptions& options)
      : ring_(kEntries, 1), buffers_(ring_, kReadSize) {
    fd_ = Blocking(BindDatagramAndAnnounce(options));
    shape_.msg_namelen = sizeof(sockaddr_in);
    Receive();
  }

  [[noreturn]] void Run() {
    std::vector<uint16_t> sent;
    while (true) {
      ring_.Enter(true);
      for (const uint16_t buffer : sent) {
        buffers_.Return(buffer);
      }
      sent.clear();
      ring_.TakeEach([this, &sent](const io_uring_cqe& cqe) {
        // An echo that could not be sent is lost.
        if (OperationOf(cqe) == Operation::kReceive) {
          if (cqe.res > 0) {
            Send(BufferOf(cqe));
            sent.push_back(BufferOf(cqe));
          }
          if ((cqe.flags & IORING_CQE_F_MORE) == 0) {
            Receive();
          }
        }
      });
    }
  }

 private:
  void Receive() {
    io_uring_sqe& entry = ring_.NewEntry();
    entry.opcode = IORING_OP_RECVMSG;
    entry.fd = fd_;
    entry.flags = IOSQE_BUFFER_SELECT;
    entry.ioprio = IORING_RECV_MULTISHOT;
    entry.addr = reinterpret_cast<uint64_t>(&shape_);
    entry.user_data = Tag(Operation::kReceive, 0);
  }

  // A buffer has a head, the sender's address, and the datagram.
  void Send(uint16_t buffer) {
    char* const at = buffers_.at(buffer);
    const auto* const head = reinterpret_cast<io_uring_recvmsg_out*>(at);
    Reply& reply = replies_[buffer];
    reply.data.iov_base = at + sizeof *head + shape_.msg_namelen;
    reply.data.iov_len = head->payloadlen;
    reply.message.msg_name = at + sizeof *head;
    reply.message.msg_namelen = head->namelen;
    reply.message.msg_iov = &reply.data;
    reply.message.msg_iovlen = 1;
    io_uring_sqe& entry = ring_.NewEntry();
    entry.opcode = IORING_OP_SENDMSG;
    entry.fd = fd_;
    entry.flags = IOSQE_CQE_SKIP_SUCCESS;
    entry.addr = reinterpret_cast<uint64_t>(&reply.message);
    entry.msg_flags = MSG_DONTWAIT;
    entry.user_data = Tag(Operation::kTry, 0);
  }

  class Reply {
   public:
    msghdr message = {};
    iovec data = {};
  };

  Uring ring_;
  UringBuffers buffers_;
  int fd_ = -1;
  msghdr shape_ = {};
  Reply replies_[UringBuffers::kCount];
};

}  // namespace
}  // namespace evkit

int main(int argc, char** argv) {
  const evkit::ServeOptions options(argc, argv);
  if (options.name == "sendfile") {
    evkit::ExitUnavailable("io_uring sends no files, but through a pipe");
  }
  if (options.name == "udp") {
    evkit::DatagramServer(options).Run();
  }
  evkit::EchoServer(options).Run();
}

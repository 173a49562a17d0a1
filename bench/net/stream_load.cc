// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>

#include "evkit/bench/net/command_line.h"
#include "evkit/bench/net/load.h"

namespace evkit {
namespace {

constexpr size_t kBufferSize = size_t{256} << 10;
constexpr int kEvents = 512;
constexpr uint64_t kHeavySize = 65536;
constexpr int64_t kHeavyDepth = 8;

class Stream {
 public:
  int fd = -1;
  bool heavy = false;
  bool writable = true;
  uint64_t to_send = 0;  // Bytes.
  uint64_t sent = 0;
  uint64_t received = 0;
  std::deque<uint64_t> began;  // When each request without a reply did.
};

class StreamLoad {
 public:
  StreamLoad(const LoadOptions& options, LoadResult& result)
      : options_(options),
        result_(result),
        echo_(options.reply_size == 0),
        reply_size_(
            static_cast<uint64_t>(echo_ ? options.size : options.reply_size)),
        pattern_(MakePattern(kBufferSize)),
        buffer_(kBufferSize),
        streams_(options.connections + options.heavy) {
    for (size_t i = 0; i < streams_.size(); ++i) {
      streams_[i].heavy = i >= static_cast<size_t>(options.connections);
    }
  }

  void Run() {
    epoll_ = static_cast<int>(
        DieIfNegative(epoll_create1(EPOLL_CLOEXEC), "epoll_create1"));
    for (size_t i = 0; i < streams_.size(); ++i) {
      streams_[i].fd = ConnectTo(options_.port, SOCK_STREAM, 0);
      WatchEdges(epoll_, streams_[i].fd, i);
    }
    result_.Begin();
    const uint64_t began = NowNs();
    for (Stream& stream : streams_) {
      if (stream.heavy) {
        RequestHeavy(stream, kHeavyDepth);
      } else if (options_.rate == 0) {
        Request(stream, options_.depth, began);
      }
    }
    uint64_t now = began;
    while (!result_.IsOver(now)) {
      Wait(SendDue(began));
      if (options_.lock_step && replied_ == asked_) {
        WaitUntilAsleep(options_.server_pid);
        for (Stream& stream : streams_) {
          Request(stream, options_.depth, NowNs());
        }
      }
      now = NowNs();
    }
    for (Stream& stream : streams_) {
      close(stream.fd);
    }
    close(epoll_);
  }

 private:
  // Sends the requests whose time has come; returns when the next one's does.
  uint64_t SendDue(uint64_t began) {
    if (options_.rate == 0) {
      return UINT64_MAX;
    }
    const uint64_t now = NowNs();
    while (true) {
      const uint64_t due =
          began + static_cast<uint64_t>(static_cast<double>(asked_) * 1e9 /
                                        options_.rate);
      if (due > now || IsLast()) {
        return IsLast() ? now + 1'000'000 : due;
      }
      // The latency counts from when it should have been sent.
      Request(streams_[asked_ % static_cast<uint64_t>(options_.connections)], 1,
              due);
    }
  }

  void Wait(uint64_t until) {
    timespec timeout = {};
    const uint64_t now = NowNs();
    const uint64_t wait =
        until > now ? std::min<uint64_t>(until - now, 1'000'000'000) : 0;
    timeout.tv_sec = static_cast<time_t>(wait / 1'000'000'000);
    timeout.tv_nsec = static_cast<long>(wait % 1'000'000'000);
    epoll_event events[kEvents];
    const int ready = epoll_pwait2(epoll_, events, kEvents, &timeout, nullptr);
    if (ready < 0 && errno != EINTR) {
      Die("epoll_pwait2");
    }
    for (int i = 0; i < ready; ++i) {
      Stream& stream = streams_[events[i].data.u64];
      if ((events[i].events & EPOLLOUT) != 0) {
        stream.writable = true;
        Send(stream);
      }
      if ((events[i].events & ~EPOLLOUT) != 0) {
        Receive(stream);
      }
    }
  }

  bool IsLast() const {
    return options_.requests > 0 &&
           asked_ >= static_cast<uint64_t>(options_.requests);
  }

  void Request(Stream& stream, int64_t count, uint64_t when) {
    for (; count > 0 && !IsLast(); --count) {
      ++asked_;
      stream.began.push_back(when);
      stream.to_send += static_cast<uint64_t>(options_.size);
    }
    Send(stream);
  }

  void RequestHeavy(Stream& stream, int64_t count) {
    stream.to_send += static_cast<uint64_t>(count) * kHeavySize;
    Send(stream);
  }

  uint64_t ReplySize(const Stream& stream) const {
    return stream.heavy ? kHeavySize : reply_size_;
  }

  void Send(Stream& stream) {
    while (stream.to_send > 0 && stream.writable) {
      const ssize_t sent =
          send(stream.fd, pattern_.data() + stream.sent % kPatternPeriod,
               std::min<uint64_t>(stream.to_send, kBufferSize),
               MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent < 0) {
        if (errno != EAGAIN) {
          Die("send");
        }
        stream.writable = false;
        return;
      }
      stream.sent += static_cast<uint64_t>(sent);
      stream.to_send -= static_cast<uint64_t>(sent);
    }
  }

  void Receive(Stream& stream) {
    ssize_t size;
    do {
      size = recv(stream.fd, buffer_.data(), kBufferSize, MSG_DONTWAIT);
      if (size < 0 && errno == EAGAIN) {
        return;
      }
      if (size <= 0) {
        if (size == 0) {
          errno = 0;
        }
        Die("the server ended the connection");
      }
      if (options_.verify) {
        Verify(stream, static_cast<size_t>(size));
      }
      const uint64_t before = stream.received / ReplySize(stream);
      stream.received += static_cast<uint64_t>(size);
      const uint64_t count = stream.received / ReplySize(stream) - before;
      if (stream.heavy) {
        result_.heavy_bytes += static_cast<uint64_t>(size);
        RequestHeavy(stream, static_cast<int64_t>(count));
      } else {
        Reply(stream, count);
      }
    } while (static_cast<size_t>(size) == kBufferSize);
  }

  void Reply(Stream& stream, uint64_t count) {
    if (count == 0) {
      return;
    }
    const uint64_t now = NowNs();
    for (uint64_t i = 0; i < count; ++i) {
      if (stream.began.empty()) {
        errno = 0;
        Die("a reply without a request");
      }
      result_.Add(now - stream.began.front(), now);
      stream.began.pop_front();
    }
    replied_ += count;
    if (options_.rate == 0 && !options_.lock_step) {
      Request(stream, static_cast<int64_t>(count), now);
    }
  }

  // An echo's bytes are those of the stream; a file begins anew each time.
  void Verify(const Stream& stream, size_t size) {
    size_t done = 0;
    while (done < size) {
      uint64_t at = stream.received + done;
      size_t now = size - done;
      if (!echo_) {
        at %= reply_size_;
        now = std::min<size_t>(now, reply_size_ - at);
      }
      if (std::memcmp(buffer_.data() + done,
                      pattern_.data() + at % kPatternPeriod, now) != 0) {
        errno = 0;
        Die("a reply has other bytes than it should");
      }
      done += now;
    }
  }

  const LoadOptions& options_;
  LoadResult& result_;
  const bool echo_;
  const uint64_t reply_size_;
  const std::vector<char> pattern_;
  std::vector<char> buffer_;
  std::vector<Stream> streams_;
  uint64_t asked_ = 0;
  uint64_t replied_ = 0;
  int epoll_ = -1;
};

}  // namespace

void RunStreamLoad(const LoadOptions& options, LoadResult& result) {
  StreamLoad(options, result).Run();
}

}  // namespace evkit

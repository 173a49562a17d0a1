// The consumer's own, of the same path as one of evkit's: neither gets the
// other's.

#ifndef NET_SOCKET_H_
#define NET_SOCKET_H_

#include <sys/socket.h>
#include <unistd.h>

// Two connected sockets.
class SocketPair {
 public:
  SocketPair() {
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds_) != 0) {
      fds_[0] = fds_[1] = -1;
    }
  }
  SocketPair(const SocketPair&) = delete;
  SocketPair& operator=(const SocketPair&) = delete;
  ~SocketPair() {
    close(fds_[0]);
    close(fds_[1]);
  }
  int near() const { return fds_[0]; }
  int far() const { return fds_[1]; }

 private:
  int fds_[2];
};

#endif  // NET_SOCKET_H_

#!/usr/bin/env python3
# Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
"""The servers of this folder on CPython's asyncio, or on uvloop.

    asyncio_server.py --case=echo|udp|sendfile|version [--port=0] [--file_size=1048576]
      [--loop=asyncio|uvloop]

See serve.h. Exit status 3: the loop cannot be imported.
"""

import argparse
import asyncio
import os
import platform
import resource
import socket
import sys

UNAVAILABLE = 3


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)


class EchoDatagrams(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        self.transport.sendto(data, addr)


class Files(asyncio.Protocol):
    def __init__(self, file):
        self.file = file
        self.wanted = 0
        self.sending = None

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.wanted += len(data)
        if self.sending is None:
            self.sending = asyncio.ensure_future(self.send())

    async def send(self):
        while self.wanted:
            self.wanted -= 1
            await asyncio.get_running_loop().sendfile(self.transport, self.file)
        self.sending = None


def pattern_file(size):
    file = os.fdopen(os.memfd_create("pattern"), "w+b")
    file.write((bytes(range(251)) * (size // 251 + 1))[:size])
    file.flush()
    return file


def bind(port, kind):
    sock = socket.socket(socket.AF_INET, kind)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", port))
    sock.setblocking(False)
    if kind == socket.SOCK_STREAM:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


async def serve(options):
    loop = asyncio.get_running_loop()
    if options.case == "udp":
        sock = bind(options.port, socket.SOCK_DGRAM)
        await loop.create_datagram_endpoint(EchoDatagrams, sock=sock)
    else:
        factory = Echo
        if options.case == "sendfile":
            file = pattern_file(options.file_size)
            factory = lambda: Files(file)
        sock = bind(options.port, socket.SOCK_STREAM)
        await loop.create_server(factory, sock=sock, backlog=4096)
    print("port", sock.getsockname()[1], flush=True)
    await loop.create_future()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--case", choices=("echo", "udp", "sendfile", "version"), default="echo")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--file_size", type=int, default=1 << 20)
    parser.add_argument("--loop", choices=("asyncio", "uvloop"), default="asyncio")
    options = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if options.loop == "uvloop":
        try:
            import uvloop
        except ImportError:
            print("not available: this Python has no uvloop", file=sys.stderr)
            sys.exit(UNAVAILABLE)
        if options.case == "version":
            print("version", uvloop.__version__)
            sys.exit()
        if options.case == "sendfile":
            print("not available: uvloop sends no files", file=sys.stderr)
            sys.exit(UNAVAILABLE)
        uvloop.install()
    if options.case == "version":
        print("version", platform.python_version())
        sys.exit()
    asyncio.run(serve(options))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Short connections, many at a time; each must be answered, none refused, reset or lost: churn.py COUNT ADDRESS..."""
import errno
import select
import socket
import sys
import time

AT_ONCE, PATIENCE = 256, 20

count, addresses = int(sys.argv[1]), sys.argv[2:]
todo = [a for _ in range(count // len(addresses)) for a in addresses]
total, failed, flying = len(todo), [], {}
poll = select.epoll()
began = time.monotonic()


def begin():
    address = todo.pop()
    s = socket.socket(socket.AF_INET6 if ':' in address else socket.AF_INET)
    s.setblocking(False)
    err = s.connect_ex((address, 8080))
    if err not in (0, errno.EINPROGRESS):
        failed.append('%s: %s' % (address, errno.errorcode[err]))
        s.close()
        return
    flying[s.fileno()] = (s, address, time.monotonic())
    poll.register(s, select.EPOLLIN)


def end(fd, why):
    s, address, _ = flying.pop(fd)
    if why:
        failed.append('%s: %s' % (address, why))
    s.close()


while todo or flying:
    while todo and len(flying) < AT_ONCE:
        begin()
    for fd, _ in poll.poll(1):
        s = flying[fd][0]
        try:
            end(fd, '' if s.recv(200).startswith(b'tcp ') else 'not answered')
        except OSError as e:
            end(fd, str(e))
    late = time.monotonic() - PATIENCE
    for fd in [fd for fd, f in flying.items() if f[2] < late]:
        end(fd, 'nothing for %d s' % PATIENCE)
for line in failed[:10]:
    print(line)
print('%d connections, %d failed, %d a second' % (total, len(failed), total / (time.monotonic() - began)))
sys.exit(bool(failed))

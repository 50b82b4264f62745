#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A stranger's messages to a keeper: strangers.py PID. Descriptors come with them, one, two and more; it must keep none."""
import fcntl
import os
import socket
import struct
import sys
import termios
import time

pid = int(sys.argv[1])


def pipes():
    """Those it has open; all that its main process gives it are others."""
    names = (os.readlink("/proc/%d/fd/%s" % (pid, n)) for n in os.listdir("/proc/%d/fd" % pid))
    return sorted(name for name in names if name.startswith("pipe:"))


def notify_socket():
    """The keeper's: what it tells its child."""
    child = open("/proc/%d/task/%d/children" % (pid, pid)).read().split()[0]
    for word in open("/proc/%s/environ" % child, "rb").read().split(b"\0"):
        if word.startswith(b"NOTIFY_SOCKET=@"):
            return b"\0" + word.split(b"@", 1)[1]
    sys.exit("the keeper's child has no NOTIFY_SOCKET")


before = pipes()
ours = os.pipe() + os.pipe()
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect(notify_socket())
for n in range(1, 5):
    for _ in range(20):
        socket.send_fds(s, [b"FDSTORE=1\nFDNAME=state\n"], ours[:n])


def waiting():
    """Octets that the keeper has not read yet: unix(7), SIOCOUTQ."""
    return struct.unpack("i", fcntl.ioctl(s, termios.TIOCOUTQ, b"\0" * 4))[0]


end = time.monotonic() + 10
while waiting() or pipes() != before:
    if time.monotonic() > end:
        sys.exit("\n".join(["before:", *before, "now:", *pipes()]))
    time.sleep(0.05)

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""
A watcher for tests: says on descriptor 3 what it is told to say.

$FAKE_VIRT is a folder. `world` in it, if there is one, is said at the start;
`tell` is a FIFO whose lines are orders: HANG (no heartbeat any more), EXIT,
or a line that is said as it is and, if it is a world, kept in `world`.
`told` receives what the main process says, `pids` one pid per start.
"""
import os, select, sys, time

folder = os.environ["FAKE_VIRT"]
out = os.fdopen(3, "r+b", buffering=0, closefd=False)


def say(line):
    data = line.encode() + b"\n"
    while data:
        data = data[os.write(3, data):]


with open(folder + "/pids", "a") as f:
    print(os.getpid(), file=f)
tell = os.open(folder + "/tell", os.O_RDWR)
say('{"type":"hello","version":%s}' % os.environ.get("FAKE_VERSION", "1"))
try:
    with open(folder + "/world") as f:
        say(f.read().strip())
except FileNotFoundError:
    pass
hang, rest, beat = False, b"", 0.0
while True:
    if not hang and time.monotonic() >= beat:
        say('{"type":"heartbeat"}')
        beat = time.monotonic() + 3
    ready = select.select([tell, 3], [], [], None if hang else max(0, beat - time.monotonic()))[0]
    if 3 in ready:
        said = os.read(3, 65536)
        if not said:
            sys.exit(0)
        with open(folder + "/told", "ab") as f:
            f.write(said)
    if tell in ready:
        rest += os.read(tell, 1 << 20)
        *lines, rest = rest.split(b"\n")
        for line in lines:
            line = line.decode()
            if line == "HANG":
                hang = True
            elif line == "EXIT":
                sys.exit(3)
            else:
                if '"world"' in line:
                    with open(folder + "/world.new", "w") as f:
                        f.write(line)
                    os.rename(folder + "/world.new", folder + "/world")
                say(line)

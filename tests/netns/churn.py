#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Short connections, several at a time; each must be answered: churn.py COUNT ADDRESS..."""
import socket
import sys
import threading

failed = []


def run(address, count):
    for i in range(count):
        try:
            with socket.create_connection((address, 8080), 10) as s:
                s.shutdown(socket.SHUT_WR)
                if not s.recv(200).startswith(b'tcp '):
                    failed.append('%s: connection %d was not answered' % (address, i))
                while s.recv(200):
                    pass
        except OSError as e:
            failed.append('%s: connection %d: %s' % (address, i, e))


count, addresses = int(sys.argv[1]), sys.argv[2:]
threads = [threading.Thread(target=run, args=(a, count // 4)) for a in addresses for _ in range(4)]
for t in threads:
    t.start()
for t in threads:
    t.join()
print('\n'.join(failed[:10]) or 'all answered')
sys.exit(bool(failed))

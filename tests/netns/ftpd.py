#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""An FTP server that names the outside address: ftpd.py DIR LISTEN OUTSIDE LO HI, on port 21."""
import sys

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.servers import FTPServer

directory, listen, outside, lo, hi = sys.argv[1:]
FTPHandler.authorizer = DummyAuthorizer()
FTPHandler.authorizer.add_anonymous(directory, perm='elradfmw')
FTPHandler.passive_ports = range(int(lo), int(hi) + 1)
if ':' not in outside:
    FTPHandler.masquerade_address = outside
FTPServer((listen, 21), FTPHandler).serve_forever()

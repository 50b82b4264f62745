#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""HTTP/1.1, as much as uploads and downloads need: httpd.py ADDRESS PORT. Prints "serving".
PUT is answered with the body's SHA-256, how it came and whence; GET /N gives N octets of a known stream."""
import hashlib
import socket
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PIECE = hashlib.sha256(b"nfqnat").digest() * 2048


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def pieces(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline().split(b";")[0], 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return
        left = int(self.headers["Content-Length"])
        while left:
            got = self.rfile.read(min(left, 1 << 20))
            if not got:
                return
            left -= len(got)
            yield got

    def answer(self, octets):
        self.send_response(200)
        self.send_header("Content-Length", str(octets))
        self.end_headers()

    def do_PUT(self):
        total = hashlib.sha256()
        for piece in self.pieces():
            total.update(piece)
        how = "chunked" if self.headers.get("Transfer-Encoding") else "whole"
        said = "%s %s %s %s\n" % (total.hexdigest(), how, self.headers.get("Expect", "-"), self.client_address[0])
        self.answer(len(said))
        self.wfile.write(said.encode())

    def do_GET(self):
        left = int(self.path[1:])
        self.answer(left)
        while left:
            self.wfile.write(PIECE[:left])
            left -= min(left, len(PIECE))


class Server(ThreadingHTTPServer):
    address_family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET


server = Server((sys.argv[1], int(sys.argv[2])), Handler)
print("serving", flush=True)
server.serve_forever()

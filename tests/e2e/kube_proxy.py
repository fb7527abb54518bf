# SPDX-License-Identifier: Apache-2.0
"""kube_proxy.py URL CA FOLDER: a plain HTTP door to an API server, which spoils watches as FOLDER/spoil says: "short" ends each after
a second, "old" asks from the first version of all on, which the server answers with 410, "cut" breaks the line after the
first event. "lose" sends the next POST on and closes the line without its answer, "gave-up" sends it on and answers 503; both once.
Writes its port to FOLDER/port, and to FOLDER/watches for each watch "begun", its events, and "ended"."""
import http.client
import http.server
import json
import pathlib
import re
import ssl
import sys
import urllib.parse

to = urllib.parse.urlsplit(sys.argv[1])
context = ssl.create_default_context(cafile=sys.argv[2])
folder = pathlib.Path(sys.argv[3])


class Door(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def forward(self):
        spoil = (folder / "spoil").read_text().strip()
        path, watch = self.path, "watch=1" in self.path
        if watch and spoil == "short":
            path = re.sub(r"timeoutSeconds=\d+", "timeoutSeconds=1", path)
        if watch and spoil == "old":
            path = re.sub(r"resourceVersion=\d+", "resourceVersion=1", path)
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        connection = http.client.HTTPSConnection(to.hostname, to.port, context=context)
        connection.request(self.command, path, body or None, {k: v for k, v in self.headers.items() if k.lower() != "host"})
        answer = connection.getresponse()
        if self.command == "POST" and spoil in ("lose", "gave-up"):
            (folder / "spoil").write_text("no\n")
            answer.read()
            if spoil == "gave-up":
                self.give_up()
            self.close_connection = True
            return
        self.send_response(answer.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if watch:
            self.note("begun")
        while piece := answer.readline() if watch else answer.read():
            if watch:
                self.note(piece[:200].decode(errors="replace").strip())
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            if watch and spoil == "cut":
                self.close_connection = True
                return
        self.wfile.write(b"0\r\n\r\n")
        if watch:
            self.note("ended")

    def note(self, line):
        with open(folder / "watches", "a", encoding="utf-8") as notes:
            notes.write(line + "\n")

    def give_up(self):
        status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "the server gave up", "code": 503}
        body = json.dumps(status).encode()
        self.send_response(503)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_DELETE = do_PATCH = forward


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):
        """Whoever asked has gone: a watch that is over."""


server = Server(("127.0.0.1", 0), Door)
(folder / "port").write_text(str(server.server_port))
server.serve_forever()

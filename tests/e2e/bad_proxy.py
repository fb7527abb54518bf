# SPDX-License-Identifier: Apache-2.0
"""bad_proxy.py MODE [TARGET]: a server between vbackup and TARGET that misbehaves; prints its address, then serves until ended.

  html     a proxy's own page to everything
  silent   takes connections and never answers
  word     passes everything on, but a backup's status is a word that nobody knows
  inside   passes everything on but creates, which it answers by 200 with an error inside
  cut      passes everything on, but ends every answer in its middle
"""
import http.server
import re
import sys
import urllib.error
import urllib.request

mode, target = sys.argv[1], (sys.argv[2:] or [None])[0]
open_url = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


class Proxy(http.server.BaseHTTPRequestHandler):
    def forward(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = urllib.request.Request(target + self.path, body or None, {"Content-Type": "application/json"}, method=self.command)
        try:
            with open_url(request, timeout=60) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def answer(self):
        if mode == "silent":
            self.rfile.read()
            return
        lie = mode == "inside" and self.command == "POST" and re.search(r"/v1/backups/\w+$", self.path)
        if lie:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, body = 200, b'{"error":[{"message":"the disk of node1 is full"}]}'
        elif mode == "html":
            status, body = 200, b"<html><head><title>Sign in</title></head><body>proxy</body></html>"
        else:
            status, body = self.forward()
        if mode == "word" and re.search(r"/v1/backups/\w+/[\w-]+$", self.path):
            body = re.sub(rb'"status":"\w+"', b'"status":"PONDERING"', body)
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if mode == "html" else "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if mode == "cut" else body)

    do_GET = do_POST = do_DELETE = do_PUT = answer

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
print(f"http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()

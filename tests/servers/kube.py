# SPDX-License-Identifier: Apache-2.0
"""A Kubernetes API in a few lines, for the tests: as a module, and
kube.py URL CA TOKEN kinds FILE         makes the custom resource definitions of FILE and waits until they are served
kube.py URL CA TOKEN METHOD PATH [BODY] prints the answer; BODY is JSON or YAML; exit 1 outside 2xx
"""
import http.client
import json
import ssl
import sys
import time
import urllib.parse


class Kube:
    def __init__(self, url, ca, token):
        self.parts = urllib.parse.urlsplit(url)
        self.context = ssl.create_default_context(cafile=ca)
        self.token = token

    def ask(self, method, path, body=None, kind=None):
        """Status and text."""
        connection = http.client.HTTPSConnection(self.parts.hostname, self.parts.port, context=self.context, timeout=20)
        headers = {"Authorization": "Bearer " + self.token}
        if body is not None and not isinstance(body, str):
            body = json.dumps(body)
        if body is not None:
            merge = "application/merge-patch+json"
            plain = "application/json" if body.lstrip().startswith("{") else "application/yaml"
            headers["Content-Type"] = kind or (merge if method == "PATCH" else plain)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def get(self, path):
        """The document, or None where there is none."""
        status, text = self.ask("GET", path)
        if status == 404:
            return None
        if status != 200:
            raise OSError(f"{status} {text}")
        return json.loads(text)

    def change(self, method, path, body=None):
        status, text = self.ask(method, path, body)
        if status >= 300:
            raise OSError(f"{method} {path}: {status} {text}")
        return json.loads(text)


def make_kinds(kube, file):
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    end = time.monotonic() + 60
    with open(file, encoding="utf-8") as text:
        documents = text.read().split("\n---\n")
    for document in documents:
        while True:
            status, text = kube.ask("POST", path, document, "application/yaml")
            if status in (201, 409):
                break
            if time.monotonic() > end:
                sys.exit(text)
            time.sleep(0.2)
    for plural in ("qdrantclusters", "qdrantclustersnapshots", "qdrantclusterrestores", "qdrantclusterscheduledsnapshots"):
        while kube.ask("GET", "/apis/qdrant.io/v1/" + plural)[0] != 200:
            if time.monotonic() > end:
                sys.exit("not served: " + plural)
            time.sleep(0.1)


if __name__ == "__main__":
    here = Kube(*sys.argv[1:4])
    if sys.argv[4] == "kinds":
        make_kinds(here, sys.argv[5])
    else:
        code, answer = here.ask(*sys.argv[4:])
        print(answer, file=sys.stdout if code < 300 else sys.stderr)
        sys.exit(0 if code < 300 else 1)

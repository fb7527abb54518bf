# SPDX-License-Identifier: Apache-2.0
"""Speaks to an Azure blob server as the owner of its account. Python's standard library only.

  address URL KEY             prints a signed address that answers 200 when the server is ready
  create URL KEY CONTAINER    makes a container; no error when it exists
  blobs URL KEY CONTAINER     its blobs, one a line: NAME SIZE BLOCKS (0 blocks for one that was sent in one piece)

URL is the account's, such as http://127.0.0.1:10000/ACCOUNT. Requests carry an account SAS, whose rules are those of
https://learn.microsoft.com/rest/api/storageservices/create-account-sas."""
import base64
import hashlib
import hmac
import sys
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree as xml

# One of before 2020-12-06, from which on the signature has a line more.
VERSION = "2019-12-12"
EXPIRY = "2100-01-01T00:00:00Z"


def signed(url, key, path="", **query):
    account = urllib.parse.urlsplit(url).path.strip("/")
    grants = {"sp": "rlc", "ss": "b", "srt": "sco"}
    start, addresses, protocols = "", "", "https,http"
    lines = [account, *grants.values(), start, EXPIRY, addresses, protocols, VERSION, ""]
    digest = hmac.new(base64.b64decode(key), "\n".join(lines).encode(), hashlib.sha256).digest()
    query |= grants | {"se": EXPIRY, "spr": protocols, "sv": VERSION, "sig": base64.b64encode(digest).decode()}
    return f"{url}{path}?{urllib.parse.urlencode(query)}"


def ask(method, address):
    request = urllib.request.Request(address, b"" if method == "PUT" else None, method=method)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
        return answer.read()


def create(url, key, container):
    try:
        ask("PUT", signed(url, key, "/" + container, restype="container"))
    except urllib.error.HTTPError as error:
        if error.code != 409:
            sys.exit(f"container {container}: HTTP {error.code}: {error.read().decode(errors='replace')}")


def blobs(url, key, container):
    listed = xml.fromstring(ask("GET", signed(url, key, "/" + container, restype="container", comp="list")))
    for blob in listed.iter("Blob"):
        name = blob.findtext("Name")
        path = f"/{container}/{urllib.parse.quote(name)}"
        blocks = xml.fromstring(ask("GET", signed(url, key, path, comp="blocklist")))
        print(name, blob.findtext("Properties/Content-Length"), sum(1 for _ in blocks.iter("Block")))


verbs = {
    "address": lambda url, key: print(signed(url, key, "/", comp="list")),
    "create": create,
    "blobs": blobs,
}
if len(sys.argv) < 4 or sys.argv[1] not in verbs:
    sys.exit(__doc__)
verbs[sys.argv[1]](*sys.argv[2:])

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads an encrypted store of vbackup without vbackup, as man vbackup-formats(7) has the format.

    read_encrypted.py STORE passphrase|key-file FILE OUT

STORE is a folder (of a bucket: a copy of it), FILE holds the passphrase or the key in its first line. Everything is written
to the folder OUT as a store that is not encrypted: `vbackup verify OUT` reads it. Needs libsodium and nothing else.
"""
import base64
import ctypes
import ctypes.util
import hashlib
import json
import os
import struct
import sys

sodium = ctypes.CDLL(ctypes.util.find_library("sodium") or "libsodium.so.23")
BLOCK = 64 * 1024
TAG = 16
MAGIC = b"vbenc\0\0\1"


def keyed_hash(key, message, size=32):
    return hashlib.blake2b(message, key=key, digest_size=size).digest()


def decrypted(key, nonce, text):
    """XChaCha20-Poly1305 (IETF) without additional data; None when the tag is of something else."""
    out = ctypes.create_string_buffer(max(len(text) - TAG, 1))
    good = len(text) >= TAG and sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(
        out, None, None, text, ctypes.c_ulonglong(len(text)), None, ctypes.c_ulonglong(0), nonce, key) == 0
    return out.raw[: len(text) - TAG] if good else None


def xored(key, nonce, text):
    out = ctypes.create_string_buffer(max(len(text), 1))
    sodium.crypto_stream_xchacha20_xor(out, text, ctypes.c_ulonglong(len(text)), nonce, key)
    return out.raw[: len(text)]


def slot_key(slot, secret):
    salt = bytes.fromhex(slot["salt"])
    if slot["kind"] == "key-file":
        return keyed_hash(salt, b"vbackup 1 key file" + secret)
    key = ctypes.create_string_buffer(32)
    if sodium.crypto_pwhash(key, ctypes.c_ulonglong(32), secret, ctypes.c_ulonglong(len(secret)), salt,
                            ctypes.c_ulonglong(slot["operations"]), ctypes.c_size_t(slot["memory"]), 2) != 0:
        sys.exit("not enough memory for Argon2id")
    return key.raw


def store_key(text, kind, secret):
    before_sha, digest = text.split(b',\n  "sha256": "')
    if hashlib.sha256(before_sha).hexdigest().encode() != digest[:64]:
        sys.exit("encryption.json is damaged")
    for slot in json.loads(text)["slots"]:
        if slot["kind"] != kind:
            continue
        key = decrypted(slot_key(slot, secret), bytes.fromhex(slot["nonce"]), bytes.fromhex(slot["key"]))
        if key is None:
            continue
        before_mac, mac = before_sha.split(b',\n  "mac": "')
        if keyed_hash(keyed_hash(key, b"vbackup 1 slots"), before_mac).hex().encode() != mac[:64]:
            sys.exit("encryption.json was changed")
        return key
    sys.exit("wrong key")


class Names:
    def __init__(self, key):
        self.tag_key = keyed_hash(key, b"vbackup 1 name tag")
        self.stream_key = keyed_hash(key, b"vbackup 1 name stream")

    def tag(self, folder, part):
        return keyed_hash(self.tag_key, struct.pack("<Q", len(folder)) + folder + part, TAG)

    def encrypted(self, name):
        folder, path = b"", []
        for number, part in enumerate(name.split(b"/")):
            tag = self.tag(folder, part)
            text = base64.urlsafe_b64encode(tag + xored(self.stream_key, tag + bytes(8), part)).rstrip(b"=")
            while len(text) > 180:
                path.append(text[:180] + b"~")
                text = text[180:]
            path.append(text)
            folder = part if number == 0 else folder + b"/" + part
        return b"/".join(path)

    def decrypted(self, path):
        """None for what is not ours."""
        name, text = None, b""
        for piece in path.split(b"/"):
            if piece.endswith(b"~"):
                text += piece[:-1]
                continue
            text += piece
            try:
                both = base64.b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
            except ValueError:
                return None
            part = xored(self.stream_key, both[:TAG] + bytes(8), both[TAG:])
            if self.tag(name or b"", part) != both[:TAG]:
                return None
            name, text = part if name is None else name + b"/" + part, b""
        return name


def file_key(key, head, name):
    return keyed_hash(keyed_hash(key, b"vbackup 1 content"), head + name)


def copy(key, name, source, sink):
    head = source.read(len(MAGIC) + 32)
    if not head.startswith(MAGIC):
        sys.exit(f"{name!r} is not encrypted")
    own_key = file_key(key, head, name)
    number, block = 0, source.read(BLOCK + TAG)
    while True:
        ahead = source.read(BLOCK + TAG)
        plain = decrypted(own_key, struct.pack("<QB", number, not ahead) + bytes(15), block)
        if plain is None:
            sys.exit(f"{name!r} was changed, cut or moved")
        sink.write(plain)
        if not ahead:
            return
        number, block = number + 1, ahead


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    root, kind, secret_file, out = sys.argv[1:]
    with open(secret_file, "rb") as file:
        secret = file.read().rstrip(b"\r\n")
    with open(os.path.join(root, "encryption.json"), "rb") as file:
        key = store_key(file.read(), kind, secret)
    names = Names(key)
    for folder, folders, files in os.walk(root):
        folders[:] = [one for one in folders if not one.startswith(".")]
        for file in files:
            path = os.path.relpath(os.path.join(folder, file), root)
            name = names.decrypted(path.encode())
            if name is None or file.endswith(".part"):
                continue
            place = os.path.join(out.encode(), name)
            os.makedirs(os.path.dirname(place), exist_ok=True)
            with open(os.path.join(folder, file), "rb") as source, open(place, "wb") as sink:
                copy(key, name, source, sink)


if __name__ == "__main__":
    if sodium.sodium_init() < 0:
        sys.exit("libsodium cannot be used")
    main()

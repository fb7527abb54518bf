# SPDX-License-Identifier: Apache-2.0
"""tidy.py BUILD: clang-tidy over lib/ and cli/, as many at once as there are cores. BUILD is a dev build that is up to date: its
dependencies tell which files a finding can come from, so a source whose files are all as they were when nothing was found
is not read again (VBACKUP_TIDY_CACHE, by default below ~/.cache). Exit 1 when something was found."""
import concurrent.futures
import functools
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

build = pathlib.Path(sys.argv[1]).resolve()
root = pathlib.Path.cwd()
cache = pathlib.Path(os.environ.get("VBACKUP_TIDY_CACHE") or pathlib.Path.home() / ".cache/vbackup-tidy")
cache.mkdir(parents=True, exist_ok=True)


@functools.cache
def digest(path):
    try:
        return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()
    except OSError:
        return "missing"


def dependencies():
    """Of each object of the build, the files it was made of."""
    found, files = {}, []
    for line in subprocess.run(["ninja", "-C", build, "-t", "deps"], capture_output=True, text=True, check=True).stdout.splitlines():
        if line.startswith("    "):
            files.append(os.path.normpath(build / line.strip()))
        elif ": #deps" in line:
            files = found[line.split(":")[0]] = []
    return found


def plain(text):
    """The same in every checkout."""
    return text.replace(str(root), "ROOT")


tool = subprocess.run(["clang-tidy", "--version"], capture_output=True, text=True, check=True).stdout + digest(root / ".clang-tidy")
made_of = dependencies()
waiting = {}
for one in json.loads((build / "compile_commands.json").read_text()):
    source = pathlib.Path(one["file"])
    if not {"lib", "cli"}.intersection(source.relative_to(root).parts[:1]):
        continue
    # What ninja does not know is read each time.
    files = made_of.get(re.search(r" -o (\S+)", one["command"]).group(1))
    key = hashlib.sha256("\n".join([tool, plain(one["command"])] + [f"{plain(name)} {digest(name)}" for name in files or []]).encode())
    seen = cache / key.hexdigest()
    if not files or not seen.exists():
        waiting[source] = seen


def check(source):
    ran = subprocess.run(["clang-tidy", "--quiet", "-p", build, source], capture_output=True, text=True)
    if ran.returncode == 0:
        waiting[source].touch()
    return ran


print(f"{len(waiting)} sources to read")
bad = 0
with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
    for source, ran in zip(waiting, pool.map(check, waiting)):
        if ran.returncode != 0:
            bad += 1
            print(f"{source.relative_to(root)}:\n{ran.stdout}{ran.stderr}")
print(f"{bad} sources with findings")
sys.exit(bad != 0)

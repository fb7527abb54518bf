# SPDX-License-Identifier: Apache-2.0
"""peaks.py PID COMMAND…: runs the command and prints, as its last line on stderr, by how many MiB the memory of process PID
grew at most meanwhile, and the peak of the command's own. Ends with the command's exit code."""
import subprocess
import sys
import time


def memory(pid, field):
    try:
        with open("/proc/%d/status" % pid, encoding="ascii") as status:
            return next((int(line.split()[1]) for line in status if line.startswith(field + ":")), 0)
    except OSError:
        return 0


server = int(sys.argv[1])
before = memory(server, "VmRSS")
most, own = before, 0
command = subprocess.Popen(sys.argv[2:])
while command.poll() is None:
    most, own = max(most, memory(server, "VmRSS")), max(own, memory(command.pid, "VmHWM"))
    time.sleep(0.002)
print("PEAKS server +%d own %d" % ((most - before) >> 10, own >> 10), file=sys.stderr)
sys.exit(command.returncode)

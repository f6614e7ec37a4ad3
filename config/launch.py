"""Start one child so that it cannot outlive its parent: `launch.py PARENT SIGNAL USERNS -- COMMAND …`.

Run as a script by path, without site packages: it starts in milliseconds and imports nothing of the project.

PARENT is the parent's process id, SIGNAL what the child gets when the parent dies, USERNS 1 to run in a user namespace
in which we are an ordinary user. PostgreSQL refuses to run as root, and there root may run it all the same, with files
that stay where they are.
"""

import ctypes
import os
import signal
import sys
from pathlib import Path

CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG = 1
INSIDE_ID = 1000


def enter_user_namespace(libc: ctypes.CDLL) -> None:
    uid, gid = os.getuid(), os.getgid()
    if libc.unshare(CLONE_NEWUSER):
        raise OSError(ctypes.get_errno(), "user namespaces are forbidden here")
    Path("/proc/self/setgroups").write_text("deny", "ascii")
    Path("/proc/self/uid_map").write_text(f"{INSIDE_ID} {uid} 1", "ascii")
    Path("/proc/self/gid_map").write_text(f"{INSIDE_ID} {gid} 1", "ascii")


def main() -> None:
    parent, number, namespace = (int(word) for word in sys.argv[1:4])
    command = sys.argv[5:]
    libc = ctypes.CDLL(None, use_errno=True)
    if namespace:
        enter_user_namespace(libc)
    # After the namespace: a change of credentials clears it.
    libc.prctl(PR_SET_PDEATHSIG, number)
    # It may have died before we asked.
    if os.getppid() != parent:
        sys.exit(1)
    # The supervisor waits for its signals with them blocked; a child must hear them.
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()

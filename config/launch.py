"""Start one child so that it cannot outlive its parent: `launch.py PARENT SIGNAL ACCOUNT NICE -- COMMAND …`.

Run as a script by path, without site packages: it starts in milliseconds and imports nothing of the project.

PARENT is the parent's process id, SIGNAL what the child gets when the parent dies. ACCOUNT says as whom it runs, for
PostgreSQL, which refuses root and users that the system does not know, with files that stay where they are:
`self`; `namespace:ID`, ourselves under the name of user ID, in a user namespace; `user:ID`, for root where user
namespaces are forbidden: user ID, with root's way through folders that are closed to others, and nothing else of root's. NICE, from -20 to 19: how far it
stands back where processors are short, or below 0 how far ahead, if the system lets us.
"""

import ctypes
import os
import signal
import struct
import sys
import time
from pathlib import Path

CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG, PR_SET_KEEPCAPS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 1, 8, 47, 2
CAP_DAC_OVERRIDE, CAPABILITY_VERSION_3 = 1, 0x20080522
AUTOGROUP_ATTEMPTS, AUTOGROUP_SECONDS = 20, 0.1


def done(result: int, what: str) -> None:
    """Stop with one sentence where a call into the kernel failed."""
    if result:
        sys.exit(f"{what}: {os.strerror(ctypes.get_errno())}")


def enter_user_namespace(libc: ctypes.CDLL, inside: int) -> None:
    uid, gid = os.getuid(), os.getgid()
    done(libc.unshare(CLONE_NEWUSER), "user namespaces are forbidden here")
    Path("/proc/self/setgroups").write_text("deny", "ascii")
    Path("/proc/self/uid_map").write_text(f"{inside} {uid} 1", "ascii")
    Path("/proc/self/gid_map").write_text(f"{inside} {gid} 1", "ascii")


def become_user(libc: ctypes.CDLL, uid: int) -> None:
    libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)
    only = 1 << CAP_DAC_OVERRIDE
    sets = struct.pack("=6I", only, only, only, 0, 0, 0)
    done(libc.capset(struct.pack("=Ii", CAPABILITY_VERSION_3, 0), sets), "root's capabilities are withheld here")
    done(libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0), "capabilities cannot be kept here")


def take_place(nice: int) -> None:
    """Where the kernel shares processors out among sessions first, what counts is how nice the session is.

    Who may not step ahead stays where they are.
    """
    try:
        os.nice(nice)
    except PermissionError:
        return
    for _ in range(AUTOGROUP_ATTEMPTS):
        try:
            Path("/proc/self/autogroup").write_text(str(nice), "ascii")
        except BlockingIOError:
            # It takes one such request at a time from those who are not root.
            time.sleep(AUTOGROUP_SECONDS)
        except OSError:
            return
        else:
            return


def main() -> None:
    parent, number, account, nice = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3].partition(":"), int(sys.argv[4])
    command = sys.argv[6:]
    if nice:
        take_place(nice)
    libc = ctypes.CDLL(None, use_errno=True)
    if account[0] == "namespace":
        enter_user_namespace(libc, int(account[2]))
    elif account[0] == "user":
        become_user(libc, int(account[2]))
    # After the change of account, which clears it.
    done(libc.prctl(PR_SET_PDEATHSIG, number, 0, 0, 0), "a child cannot be tied to its parent here")
    # It may have died before we asked.
    if os.getppid() != parent:
        sys.exit(1)
    # The supervisor waits for its signals with them blocked; a child must hear them.
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()

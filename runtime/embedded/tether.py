"""Start a program that ends with its parent: this script ties itself and becomes the program.

Usage: `python -I -S tether.py PARENT_PID SIGNAL UID GID PROGRAM ARG…`, UID and GID -1 to keep ours.

A script of its own, and not a `preexec_fn`, because code between fork and exec can deadlock in a
process with threads. Imports stay few: this runs before every child.
"""

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1


def tie(parent: int, signal_number: int) -> None:
    """Ask the kernel for the signal when the parent dies; does nothing elsewhere than on Linux.

    The kernel means the thread that forked, so children are started from long-lived threads.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal_number)
    if os.getppid() != parent:  # it died before we asked
        sys.exit(0)


def become(uid: int, gid: int) -> None:
    """Give up root for good."""
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def main() -> None:
    parent, signal_number, uid, gid = (int(word) for word in sys.argv[1:5])
    program = sys.argv[5:]
    if uid >= 0:
        become(uid, gid)
    tie(parent, signal_number)  # after `become`: a change of user clears the tie
    os.execv(program[0], program)


if __name__ == "__main__":
    main()

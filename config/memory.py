"""What a process keeps for its whole life. Standard library only."""

import gc


def keep_what_is_loaded() -> None:
    """Let no later collection look through what is there now: code and settings, which never become garbage.

    A full collection holds up all else in the process, and replies by the hundred make many objects.
    """
    gc.collect()
    gc.freeze()

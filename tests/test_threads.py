from __future__ import annotations

import threading

from provision.threads import run_in_thread


def test_the_work_is_done_in_another_thread_when_the_call_returns() -> None:
    done: list[int] = []
    run_in_thread(lambda: done.append(threading.get_ident()))
    assert done
    assert done != [threading.get_ident()]

# The function that every Python program computes with in the comparison: one mark for each point that is finished.
import os
import signal
import time


def compute(x):
    once = os.environ.get("PEERS_KILL_ONCE")
    if x == 5 and once:
        try:
            os.close(os.open(once, os.O_CREAT | os.O_EXCL))
            os.kill(os.getpid(), signal.SIGKILL)
        except FileExistsError:
            pass
    time.sleep(5 if os.environ.get("PEERS_LONG") and x in (7, 8) else 0.1)
    marks = os.open(os.environ["PEERS_MARKS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    os.write(marks, b"%08d\n" % x)
    os.close(marks)
    return x * 1.5

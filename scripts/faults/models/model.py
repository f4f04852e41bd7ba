# The Python worker of the faults' sweeps: each point that is computed leaves a mark outside of the run directory.
import os
import time

MARKS = os.environ.get("FAULTS_MARKS", "/dev/null")
MENDED = os.environ.get("FAULTS_MENDED", "/")
PACE = float(os.environ.get("FAULTS_PACE_MS", "0")) / 1000


def fast(x, seed):
    end = time.perf_counter() + PACE
    while time.perf_counter() < end:
        pass
    return finish(x, seed)


def slow(x, seed):
    time.sleep(PACE)
    return finish(x, seed)


def flaky(x, seed):
    if x % 23 == 7 and not os.path.exists(MENDED):
        raise ValueError("not mended yet")
    return slow(x, seed)


def finish(x, seed):
    marks = os.open(MARKS, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    os.write(marks, b"%08d\n" % x)
    os.close(marks)
    return {"y": x / 7, "seed": seed, "word": "<%d>\n#" % x}

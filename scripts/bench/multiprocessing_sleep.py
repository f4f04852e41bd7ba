"""Sleeps many times in a pool of processes.

usage: multiprocessing_sleep.py TASKS PROCESSES SECONDS
"""
import functools
import multiprocessing
import sys
import time


def run_proc(seconds, index):
    """One job, which only waits."""
    time.sleep(seconds)
    return index


def main(tasks, processes, seconds):
    with multiprocessing.Pool(processes) as pool:
        pool.map(functools.partial(run_proc, seconds), range(tasks))


if __name__ == '__main__':
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))

"""Doubles many numbers in a pool of processes, one task each.

usage: concurrent_futures_double.py ITEMS PROCESSES
"""
import concurrent.futures
import sys


def double(x):
    """Next to nothing, so that the pool is what takes the time."""
    return 2 * x


def main(items, processes):
    with concurrent.futures.ProcessPoolExecutor(processes) as pool:
        results = list(pool.map(double, range(items), chunksize=1))
    assert results == [2 * x for x in range(items)]


if __name__ == '__main__':
    main(int(sys.argv[1]), int(sys.argv[2]))

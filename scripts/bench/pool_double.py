"""Doubles 0, 1, ..., n - 1 by a pool of processes, and writes the file that fanfold writes, in one go.

usage: pool_double.py pool|futures|joblib POINTS PROCESSES FOLDER
"""
import os
import sys

CHUNKS_PER_PROCESS = 4


def double(x):
    return 2 * x


def by_pool(points, processes, chunk):
    import multiprocessing

    with multiprocessing.Pool(processes) as pool:
        return pool.map(double, range(points), chunk)


def by_futures(points, processes, chunk):
    import concurrent.futures

    with concurrent.futures.ProcessPoolExecutor(processes) as pool:
        return list(pool.map(double, range(points), chunksize=chunk))


def by_joblib(points, processes, chunk):
    import joblib

    return joblib.Parallel(processes, batch_size=chunk)(joblib.delayed(double)(x) for x in range(points))


METHODS = {'pool': by_pool, 'futures': by_futures, 'joblib': by_joblib}


def main(method, points, processes, folder):
    chunk = -(-points // (processes * CHUNKS_PER_PROCESS))
    results = METHODS[method](points, processes, chunk)
    os.makedirs(folder)
    with open(os.path.join(folder, 'result.txt'), 'w', encoding='ascii') as file:
        file.write(''.join([f'{x}   {y}\n' for x, y in enumerate(results)]))


if __name__ == '__main__':
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])

"""The first value of a pool of processes whose model imports NumPy: its time, in ms since 1970, goes to FOLDER/first.

usage: pool_first.py fork|spawn PROCESSES FOLDER
"""
import multiprocessing
import os
import sys
import time

from model_numpy import root


def main(method, processes, folder):
    with multiprocessing.get_context(method).Pool(processes) as pool:
        values = pool.imap_unordered(root, range(processes))
        next(values)
        first = time.time()
        list(values)
    os.makedirs(folder)
    with open(os.path.join(folder, 'first'), 'w', encoding='ascii') as file:
        file.write(str(first * 1000))


if __name__ == '__main__':
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])

# multiprocessing.Pool as its documentation shows it: pool.py OUT FIRST STOP.
import sys
from multiprocessing import Pool

from point import compute

if __name__ == "__main__":
    out, first, stop = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    with Pool(2) as pool:
        values = pool.map(compute, range(first, stop), chunksize=1)
    with open(out, "w") as file:
        for x, value in zip(range(first, stop), values):
            print(x, value, file=file)

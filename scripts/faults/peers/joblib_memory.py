# joblib.Parallel with joblib.Memory, its way to keep what is computed: joblib_memory.py OUT FIRST STOP CACHE.
import sys

from joblib import Memory, Parallel, delayed

from point import compute

if __name__ == "__main__":
    out, first, stop = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    cached = Memory(sys.argv[4], verbose=0).cache(compute)
    values = Parallel(n_jobs=2, batch_size=1)(delayed(cached)(x) for x in range(first, stop))
    with open(out, "w") as file:
        for x, value in zip(range(first, stop), values):
            print(x, value, file=file)

"""A model whose import takes longer than its points."""
import numpy as np


def root(x):
    return float(np.sqrt(x))

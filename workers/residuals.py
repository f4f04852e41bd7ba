"""Residual sum of squares of a NIST StRD nonlinear-regression model over its parameters, with NumPy: the twin of
residuals.ts, on the same data in data/nist-strd (https://www.itl.nist.gov/div898/strd/nls/nls_main.shtml).

    dataset      Misra1a, Eckerle4, Rat43, MGH09, Hahn1 or Thurber     (default Misra1a)
    b1 ... b7    parameters of the model; as many as the model has, neither more nor fewer
    ->  rss      sum of (y - model(x; b))**2 over the observations, in the square of y's unit; not finite where the
                 model isn't (a pole, a width of zero)

fanfold workers/residuals.py:rss --param 'b1=linspace(228,249,200)' --param 'b2=linspace(0.00052,0.00058,200)'
"""
import functools
import os
from typing import Literal, Optional

import numpy as np

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'data', 'nist-strd')

Dataset = Literal['Misra1a', 'Eckerle4', 'Rat43', 'MGH09', 'Hahn1', 'Thurber']


def cubic_over_cubic(x, b1, b2, b3, b4, b5, b6, b7):
    return (b1 + b2 * x + b3 * x**2 + b4 * x**3) / (1 + b5 * x + b6 * x**2 + b7 * x**3)


# The model of each dataset, and how many parameters it has.
MODELS = {
    'Misra1a': (2, lambda x, b1, b2: b1 * (1 - np.exp(-b2 * x))),
    'Eckerle4': (3, lambda x, b1, b2, b3: b1 / b2 * np.exp(-0.5 * ((x - b3) / b2) ** 2)),
    'Rat43': (4, lambda x, b1, b2, b3, b4: b1 / (1 + np.exp(b2 - b3 * x)) ** (1 / b4)),
    'MGH09': (4, lambda x, b1, b2, b3, b4: b1 * (x**2 + x * b2) / (x**2 + x * b3 + b4)),
    'Hahn1': (7, cubic_over_cubic),
    'Thurber': (7, cubic_over_cubic),
}


@functools.lru_cache(maxsize=None)
def observations(dataset):
    """The measured x and y of a dataset, read once in a process."""
    with open(os.path.join(DATA, f'{dataset}.dat'), encoding='ascii') as file:
        lines = file.read().splitlines()
    promised = next(int(line.split(':')[1].split()[0]) for line in lines if 'Number of Observations:' in line)
    header = next(number for number, line in enumerate(lines) if line.split() == ['Data:', 'y', 'x'])
    rows = np.array([line.split() for line in lines[header + 1 :] if line.strip()], dtype=float)
    if rows.shape != (promised, 2):
        raise ValueError(f'Expected {promised} observations of {dataset}, found {len(rows)}.')
    return rows[:, 1], rows[:, 0]


def rss(
    dataset: Dataset = 'Misra1a',
    b1: Optional[float] = None,
    b2: Optional[float] = None,
    b3: Optional[float] = None,
    b4: Optional[float] = None,
    b5: Optional[float] = None,
    b6: Optional[float] = None,
    b7: Optional[float] = None,
) -> float:
    size, model = MODELS[dataset]
    given = [b1, b2, b3, b4, b5, b6, b7]
    if None in given[:size] or any(value is not None for value in given[size:]):
        raise ValueError(f'Expected the parameters b1 to b{size} of {dataset}.')
    x, y = observations(dataset)
    with np.errstate(all='ignore'):
        return float(np.sum((y - model(x, *np.array(given[:size], dtype=float))) ** 2))

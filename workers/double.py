"""Twice the parameter, as in section 6 of the article.

    x   any number, no unit
    ->  2 x

fanfold workers/double.py:double --range 0:17 --tasks 4
"""


def double(x):
    return 2 * x

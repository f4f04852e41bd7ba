"""The program of a child process that computes points by a Python function: the twin of `src/host/main.ts`.

It obeys the same commands and writes the same files by the same rules, so that nothing else need know which of the two
wrote them. Beyond that program it can fork children that have the model loaded already, and call the function plainly.
Python 3.8 or newer, the standard library alone.
"""

import sys

# First, before anything that an older one lacks; the coordinator says it in a message of its own. One before 3.6 does not
# even parse this file.
if sys.version_info < (3, 8):
    sys.exit('fanfold needs Python 3.8 or newer.')

# All imports are here, before the model's folder is on the path: a model's `select.py` must not become ours.
import array
import atexit
import base64
import binascii
import errno
import faulthandler
import hashlib
import importlib.machinery
import importlib.util
import inspect
import io
import itertools
import json
import math
import mmap
import operator
import os
import re
import resource
import select
import signal
import socket
import struct
import threading
import time
import traceback
import types
import typing
import warnings

# A model may put something else in the place of the builtin.
from io import open

# The pipes of a host that a coordinator starts, as in protocol.ts.
REPORTS = 3
COMMANDS = 4
# Those that the coordinator answers, of what the system has.
SIGNALS = [getattr(signal, name) for name in ('SIGINT', 'SIGTERM', 'SIGHUP') if hasattr(signal, name)]

PACE_SECONDS = 0.010
"""Lines of fast points are written this often, so that little is in memory only."""
SILENCE_SECONDS = 0.05
"""Held lines are written when nothing came for one to two times as long: a point may take minutes."""
FAST_POINTS = 256
"""Only after so many fast points in a row are they computed in batches: an hour-long one may follow a few."""
BLOCK_POINTS = 2048
"""The arguments of so many points are made at a time, and at most so many fast points computed in one go."""
FIRST_BATCH = 8
"""So many fast points are computed in one go at first, and more as they turn out to be fast."""
CACHED_VALUES = 1 << 14
"""An axis of at most so many values is made once; a longer one as it is needed."""
MOST_CHARACTERS = 8192
"""Of an error's message, and of its stack: a message can be as long as the data it is about."""
MOST_FRAMES = 100

SEPARATOR = '   '
DTYPES = ('int64', 'float64', 'complex128', 'bool', 'string')
MOST_SAFE = 2**53 - 1
HERE = (lambda: None).__code__.co_filename

# An integer has no limit of digits as a result, nor in a command.
if hasattr(sys, 'set_int_max_str_digits'):
    sys.set_int_max_str_digits(0)


# --- texts: src/format/quote.ts and number.ts ---

NUMBER = r'(?:(?:\d[\d_]*(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?|nan|inf(?:inity)?)'
LOOKS_LIKE_A_VALUE = re.compile(
    rf'(?:[+-]?{NUMBER}(?:(?:[+-]{NUMBER})?j)?|0[xbo][\da-f]+|true|false|\(.*\))',
    re.IGNORECASE | re.ASCII,
)
# Control and format characters, surrogates and those of private use, as Unicode 12.1 has them: by number, because each Python
# has its own edition of Unicode, on which no byte may depend.
CONTROLS = (
    r'\0-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u08e2\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064'
    r'\u2066-\u206f\ud800-\uf8ff\ufeff\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U00013438\U0001bca0-\U0001bca3'
    r'\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f\U000f0000-\U000ffffd\U00100000-\U0010fffd'
)
NEEDS_QUOTES = re.compile(rf'[\s{CONTROLS}"\\#]')
NEEDS_JSON = re.compile(rf'^"|[{CONTROLS}\u2028\u2029]')
# What is no lone character of a JSON file, or a command to a terminal; Python's own encoder leaves it as it is.
UNESCAPED_BY_JSON = re.compile(
    '[\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]'
)


def quote_json(text):
    """A JSON string without any raw control character."""
    encoded = json.dumps(text, ensure_ascii=False)
    return UNESCAPED_BY_JSON.sub(lambda found: f'\\u{ord(found.group()):04x}', encoded)


def quote_word(text):
    """A string as it is where that is unambiguous in a text file, otherwise as a JSON string."""
    if text == '' or NEEDS_QUOTES.search(text) or LOOKS_LIKE_A_VALUE.fullmatch(text):
        return quote_json(text)
    return text


def quote_csv(text):
    """A string as one cell by RFC 4180, in it as a JSON string where it holds control characters."""
    if NEEDS_JSON.search(text):
        return double_quotes(quote_json(text))
    return double_quotes(text) if ',' in text or quote_word(text) != text else text


def double_quotes(text):
    return '"' + text.replace('"', '""') + '"'


def complex_word(real, imaginary):
    """A complex number as NumPy prints it, from the texts of its parts."""
    shown = without_zero(imaginary)
    if real == '0.0':
        return f'{shown}j'
    sign = '' if shown.startswith('-') else '+'
    return f'({without_zero(real)}{sign}{shown}j)'


def without_zero(text):
    return text[:-2] if text.endswith('.0') else text


def json_float(text):
    return f'"{text}"' if text in ('nan', 'inf', '-inf') else text


class Style:
    """How the values of a format are written. A float comes as its text, which is NumPy's and Python's alike."""

    def __init__(self, file_format):
        self.is_json = file_format == 'jsonl'
        self.separator = SEPARATOR if file_format == 'txt' else ','
        self.string = {'txt': quote_word, 'csv': quote_csv, 'jsonl': quote_json}[file_format]
        self.missing = {'txt': 'nan', 'csv': '', 'jsonl': 'null'}[file_format]
        self.float = json_float if self.is_json else str
        self.ends_vectors = file_format == 'txt'

    def bool(self, value):
        return ('true' if value else 'false') if self.is_json else ('True' if value else 'False')

    def complex(self, real, imaginary):
        if self.is_json:
            return f'{{"re":{json_float(real)},"im":{json_float(imaginary)}}}'
        return complex_word(real, imaginary)

    def keys(self, names):
        """What stands before each cell."""
        return [f'{quote_json(name)}:' if self.is_json else '' for name in names]


# --- values of a result: src/format/layout.ts and cell.ts ---


class ResultError(Exception):
    """A result that can't be written; it fails its point, not the run."""


class Narrow:
    """A NumPy number that is no double: NumPy prints it in digits of its own."""

    __slots__ = ('value', 'texts')

    def __init__(self, value, *numbers):
        self.value = value
        self.texts = tuple(map(str, numbers))


ACCEPTED = (
    'a number, string, bool or complex, a list, tuple or array of those, '
    'or a dict, dataclass or named tuple of named columns'
)
PLAIN = frozenset((bool, int, float, complex, str))
NO_SCALAR = object()


def is_numpy(value):
    """True for NumPy's arrays and scalars, without importing it."""
    return type(value).__module__ == 'numpy' and hasattr(value, 'ndim')


def plain(value):
    """A scalar as one of Python's own types or a Narrow; NO_SCALAR for anything else."""
    if type(value) in PLAIN:
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if is_numpy(value):
        return plain_numpy(value[()]) if value.ndim == 0 and not isinstance(value, bytes) else NO_SCALAR
    # A subclass, such as an IntEnum, by the value that it is.
    for base in (int, float, complex):
        if isinstance(value, base):
            return base.__pos__(value)
    return NO_SCALAR


def plain_numpy(value):
    # What an array of objects held.
    if not is_numpy(value) or value.ndim > 0 or isinstance(value, str):
        return NO_SCALAR if is_numpy(value) and value.ndim > 0 else plain(value)
    kind, size = value.dtype.kind, value.dtype.itemsize
    if kind == 'b':
        return bool(value)
    if kind in 'iu':
        return int(value)
    if kind == 'f':
        return float(value) if size == 8 else Narrow(float(value), value)
    if kind == 'c':
        return complex(value) if size == 16 else Narrow(complex(value), value.real, value.imag)
    return NO_SCALAR


def describe(value):
    """What a value that doesn't fit was, for a message."""
    if value is None:
        return 'None'
    if is_numpy(value) and value.ndim > 0:
        return 'an empty array' if value.size == 0 else f'an array of {value.ndim} dimensions'
    if isinstance(value, (int, float, complex)):
        return str(value)[:MOST_CHARACTERS]
    name = type(value).__name__
    article = 'an' if name[:1].lower() in tuple('aeiou') else 'a'
    if isinstance(value, (dict, list, tuple, range, array.array)) and len(value) == 0:
        return f'an empty {name}'
    return f'{article} {name}'


def kind_of(result):
    """The kind of layout that a result has. Raises ResultError for what is no result."""
    if plain(result) is not NO_SCALAR:
        return 'scalar'
    if is_numpy(result):
        if result.ndim == 1 and len(result) > 0:
            return 'vector'
    elif is_record(result):
        names = members(result)[0]
        if all(isinstance(name, str) for name in names):
            if len(names) > 0:
                return 'record'
        else:
            raise ResultError(f'Expected the function to return {ACCEPTED}; got a dict with keys that are no strings.')
    elif isinstance(result, (list, tuple, range, array.array)) and len(result) > 0:
        return 'vector'
    raise ResultError(f'Expected the function to return {ACCEPTED}; got {describe(result)}.')


def is_record(value):
    if isinstance(value, dict) or isinstance(value, tuple) and hasattr(value, '_fields'):
        return True
    return hasattr(type(value), '__dataclass_fields__')


def members(record):
    """Names and values of a dict, a named tuple or a dataclass."""
    if isinstance(record, dict):
        return tuple(record), list(record.values())
    if isinstance(record, tuple):
        return tuple(record._fields), list(record)
    names = tuple(field.name for field in sys.modules['dataclasses'].fields(record))
    return names, [getattr(record, name) for name in names]


def elements(vector):
    """The scalars of a vector, and whether they are of one type of numbers, as those of a typed array."""
    if isinstance(vector, array.array):
        return vector.tolist(), vector.typecode not in ('u', 'w', 'Q')
    if not is_numpy(vector):
        return vector, False
    kind, size = vector.dtype.kind, vector.dtype.itemsize
    is_wide = kind in 'biuUO' or (kind, size) in (('f', 8), ('c', 16))
    # A uint64 needn't fit in int64, so it goes by value.
    is_typed = kind in 'if' or kind == 'u' and size < 8
    return vector.tolist() if is_wide else list(vector), is_typed


def names_of(result, kind, parameters):
    """A lone result is `y`, those of a vector `y0`, `y1`, ...; `result` where an axis is called so."""
    if kind == 'record':
        return [str.__str__(name) for name in members(result)[0]]
    if kind == 'scalar':
        return ['result' if 'y' in parameters else 'y']
    names = [f'y{index}' for index in range(len(result))]
    return [f'result{index}' for index in range(len(result))] if set(names) & set(parameters) else names


def layout_of(result, declared, parameters):
    """The layout of a result.

    declared: dtype by name of the columns that the model declares, or None
    parameters: names of the sweep's axes, which a result column may not repeat
    Raises ResultError where the value is no result, or not what is declared.
    """
    kind = kind_of(result)
    found = names_of(result, kind, parameters)
    names = found if declared is None else list(declared)
    if declared is not None and (set(names) != set(found) if kind == 'record' else len(names) != len(found)):
        raise ResultError(
            f'Expected the result to have the columns that the model declares ({", ".join(names)}), '
            f'got {describe_shape(result, kind, found)}.'
        )
    for name in names:
        if name in parameters:
            raise ResultError(
                f'Expected result columns with names of their own, got "{name}", which is a parameter of the sweep: '
                'rename it in the model.'
            )
    columns = [{'name': name} if declared is None else {'name': name, 'dtype': declared[name]} for name in names]
    return {'kind': kind, 'columns': columns}


def describe_shape(result, kind, names):
    if kind == 'scalar':
        return describe(result)
    return f'an array of {len(names)}' if kind == 'vector' else f'the columns {", ".join(names)}'


def other_shape(result, layout):
    kind = kind_of(result)
    names = [column['name'] for column in layout['columns']]
    before = {
        'scalar': 'one scalar',
        'vector': f'an array of {len(names)}',
        'record': f'the columns {", ".join(names)}',
    }[layout['kind']]
    got = describe_shape(result, kind, names_of(result, kind, ()))
    return ResultError(f'Expected the same columns as the points before ({before}), got {got}.')


class Seen:
    """Which numbers a column has held, and how many that were none."""

    __slots__ = ('whole', 'fraction', 'nan')

    def __init__(self):
        self.whole = False
        self.fraction = False
        self.nan = 0


def any_cell(name, style, seen):
    """A writer of values by their own types. Takes note of numbers in `seen`, unless that is None."""

    def write(given):
        value = given if type(given) in PLAIN else plain(given)
        kind = type(value)
        if kind is float:
            return float_seen(value, float.__repr__(value))
        if kind is int:
            if seen is not None:
                seen.whole = True
            return int.__repr__(value)
        if kind is bool:
            return style.bool(value)
        if kind is str:
            return style.string(value)
        if kind is complex:
            return style.complex(float.__repr__(value.real), float.__repr__(value.imag))
        if kind is Narrow:
            return style.complex(*value.texts) if len(value.texts) == 2 else float_seen(value.value, value.texts[0])
        raise refusal(given, name, 'a number, string, bool or complex')

    def float_seen(value, text):
        if seen is not None:
            seen.fraction = True
            if value != value:
                seen.nan += 1
        return style.float(text)

    return write


def typed_cell(name, dtype, style, seen):
    """A writer of values of a declared type; it raises ResultError for others."""

    def write(given):
        value = plain(given)
        if type(value) is Narrow:
            value = value.value
        kind = type(value)
        if dtype == 'float64' and (kind is float or kind is int):
            if value != value:
                seen.nan += 1
            return style.float(float.__repr__(to_float(value)))
        if dtype == 'int64' and kind is int and -(2**63) <= value < 2**63:
            return int.__repr__(value)
        if dtype == 'complex128' and kind in (int, float, complex):
            number = value if kind is complex else complex(to_float(value), 0.0)
            if value != value and kind is float:
                seen.nan += 1
            return style.complex(float.__repr__(number.real), float.__repr__(number.imag))
        if dtype == 'bool' and kind is bool:
            return style.bool(value)
        if dtype == 'string' and kind is str:
            return style.string(value)
        raise refusal(given, name, f'{dtype}, as its column is declared')

    return write


def to_float(value):
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def cell_writer(column, style, seen):
    dtype = column.get('dtype')
    return any_cell(column['name'], style, seen) if dtype is None else typed_cell(column['name'], dtype, style, seen)


def refusal(value, name, expected):
    return ResultError(f'Expected the result column "{name}" to be {expected}, got {describe(value)}.')


class Rows:
    """Writes results as the ends of lines, after the cells of the axes."""

    def __init__(self, layout, style):
        self.layout = layout
        self.style = style
        self.columns = layout['columns']
        self.names = tuple(column['name'] for column in self.columns)
        self.seen = [Seen() for _ in self.columns]
        self.cells = [cell_writer(column, style, seen) for column, seen in zip(self.columns, self.seen)]
        # A typed array is written in its own type, and counted as no mixture of numbers.
        self.typed_cells = [any_cell(name, style, None) for name in self.names]
        self.is_declared = any('dtype' in column for column in self.columns)
        self.keys = style.keys(self.names)
        self.separator = style.separator
        self.end = '}\n' if style.is_json else '\n'
        if layout['kind'] == 'vector' and style.ends_vectors:
            self.end = SEPARATOR + self.end
        self.tail = {'scalar': self.scalar, 'vector': self.vector, 'record': self.record}[layout['kind']]

    def inlined(self):
        """The exact types whose `repr` is all of the cell, as a pair (a float type, an int type); object() for none."""
        dtype = self.columns[0].get('dtype')
        is_bare = self.layout['kind'] == 'scalar' and not self.style.is_json
        return (
            float if is_bare and dtype in (None, 'float64') else NO_SCALAR,
            int if is_bare and dtype is None else NO_SCALAR,
        )

    def scalar(self, result):
        if type(result) not in PLAIN and kind_of(result) != 'scalar':
            raise other_shape(result, self.layout)
        return self.keys[0] + self.cells[0](result) + self.end

    def vector(self, result):
        is_plain = type(result) is list or type(result) is tuple
        if not is_plain and kind_of(result) != 'vector' or len(result) != len(self.names):
            raise other_shape(result, self.layout)
        values, is_typed = (result, False) if is_plain else elements(result)
        if not is_typed or self.is_declared:
            return self.join(values, self.cells)
        text = self.join(values, self.typed_cells)
        for seen, value in zip(self.seen, values):
            if value != value:
                seen.nan += 1
        return text

    def record(self, result):
        if type(result) is not dict and not is_record(result):
            raise other_shape(result, self.layout)
        names, values = members(result)
        if names != self.names:
            # Names that the model declares have their order from there; others must always come in the same one.
            if not self.is_declared or kind_of(result) != 'record' or set(names) != set(self.names):
                raise other_shape(result, self.layout)
            found = dict(zip(names, values))
            values = [found[name] for name in self.names]
        return self.join(values, self.cells)

    def join(self, values, cells):
        if self.style.is_json:
            texts = [key + cell(value) for key, cell, value in zip(self.keys, cells, values)]
        else:
            texts = [cell(value) for cell, value in zip(cells, values)]
        return self.separator.join(texts) + self.end

    def numbers(self):
        sorts = {}
        for column, seen in zip(self.columns, self.seen):
            if 'dtype' not in column and (seen.whole or seen.fraction):
                both = seen.whole and seen.fraction
                sorts[column['name']] = 'both' if both else 'whole' if seen.whole else 'fraction'
        return sorts

    def nans(self):
        return {name: seen.nan for name, seen in zip(self.names, self.seen) if seen.nan > 0}


# --- spaces: src/space ---


class Rule:
    """Values that are made on demand: `rule[i]` and `rule[i:j]` as of a list.

    line: where all but the first two and the last are `index * step + start`, that pair; it is for speed alone
    """

    def __init__(self, size, at, line=None):
        self.size = size
        self.at = at
        self.line = line

    def __len__(self):
        return self.size

    def __getitem__(self, key):
        if not isinstance(key, slice):
            return self.at(key)
        indices = range(*key.indices(self.size))
        if self.line is None or len(indices) == 0 or indices[0] < 2 or indices[-1] == self.size - 1:
            return [self.at(index) for index in indices]
        step, start = self.line
        return [index * step + start for index in indices]


def float_arange(start, stop, step):
    quotient = (stop - start) / step
    # NumPy counts an underflowing (stop - start) / step as one value.
    is_lost = quotient == 0 and stop != start and math.copysign(1, quotient) > 0
    following = start + step
    delta = following - start
    return Rule(
        1 if is_lost else math.ceil(quotient),
        lambda index: start + index * delta if index > 1 else following if index == 1 else start,
        (delta, start),
    )


def linspace(start, stop, num):
    divisions = num - 1
    span = stop - start
    step = span / divisions if divisions > 0 else math.nan

    def at(index):
        if divisions == 0:
            return index * span + start
        if index == divisions:
            return stop
        return index / divisions * span + start if step == 0 else index * step + start

    return Rule(num, at, None if step == 0 else (step, start))


def logspace(start, stop, num):
    exponent = linspace(start, stop, num)
    return Rule(num, lambda index: power_of_ten(exponent[index]))


def geomspace(start, stop, num):
    sign = math.copysign(1.0, start)
    exponent = linspace(math.log10(abs(start)), math.log10(abs(stop)), num)

    def at(index):
        if index == 0:
            return start
        return stop if index == num - 1 else sign * power_of_ten(exponent[index])

    return Rule(num, at)


def power_of_ten(exponent):
    # The decimal reader is correctly rounded; pow is not.
    if exponent == math.floor(exponent) and abs(exponent) <= MOST_SAFE:
        return float(f'1e{int(exponent)}')
    try:
        return 10.0**exponent
    except OverflowError:
        return math.inf


RULES = {'linspace': linspace, 'logspace': logspace, 'geomspace': geomspace}


def load_value(stored, dtype):
    """A stored value; JSON has no -0, nan, inf or type of whole numbers."""
    if stored is None or dtype == 'string' or isinstance(stored, bool):
        return stored
    return int(stored) if dtype == 'int64' else float(stored)


class Axis:
    """One named parameter, its values, and how they are written."""

    def __init__(self, name, dtype, values):
        self.name = name
        self.dtype = dtype
        self.values = values
        self.has_missing = isinstance(values, list) and None in values
        self.write = None
        self.missing = None
        self.cached = None

    def write_as(self, style, missing):
        """Sets the style of the texts, and the text of values that are left to the function's default."""
        seen = Seen()
        cell = typed_cell(self.name, self.dtype, style, seen)
        quick = {'int64': int.__repr__, 'float64': float.__repr__}.get(self.dtype)
        if style.is_json and self.dtype == 'float64':
            quick = None
        self.missing = missing
        self.write = cell if quick is None else quick
        self.cached = self.make(0, len(self.values)) if len(self.values) <= CACHED_VALUES else None

    def stretch(self, start, stop):
        """Values and texts at the positions [start, stop)."""
        if self.cached is None:
            return self.make(start, stop)
        values, texts = self.cached
        return values[start:stop], texts[start:stop]

    def make(self, start, stop):
        values = list(self.values[start:stop])
        if self.has_missing:
            return values, [self.missing if value is None else self.write(value) for value in values]
        return values, list(map(self.write, values))


def axis_of(name, definition, points):
    kind = definition['kind']
    if kind == 'column':
        return points.axis(name, definition)
    if kind == 'list':
        dtype = definition['dtype']
        return Axis(name, dtype, [load_value(stored, dtype) for stored in definition['values']])
    if kind == 'arange':
        dtype = definition['dtype']
        ends = [load_value(definition[key], dtype) for key in ('start', 'stop', 'step')]
        return Axis(name, dtype, range(*ends) if dtype == 'int64' else float_arange(*ends))
    return Axis(
        name, 'float64', RULES[kind](float(definition['start']), float(definition['stop']), definition['num'])
    )


class Literal(str):
    """A number of a JSON file as it is written there."""


class Points:
    """The columns of a points file, as the run directory keeps them."""

    def __init__(self, path):
        with open(path, encoding='utf-8') as file:
            document = json.load(file, parse_int=Literal, parse_float=Literal)
        self.columns = {column['name']: column for column in document['columns']}

    def axis(self, name, definition):
        column = self.columns.get(name)
        if column is None:
            raise ValueError(f'The run directory\'s points hold no column "{name}".')
        dtype, stored = column['dtype'], column['values']
        found = {'kind': 'column', 'dtype': dtype, 'size': len(stored), 'sha256': hash_stored(stored)}
        if found != definition:
            raise ValueError(
                f'Expected the run\'s points.json to hold the column "{name}" that the run was begun with, '
                'but it was changed. Restore it.'
            )
        return Axis(name, dtype, [load_value(value, dtype) for value in stored])


def hash_stored(values):
    """The sha256 of the values as JavaScript's JSON.stringify writes them."""
    texts = ('null' if value is None else stored_text(value) for value in values)
    return hashlib.sha256(f'[{",".join(texts)}]'.encode()).hexdigest()


def stored_text(value):
    if isinstance(value, bool):
        return 'true' if value else 'false'
    if isinstance(value, Literal):
        return str(value)
    text = json.dumps(value, ensure_ascii=False)
    return re.sub('[\ud800-\udfff]', lambda found: f'\\u{ord(found.group()):04x}', text)


class Space:
    """The ordered points made from groups of axes that walk together, the last group fastest."""

    def __init__(self, groups):
        self.axes = [axis for group in groups for axis in group]
        lengths = [len(group[0].values) if group else 1 for group in groups]
        self.size = math.prod(lengths)
        self.places = []
        for position, group in enumerate(groups):
            stride = math.prod(lengths[position + 1 :])
            self.places += [(axis, lengths[position], stride) for axis in group]

    def values(self, index):
        """The values of one point, one for each axis; None where one is left to the function's default."""
        return [axis.values[index // stride % length] for axis, length, stride in self.places]

    def columns(self, start, stop):
        """The values of the points [start, stop), and their texts: two lists for each axis."""
        return [column(axis, length, stride, (start, stop)) for axis, length, stride in self.places]


def column(axis, length, stride, between):
    values, texts = [], []
    index, stop = between
    while index < stop:
        position = index // stride % length
        if stride > 1:
            count = min(stride - index % stride, stop - index)
            found, written = axis.stretch(position, position + 1)
            found, written = found * count, written * count
        else:
            count = min(length - position, stop - index)
            found, written = axis.stretch(position, position + count)
            if count == length and stop - index >= 2 * length:
                rounds = (stop - index) // length
                count *= rounds
                found, written = found * rounds, written * rounds
        values += found
        texts += written
        index += count
    return values, texts


# --- random numbers: src/host/philox.ts ---


def philox(counter, key):
    """One block of Philox4x32-10: four 32-bit words, for a counter below 2^64 and a key of 64 bits."""
    c0, c1, c2, c3 = counter & 0xFFFFFFFF, counter >> 32, 0, 0
    k0, k1 = key & 0xFFFFFFFF, key >> 32
    for _ in range(10):
        left, right = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (right >> 32) ^ c1 ^ k0, right & 0xFFFFFFFF, (left >> 32) ^ c3 ^ k1, left & 0xFFFFFFFF
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return c0, c1, c2, c3


def point_seed(sweep_seed, index):
    """The seed of one point: of 64 bits, made from the sweep's seed and the point's index alone."""
    block = philox(index, sweep_seed)
    return block[1] << 32 | block[0]


class Context:
    """What a function may ask about the point that it computes: index, task_index, seed, log() and random()."""

    __slots__ = ('index', 'task_index', 'log', '_sweep_seed', '_stream')

    def __init__(self, index, task_index, sweep_seed, log):
        self.index = index
        self.task_index = task_index
        self.log = log
        self._sweep_seed = sweep_seed
        self._stream = None

    @property
    def seed(self):
        """64-bit seed made from `--seed` and `index` alone, the same however the run is cut or resumed."""
        return point_seed(self._sweep_seed, self.index)

    def random(self):
        """The next number in [0, 1), 53 bits, of a stream that belongs to this point."""
        if self._stream is None:
            self._stream = uniform_numbers(self.seed)
        return next(self._stream)


def uniform_numbers(seed):
    for counter in itertools.count():
        block = philox(counter, seed)
        for high, low in (block[:2], block[2:]):
            yield ((high >> 5) * 2**26 + (low >> 6)) / 2**53


# --- the files of a run: src/run ---

FAILED = '# failed '
READ_BYTES = 1 << 20
SETTLE_SECONDS = 0.010


class SupersededError(Exception):
    """Another host has taken the task over in the meantime."""


class Paths:
    """Every file of a run directory that a host touches."""

    def __init__(self, run, task):
        name = f'task_index={task}.{run.format}'
        root = os.path.abspath(run.directory)
        own = root if run.element is None else os.path.join(root, 'elements', str(run.element))
        self.directory = root
        self.lock = os.path.join(own, 'lock')
        self.failures = os.path.join(own, 'failures.jsonl')
        self.events = os.path.join(own, 'events.jsonl')
        self.final = os.path.join(root, name)
        self.part = f'{self.final}.part'
        self.check = f'{self.part}.check'
        self.retried = f'{self.part}.retried'
        self.log = os.path.join(root, 'logs', f'task_index={task}.log')


def write_all(file, data):
    """Writes every byte: a single write may be cut short, on a full disk or by a signal."""
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


def whole_lines(path):
    """Blocks of whole lines of a file; a torn last line is left out, a missing file has none."""
    try:
        file = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return
    try:
        rest = b''
        while True:
            data = os.read(file, READ_BYTES)
            end = data.rfind(b'\n') + 1
            if end > 0:
                yield rest + data[:end]
                rest = data[end:]
            elif data:
                rest += data
            else:
                return
    finally:
        os.close(file)


def failed_line(index):
    """The line that keeps the place of a failed point."""
    return f'{FAILED}{index}\n'


def failed_index(line):
    """The index of the failed point for which a line stands, or None."""
    return int(line[len(FAILED) :]) if line.startswith(FAILED.encode()) else None


# A part is believed as far as its check file bears it out: block by block, how many bytes were appended and their crc32.
# The line of a block is written before the block, so that a block that is there has one: src/run/part.ts.

CHECK_LINE = re.compile(rb'(\d{1,15}) ([\da-f]{8})')
DIVIDER = b'-'


def check_line(block):
    """The line of a block in the check file. It begins with its newline, so that a torn one doesn't take the next with it."""
    return b'\n%d %s' % (len(block), checksum(block))


def checked_bytes(path, check):
    """How many bytes of a part, from its first, are as they were appended."""
    try:
        with open(path, 'rb') as part, open(check, 'rb') as lines:
            most, position, is_over = 0, 0, False
            for line in (line.rstrip(b'\n') for line in lines):
                if line == DIVIDER:
                    position, is_over = 0, False
                    part.seek(0)
                found = None if is_over else CHECK_LINE.fullmatch(line)
                if found is None:
                    continue
                length = int(found[1])
                if crc_of_next(part, length) == int(found[2], 16):
                    position += length
                    most = max(most, position)
                else:
                    is_over = True
            return most
    except FileNotFoundError:
        return 0


def crc_of_next(file, length):
    """The crc32 of the next bytes of a file; None where it has fewer."""
    found = 0
    while length > 0:
        data = file.read(min(length, READ_BYTES))
        if not data:
            return None
        found = binascii.crc32(data, found)
        length -= len(data)
    return found


def believed_blocks(paths):
    """Blocks of whole lines of a part, as far as its check file bears them out."""
    left = checked_bytes(paths.part, paths.check)
    for block in whole_lines(paths.part):
        kept = block[: block.rfind(b'\n', 0, left) + 1]
        if not kept:
            return
        yield kept
        left -= len(block)
        if left <= 0:
            return


def believed(paths, task):
    """How many lines of a part are believed, and its failed points.

    One with more lines than its task, or with a failed point in the place of another, is no part of this task; and without
    the run's columns on record nobody knows what the lines mean.
    """
    lines, failed = 0, []
    for block in believed_blocks(paths):
        if FAILED.encode() in block:
            for place, line in enumerate(block.split(b'\n'), task['start'] + lines):
                if line.startswith(FAILED.encode()):
                    if line + b'\n' != failed_line(place).encode():
                        return 0, []
                    failed.append(place)
        lines += block.count(b'\n')
    fits = lines <= task['stop'] - task['start'] and (task.get('layout') is not None or lines == len(failed))
    return (lines, failed) if fits else (0, [])


def believed_lines(paths, task):
    return believed_blocks(paths) if believed(paths, task)[0] > 0 else ()


class SliceFile:
    """`task_index=N.txt.part`, going on after the last line that is believed.

    The lines are copied into a new file that takes the old one's name, and so are those of the check file, so that a host of
    a dead coordinator which still runs holds files without a name, and can neither write here nor publish.
    replaced: new lines of failed points, by index, which take their places while copying
    """

    def __init__(self, paths, task, replaced):
        self.paths = paths
        self.lines = 0
        self.failed = 0
        self.bytes = 0
        self.hash = hashlib.sha256()
        self.owner = os.getpid()
        self.checks, self.file = map(self.create, (paths.check, paths.part))
        if replaced:
            # A crash may leave the new check file beside the old part.
            for block in believed_lines(paths, task):
                write_all(self.checks, check_line(block))
            write_all(self.checks, b'\n' + DIVIDER)
        for block in believed_lines(paths, task):
            failed = list(map(failed_index, block.split(b'\n'))) if FAILED.encode() in block else []
            if replaced and failed:
                block = b''.join(
                    replaced.get(index, line + b'\n') for index, line in zip(failed, block.split(b'\n')[:-1])
                )
                failed = map(failed_index, block.split(b'\n'))
            self.append(block, block.count(b'\n'))
            self.failed += sum(index is not None for index in failed)
        # What was durable must stay so: without this a power cut could leave the new names with no bytes.
        if self.bytes > 0:
            os.fsync(self.checks)
            os.fsync(self.file)
        for path in (paths.check, paths.part):
            os.rename(self.temporary(path), path)

    def temporary(self, path):
        return f'{path}.{self.owner}'

    def create(self, path):
        return os.open(self.temporary(path), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)

    def append(self, data, lines):
        """Appends whole lines."""
        # A process that the model forked, and that came out of the function, is not to write here a second time.
        if os.getpid() != self.owner:
            os._exit(1)
        # First, so that it is the lines themselves that make a block count.
        if data:
            write_all(self.checks, check_line(data))
        write_all(self.file, data)
        self.hash.update(data)
        self.lines += lines
        self.bytes += len(data)

    def seal(self, is_complete):
        """Makes the bytes durable and gives their size and hash; `publish` then puts a complete file in its final place.

        One that is not stays a part, and is believed only as far as its check file is durable too.
        """
        for file in [self.file] if is_complete else [self.checks, self.file]:
            os.fsync(file)
        self.refuse_if_taken()
        return {'lines': self.lines, 'bytes': self.bytes, 'sha256': self.hash.hexdigest()}

    def refuse_if_taken(self):
        if not self.is_named():
            raise self.superseded()

    def superseded(self):
        return SupersededError(f'{self.paths.part} belongs to another process now')

    def is_named(self):
        try:
            return os.fstat(self.file).st_ino == os.stat(self.paths.part).st_ino
        except FileNotFoundError:
            return False

    def publish(self):
        self.refuse_if_taken()
        try:
            os.rename(self.paths.part, self.paths.final)
        except FileNotFoundError:
            raise self.superseded() from None
        remove(self.paths.check)
        folder = os.open(self.paths.directory, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def close(self):
        os.close(self.file)
        os.close(self.checks)


def append_record(path, record, is_synced=False):
    """Appends one record as a line of a `.jsonl` file, in one write, so that the lines of several processes never mix.

    It starts on a line of its own also where a full disk has torn the record before it, and ends with a checksum of itself.
    """
    file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        body = json.dumps(record, separators=(',', ':'))[:-1].encode()
        line = body + seal_of(body) + b'\n'
        write_all(file, b'\n' + line if ends_torn(file) else line)
        if is_synced:
            os.fsync(file)
    finally:
        os.close(file)


def checksum(data):
    """The crc32 of bytes as eight hexadecimal digits."""
    return b'%08x' % binascii.crc32(data)


def seal_of(body):
    """How a line of a journal ends: with the checksum of all that stands before it."""
    return b',"crc":"%s"}' % checksum(body)


def ends_torn(file):
    """Another process's write may be seen half done, so what looks torn is looked at again a little later."""
    if not lacks_newline(file):
        return False
    time.sleep(SETTLE_SECONDS)
    return lacks_newline(file)


def lacks_newline(file):
    size = os.fstat(file).st_size
    return size > 0 and os.pread(file, 1, size - 1) != b'\n'


def read_records(path):
    """The records of a `.jsonl` file. A line whose checksum is missing or wrong was torn or damaged, and is left out."""
    size = len(seal_of(b''))
    for block in whole_lines(path):
        for line in block.split(b'\n'):
            body, seal = line[:-size], line[-size:]
            if seal == seal_of(body):
                yield json.loads(body + b'}')


def read_retried(path):
    """The lines that take the places of failed ones, by index; those of points that failed again are not among them."""
    records = read_records(path)
    return {each['index']: each['line'].encode() for each in records if not each['line'].startswith(FAILED)}


def remove(path):
    try:
        os.unlink(path)
    except FileNotFoundError:
        return


def stamp(task):
    return {'time': now_ms(), 'task': task, 'host': os.uname().nodename, 'pid': os.getpid()}


def now_ms():
    return int(time.time() * 1000)


# --- errors ---


def error_text(error):
    """`ValueError: text`, however odd the exception is."""
    name = type(error).__name__
    try:
        text = str(error)
    except BaseException as odd:
        text = f'its message raised {type(odd).__name__}'
    return (f'{name}: {text}' if text else name)[:MOST_CHARACTERS]


def user_stack(error):
    """The traceback from the user's frames on; None where there are none."""
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename == HERE:
        frames = frames.tb_next
    if frames is None:
        return None
    try:
        text = ''.join(traceback.format_exception(type(error), error, frames, limit=-MOST_FRAMES))
    except Exception as odd:
        return f'The traceback can\'t be shown: {error_text(odd)}'[:MOST_CHARACTERS]
    if len(text) <= MOST_CHARACTERS:
        return text
    # The innermost frames say most, the outermost where it began.
    gap = '\n  ...\n'
    head = MOST_CHARACTERS // 4
    return text[:head] + gap + text[head + len(gap) - MOST_CHARACTERS :]


def describe_own(error):
    """An error of ours: the system's name of it first, where it has one."""
    if isinstance(error, OSError) and error.errno in errno.errorcode:
        place = f' \'{error.filename}\'' if error.filename is not None else ''
        return f'{errno.errorcode[error.errno]}: {error.strerror}{place}'
    return str(error) if isinstance(error, (SupersededError, ValueError)) else error_text(error)


# --- certificates of failed attempts: src/run/verdict.ts and oom-kills.ts ---

LOG_END_BYTES = 1000
OUT_OF_MEMORY = re.compile(r'MemoryError|out of memory|Cannot allocate memory|ENOMEM|bad_alloc', re.IGNORECASE)
COUNTER_SECONDS = 1
recent_kills = (float('-inf'), {})


def judge_error(error, text):
    if OUT_OF_MEMORY.search(text):
        return 'memory', 'it could not get the memory that it asked for'
    if isinstance(error, ResultError):
        return 'your code', 'its result could not be written'
    return 'your code', 'it threw an error'


def described_usage(usage):
    # Kilobytes, but on macOS bytes.
    unit = 1 if sys.platform == 'darwin' else 1024
    return {'peakMemoryBytes': usage.ru_maxrss * unit, 'processorSeconds': usage.ru_utime + usage.ru_stime}


def recent_oom_kills():
    """The system's counters of processes killed for want of memory; thousands of failures don't read them each time."""
    global recent_kills
    now = time.monotonic()
    if now - recent_kills[0] > COUNTER_SECONDS:
        recent_kills = (now, read_oom_kills())
    return recent_kills[1]


def read_oom_kills():
    paths = {'machine': ['/proc/vmstat'], 'cgroup': []}
    for line in read_text('/proc/self/cgroup').splitlines():
        _, controllers, group = line.split(':', 2)
        if controllers == '':
            paths['cgroup'] += [f'/sys/fs/cgroup{path}/memory.events' for path in (group, '')]
        elif 'memory' in controllers.split(','):
            paths['cgroup'] += [f'/sys/fs/cgroup/memory{path}/memory.oom_control' for path in (group, '')]
    kills = {}
    for name, files in paths.items():
        found = [re.search(r'^oom_kill (\d+)$', read_text(path), re.MULTILINE) for path in files]
        kills.update({name: int(match.group(1)) for match in found[::-1] if match})
    return kills


def read_text(path):
    """A file of the system's, or nothing where there is none."""
    try:
        with open(path, encoding='utf-8', errors='replace') as file:
            return file.read()
    except OSError:
        return ''


def end_of_file(path, since, most):
    """The end of what was written into a file after its first `since` bytes, at most `most` bytes of it."""
    try:
        with open(path, 'rb') as file:
            file.seek(max(since, file.seek(0, os.SEEK_END) - most))
            return file.read(most).decode('utf-8', 'replace')
    except OSError:
        return ''


# --- the model: src/host/worker-module.ts and schema.ts ---

MOST_IMPORT_LINES = 20
RESULT_DTYPES = {float: 'float64', int: 'int64', complex: 'complex128', bool: 'bool', str: 'string'}
UNIONS = (typing.Union, getattr(types, 'UnionType', typing.Union))
# Filled from the context where the function asks for them and the sweep has no such parameter.
CONTEXT_NAMES = ('index', 'task_index', 'seed', 'context')
# Kinds of parameters that keyword arguments can fill, and the one that takes all others.
BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
NO_DEFAULT = inspect.Parameter.empty


class ModelError(Exception):
    """A model that can't be used; the message is for its author."""


class Model:
    """The user's function, and what its module and signature say of it."""

    def __init__(self, path, name):
        before = set(sys.modules)
        self.module, source = import_file(path)
        self.function = find_function(self.module, name)
        self.signature = read_signature(self.function, name)
        parameters = {} if self.signature is None else self.signature.parameters
        self.parameters = {key: item for key, item in parameters.items() if item.kind in BY_NAME}
        self.takes_any = self.signature is None or any(item.kind == item.VAR_KEYWORD for item in parameters.values())
        self.columns = declared_columns(self.module) or self.annotated_columns()
        self.folder = os.path.dirname(path)
        self.before = before - {self.module.__name__}
        self.files = {os.path.basename(path): hashlib.sha256(source).hexdigest()}
        self.modules = len(sys.modules)
        self.files.update(loaded_files(self.folder, self.before))

    def new_files(self):
        """The hashes of the files that were imported since this was last asked, as by a function that imports them."""
        # Asked after every task, and most functions import nothing.
        if len(sys.modules) == self.modules:
            return {}
        self.modules = len(sys.modules)
        found = loaded_files(self.folder, self.before)
        new = {name: found[name] for name in found if name not in self.files}
        self.files.update(new)
        return new

    def positional(self):
        """The names that can be given in their order, without keywords, which is quicker."""
        if type(self.function) is not types.FunctionType or hasattr(self.function, '__wrapped__'):
            return ()
        code = self.function.__code__
        return () if code.co_posonlyargcount > 0 else code.co_varnames[: code.co_argcount]

    def filled_names(self, given):
        """The parameters that the context fills."""
        return [
            name
            for name in CONTEXT_NAMES
            if name in self.parameters
            and name not in given
            and (
                self.parameters[name].default is NO_DEFAULT
                or name == 'context'
                and self.parameters[name].default is None
            )
        ]

    def hints(self):
        """The types that the parameters ask for; one that can't be resolved is left out."""
        found = {name: self.resolve(item.annotation) for name, item in self.parameters.items()}
        return {name: hint for name, hint in found.items() if hint is not NO_DEFAULT}

    def resolve(self, annotation):
        if annotation is NO_DEFAULT:
            return NO_DEFAULT
        holder = types.SimpleNamespace(__annotations__={'hint': annotation})
        scope = getattr(inspect.unwrap(self.function), '__globals__', vars(self.module))
        try:
            return typing.get_type_hints(holder, globalns=scope)['hint']
        except Exception:
            # A name that only a type checker knows is no error of the model's.
            return NO_DEFAULT

    def annotated_columns(self):
        """The columns that the return annotation gives, if it is a plain type or a class of plain fields."""
        if self.signature is None:
            return None
        result = self.resolve(self.signature.return_annotation)
        if not isinstance(result, type):
            return None
        if result in RESULT_DTYPES:
            return {'result' if 'y' in self.parameters else 'y': RESULT_DTYPES[result]}
        is_record = hasattr(result, '__dataclass_fields__') or hasattr(result, '_fields')
        if not is_record and not hasattr(result, '__total__'):
            return None
        try:
            hints = typing.get_type_hints(result)
        except Exception:
            # As above: then the columns are undeclared.
            return None
        names = list(hints)
        if hasattr(result, '__dataclass_fields__'):
            names = [field.name for field in sys.modules['dataclasses'].fields(result)]
        elif hasattr(result, '_fields'):
            names = list(result._fields)
        dtypes = [RESULT_DTYPES.get(hints.get(name)) for name in names]
        return dict(zip(names, dtypes)) if names and None not in dtypes else None


def import_file(path):
    """Runs a file as the module of its stem, and gives the module and the bytes that ran."""
    name = os.path.splitext(os.path.basename(path))[0]
    # The same file may be loaded again, after a refusal say.
    if getattr(sys.modules.get(name), '__file__', path) != path or name in sys.builtin_module_names:
        raise ModelError(
            f'Expected the model\'s file to have a name of its own, got {os.path.basename(path)}, which would hide '
            f'Python\'s own module "{name}". Rename it.'
        )
    if os.path.dirname(path) not in sys.path:
        sys.path.insert(0, os.path.dirname(path))
    with open(path, 'rb') as file:
        source = file.read()
    spec = importlib.util.spec_from_file_location(
        name, path, loader=importlib.machinery.SourceFileLoader(name, path)
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    # Not by the loader: it may take compiled code of a source that was changed within the same second.
    exec(compile(source, path, 'exec', dont_inherit=True), module.__dict__)
    # A module may put another thing in its place.
    return sys.modules.get(name, module), source


def find_function(module, name):
    found = getattr(module, name, None)
    if callable(found) and not inspect.iscoroutinefunction(found):
        return found
    own = [
        key
        for key, value in vars(module).items()
        if not key.startswith('_')
        and callable(value)
        and not isinstance(value, type)
        and getattr(value, '__module__', None) == module.__name__
    ]
    got = 'no such name' if found is None else 'an async function' if callable(found) else describe(found)
    raise ModelError(
        f'Expected the model {os.path.basename(module.__file__)} to have a function "{name}", got {got}. '
        f'Its functions are: {", ".join(own) or "none"}.'
    )


def read_signature(function, name):
    """The signature; None where it can't be known, as of some functions written in C."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return None
    for item in signature.parameters.values():
        if item.kind == item.POSITIONAL_ONLY and item.default is item.empty:
            raise ModelError(
                f'Expected the parameters of "{name}" to be given by name, got "{item.name}", which is positional '
                'only. Remove the "/" from the signature.'
            )
    return signature


def declared_columns(module):
    columns = getattr(module, 'columns', None)
    # Any other thing of so common a name is the model's own affair.
    if not isinstance(columns, dict):
        return None
    if columns and all(isinstance(name, str) and dtype in DTYPES for name, dtype in columns.items()):
        return dict(columns)
    raise ModelError(
        f'Expected the model\'s "columns" to give each result column one of {", ".join(DTYPES)}, such as '
        f'{{\'energy\': \'float64\'}}, got {columns!r:.200}.'
    )


def loaded_files(folder, before):
    """The sha256 of the files of the modules that the model brought, by path relative to its folder: src/engine/worker-bundle.ts."""
    files = {}
    for name, module in list(sys.modules.items()):
        path = getattr(module, '__file__', None)
        if name in before or not isinstance(path, str) or not is_own_file(os.path.abspath(path), folder):
            continue
        with open(path, 'rb') as file:
            files[path_from(folder, path)] = hashlib.sha256(file.read()).hexdigest()
    return files


def path_from(folder, path):
    try:
        return os.path.relpath(path, folder).replace(os.sep, '/')
    except ValueError:
        # On another drive of Windows.
        return path.replace(os.sep, '/')


INSTALLED = {'site-packages', 'dist-packages'}
# The folders of Python's own modules and of fanfold's, and that of temporary files.
NOT_OWN = tuple(
    os.path.join(os.path.dirname(os.path.abspath(path)), '') for path in (getattr(os, '__file__', None) or __file__, __file__)
)
TEMPORARY = os.path.join(os.path.abspath(os.environ.get('TMPDIR') or '/tmp'), '')


def is_own_file(path, folder):
    """True for a file that is not of Python, of an installed package or of a virtual environment in the folder."""
    if not os.path.isfile(path):
        return False
    if not path.startswith(os.path.join(folder, '')):
        # What is built on the way, in a cache or in temporary files, has another name on each machine.
        is_made = (INSTALLED | {'.cache'}) & set(path.split(os.sep))
        is_temporary = path.startswith(TEMPORARY) and not folder.startswith(TEMPORARY)
        return path.endswith('.py') and not (is_made or is_temporary or path.startswith(NOT_OWN))
    parts = os.path.relpath(path, folder).split(os.sep)[:-1]
    inner = [os.path.join(folder, *parts[: count + 1]) for count in range(len(parts))]
    if INSTALLED & set(parts):
        return False
    prefixes = {os.path.abspath(prefix) for prefix in (sys.prefix, sys.base_prefix)}
    return not any(place in prefixes or os.path.exists(os.path.join(place, 'pyvenv.cfg')) for place in inner)


def describe_load_error(error):
    """Why a model does not load: the place first, then the lines of the user's own code."""
    if isinstance(error, ModelError):
        return str(error)
    if isinstance(error, SyntaxError) and error.filename is not None:
        line = f'\n    {error.text.strip()}' if error.text else ''
        return f'{error.filename}:{error.lineno}: {type(error).__name__}: {error.msg}{line}'
    stack = user_stack(error)
    if stack is None:
        return describe_own(error)
    return '\n'.join(stack.rstrip().split('\n')[-MOST_IMPORT_LINES:])


def problems_of(model, names, points, dtypes):
    """One line for each parameter that the signature refuses or doesn't know."""
    problems = {}
    if not model.takes_any:
        known = ', '.join(model.parameters) or 'none'
        for name in names:
            if name not in model.parameters:
                problems[name] = (
                    f'parameter "{name}": the function\'s signature doesn\'t know it; its parameters are: {known}'
                )
    hints = model.hints()
    filled = model.filled_names(names)
    for point in points:
        for name, item in model.parameters.items():
            if name in problems or name in filled or name not in point and item.default is not NO_DEFAULT:
                continue
            expected = hint_name(hints[name]) if name in hints else 'required'
            if name not in point:
                got = 'it is missing: give it by --param or --set'
            elif name in hints and not accepts(hints[name], typed_value(point[name], dtypes.get(name))):
                got = f'got {shown(typed_value(point[name], dtypes.get(name)))}'
            else:
                continue
            problems[name] = f'parameter "{name}": the function\'s signature says "{expected}"; {got}'
    return list(problems.values())


def typed_value(value, dtype):
    return float(value) if dtype == 'float64' and type(value) is int else value


def shown(value):
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else str(value)


def accepts(hint, value):
    """False where a type hint refuses a value; hints of other things refuse nothing."""
    origin = typing.get_origin(hint)
    if origin in UNIONS:
        return any(accepts(item, value) for item in typing.get_args(hint))
    if origin is typing.Literal:
        return any(type(item) is type(value) and item == value for item in typing.get_args(hint))
    kinds = {int: (int,), float: (int, float), complex: (int, float, complex), bool: (bool,), str: (str,)}
    if hint is type(None):
        return False
    try:
        return hint not in kinds or type(value) in kinds[hint]
    except TypeError:
        # What can't be hashed is none of these types.
        return True


def hint_name(hint):
    origin = typing.get_origin(hint)
    if origin in UNIONS:
        return ' | '.join(map(hint_name, typing.get_args(hint)))
    if hint is type(None):
        return 'None'
    return hint.__name__ if isinstance(hint, type) else str(hint).replace('typing.', '')


def decode_point(text):
    """A point as protocol.ts encodes it."""
    point = json.loads(text)
    return {name: decode_number(value) for name, value in point.items()}


def decode_number(value):
    if not isinstance(value, dict):
        return value
    return int(value['bigint']) if 'bigint' in value else float(value['number'])


# --- computing: src/host/compute.ts and task.ts ---


class Run:
    """What is the same for every task."""

    def __init__(self, job, model):
        spec = job['spec']
        self.directory = job['directory']
        self.holding = job.get('holding')
        self.element = job.get('element')
        self.format = spec['format']
        self.style = Style(self.format)
        self.seed = int(spec['seed'])
        self.declared = job.get('columns', model.columns)
        self.model = model
        self.facts = job.get('facts', {})
        groups = spec['space']['groups']
        needs_points = any(item['values']['kind'] == 'column' for group in groups for item in group)
        points = Points(os.path.join(self.directory, 'points.json')) if needs_points else None
        self.space = Space([[axis_of(item['name'], item['values'], points) for item in group] for group in groups])
        fixed = [axis_of(item['name'], item['values'], None) for item in spec['fixed']]
        self.fixed = {axis.name: axis.values[0] for axis in fixed if axis.values[0] is not None}
        self.names = [axis.name for axis in self.space.axes]
        self.unwritable = {}
        for axis in self.space.axes:
            axis.write_as(self.style, self.missing_text(axis))

    def missing_text(self, axis):
        """What a points file leaves out is written as the default that the function gets."""
        item = self.model.parameters.get(axis.name)
        if not axis.has_missing or item is None or item.default is NO_DEFAULT or item.default is None:
            return self.style.missing
        for dtype in ({'dtype': axis.dtype}, {}):
            try:
                return cell_writer({'name': axis.name, **dtype}, self.style, Seen())(item.default)
            except ResultError as error:
                # Its own type is tried second; a default that has none fails the points that use it.
                self.unwritable[axis.name] = error
        return self.style.missing

    def parameters(self, index):
        """The parameters of a point as they were given, for a record."""
        given = {**self.fixed, **dict(zip(self.names, self.space.values(index)))}
        return {name: storable(value) for name, value in given.items() if value is not None}


# A record tells a point from others; its values stand in the run's own files.
LONGEST_STRING = 1000


def storable(value):
    """A parameter with integers beyond 2^53, nan and inf as text, which JSON lacks, and the beginning of a long string."""
    if type(value) is str and len(value) > LONGEST_STRING:
        # Counted as the host of node does, in units of 16 bits.
        units = len(value.encode('utf-16-le', 'surrogatepass')) // 2
        return f'{value[:LONGEST_STRING]} … ({units} characters)'
    if type(value) is int and abs(value) > MOST_SAFE:
        return str(value)
    if type(value) is float and not math.isfinite(value):
        return 'NaN' if value != value else 'Infinity' if value > 0 else '-Infinity'
    return value


class Computer:
    """Makes the arguments of points, and writes their results."""

    def __init__(self, run, task_index, log):
        self.run = run
        self.task_index = task_index
        self.log = log
        model, space = run.model, run.space
        given = run.names + list(run.fixed)
        self.sources = {name: constant(value) for name, value in run.fixed.items()}
        for name in model.filled_names(given):
            self.sources[name] = self.context_source(name)
            given.append(name)
        positional = model.positional()
        has_missing = any(axis.has_missing for axis in space.axes)
        if not has_missing and given and set(given) == set(positional[: len(given)]):
            self.order = list(positional[: len(given)])
            self.call = model.function
        else:
            self.order = given
            self.call = self.calling_by_name(has_missing)
        separator = run.style.separator
        keys = [key.replace('%', '%%') for key in run.style.keys(run.names)]
        self.head = ('{' if run.style.is_json else '') + ''.join(f'{key}%s{separator}' for key in keys)
        self.rows = None

    def context_source(self, name):
        """A maker of the values of a parameter that the context fills, for the points [start, stop)."""
        seed = self.run.seed
        if name == 'seed':
            return lambda start, stop: (point_seed(seed, index) for index in range(start, stop))
        if name == 'index':
            return range
        if name == 'task_index':
            return constant(self.task_index)
        return lambda start, stop: (Context(index, self.task_index, seed, self.log) for index in range(start, stop))

    def calling_by_name(self, has_missing):
        function, names = self.run.model.function, self.order
        unwritable = self.run.unwritable

        def call(*values):
            return function(**dict(zip(names, values)))

        def call_without_missing(*values):
            result = function(**{name: value for name, value in zip(names, values) if value is not None})
            for name, value in zip(names, values):
                if value is None and name in unwritable:
                    raise unwritable[name]
            return result

        return call_without_missing if has_missing else call

    def block(self, start, stop):
        """Of the points [start, stop): the arguments of the function and the texts of the axes, a column for each."""
        columns = self.run.space.columns(start, stop)
        by_name = {name: values for name, (values, _) in zip(self.run.names, columns)}
        arguments = [by_name[name] if name in by_name else self.sources[name](start, stop) for name in self.order]
        return arguments, [texts for _, texts in columns]

    def points(self, start, stop):
        """Of each point in [start, stop): its index, the arguments of the function, and the line as far as the axes."""
        arguments, texts = self.block(start, stop)
        return zip(
            range(start, stop),
            zip(*arguments) if arguments else itertools.repeat(()),
            map(self.head.__mod__, zip(*texts)) if texts else itertools.repeat(self.head % ()),
        )

    def use_layout(self, layout):
        self.rows = Rows(layout, self.run.style)

    def first_tail(self, result):
        """The end of the first line. Only a result that can be written fixes the layout of the run."""
        layout = layout_of(result, self.run.declared, self.run.names)
        rows = Rows(layout, self.run.style)
        text = rows.tail(result)
        self.rows = rows
        return text


def constant(value):
    return lambda start, stop: itertools.repeat(value, stop - start)


class Batch:
    """Points that are computed in one go. Another thread may take the lines of the results that there are."""

    def __init__(self, task, start, stop):
        self.task = task
        self.start = start
        self.stop = stop
        self.arguments, self.texts = task.computer.block(start, stop)
        self.results = []
        self.taken = 0

    def compute(self):
        """Computes the points; raises what the function raises at the point after the last result."""
        call = self.task.computer.call
        if self.arguments:
            self.results.extend(map(call, *self.arguments))
        else:
            self.results.extend(itertools.starmap(call, itertools.repeat((), self.stop - self.start)))

    def pending(self):
        return len(self.results) - self.taken

    def take(self):
        """The lines of the results that were not taken before."""
        first, results = self.taken, self.results[self.taken :]
        self.taken += len(results)
        texts = [column[first : self.taken] for column in self.texts]
        computer, rows = self.task.computer, self.task.computer.rows
        kinds = set(map(type, results))
        if len(kinds) == 1 and not kinds.isdisjoint(rows.inlined()):
            (kind,) = kinds
            if kind is float:
                rows.seen[0].fraction = True
                rows.seen[0].nan += sum(map(operator.ne, results, results))
            else:
                rows.seen[0].whole = True
            line = f'{computer.head}%s{rows.end}'
            return list(map(line.__mod__, zip(*texts, map(kind.__repr__, results))))
        heads = map(computer.head.__mod__, zip(*texts)) if texts else itertools.repeat(computer.head % ())
        return list(map(self.line, itertools.count(self.start + first), heads, results))

    def line(self, index, head, result):
        try:
            return head + self.task.computer.rows.tail(result)
        except BaseException as error:
            return self.task.fail(index, error)


class LineBuffer:
    """Lines on their way into the file; those that wait are written by a thread when nothing comes after them."""

    def __init__(self, file):
        self.file = file
        self.lines = []
        self.batch = None
        self.lock = threading.Lock()
        self.ended = threading.Event()
        self.thread = None
        self.error = None

    def write(self):
        """Writes what there is. Raises what stopped the thread from doing so."""
        with self.lock:
            if self.error is not None:
                raise self.error
            self.write_lines()

    def write_lines(self):
        if self.batch is not None:
            self.lines += self.batch.take()
        if self.lines:
            lines, self.lines = self.lines, []
            self.file.append(''.join(lines).encode(), len(lines))

    def waiting(self):
        return 0 if self.batch is None else self.batch.pending()

    def guard(self):
        """Starts the thread. False where the system has none to give: then no line may wait."""
        if self.thread is None:
            thread = threading.Thread(target=self.watch, daemon=True)
            try:
                thread.start()
            except RuntimeError:
                return False
            self.thread = thread
        return True

    def watch(self):
        before = None
        while not self.ended.wait(SILENCE_SECONDS):
            now = (self.file.lines, self.waiting())
            if now == before and now[1] > 0:
                try:
                    self.write()
                except Exception as error:
                    # The next write meets it, in the thread that can end the program.
                    self.error = error
                    return
            before = now

    def close(self):
        """Ends the thread, so that none is alive in a fork."""
        self.ended.set()
        if self.thread is not None:
            self.thread.join()


class TaskRun:
    """Computes what is missing of one task, and puts its file in place when it is whole."""

    def __init__(self, run, task, host):
        self.run = run
        self.task = task
        self.channel = host.channel
        self.log = host.log
        self.paths = Paths(run, task['index'])
        self.computer = Computer(run, task['index'], host.log.write_values)
        if task.get('layout') is not None:
            self.computer.use_layout(task['layout'])
        self.doomed = frozenset(task['doomed'])
        self.is_careful = task['isCareful']
        self.failed = 0

    def compute(self):
        task, paths = self.task, self.paths
        started = time.monotonic()
        self.refuse_if_lost()
        if task.get('layout') is None:
            # Lines of columns that nobody knows any more.
            remove(paths.retried)
        retried = self.retry_failed() if task['retryFailed'] else 0
        self.refuse_if_lost()
        file = SliceFile(paths, task, read_retried(paths.retried))
        try:
            remove(paths.retried)
            append_record(paths.events, {'event': 'start', **stamp(task['index']), 'lines': file.lines})
            computed = self.compute_rest(file)
            self.finish(file, time.monotonic() - started, retried + computed)
        finally:
            file.close()

    def refuse_if_lost(self):
        """Makes sure that the run directory is still that of this host's coordinator: src/host/holding.ts."""
        holding, lock = self.run.holding, self.paths.lock
        if holding is None:
            return
        try:
            with open(lock, 'rb') as file:
                text = file.read()
        except FileNotFoundError:
            text = b''
            if not os.path.exists(self.paths.directory):
                # Writing tells what is wrong with it.
                return
        if holding.encode() not in text:
            raise SupersededError(f'{self.paths.directory} belongs to another process now')

    def must_stop(self):
        """True where a stop has come. To look for it costs less than the write that goes before."""
        self.channel.look()
        return self.channel.is_stopped

    def retry_failed(self):
        """Computes the failed points again; each line is safe in `.retried` before the next point starts."""
        path = self.paths.retried
        # What one that was killed has left.
        left = read_retried(path)
        if left:
            SliceFile(self.paths, self.task, left).close()
        # It is there as long as failed points are computed.
        open(path, 'w').close()
        points = 0
        lines, failed = believed(self.paths, self.task)
        start = {'event': 'start', **stamp(self.task['index']), 'lines': lines, 'isRetry': True}
        append_record(self.paths.events, start)
        self.channel.report({'type': 'begin'})
        for index in failed:
            line = self.compute_one(index)
            points += 1
            self.refuse_if_lost()
            append_record(path, {'index': index, 'line': line})
            if self.must_stop():
                break
        self.channel.report({'type': 'computed'})
        return points

    def compute_one(self, index):
        if index in self.doomed:
            return self.count_failed(index)
        if self.is_careful:
            self.channel.report({'type': 'point', 'index': index})
        had_layout = self.computer.rows is not None
        try:
            _, arguments, head = next(self.computer.points(index, index + 1))
            result = self.computer.call(*arguments)
            line = head + (self.computer.rows.tail if had_layout else self.computer.first_tail)(result)
        except BaseException as error:
            return self.fail(index, error)
        self.channel.leave_if_forked()
        if not had_layout:
            self.publish_layout()
        return line

    def publish_layout(self):
        self.refuse_if_lost()
        layout = self.computer.rows.layout
        record = {'event': 'layout', 'time': now_ms(), 'task': self.task['index'], 'layout': layout}
        append_record(self.paths.events, record)
        self.channel.report({'type': 'layout', 'layout': layout})

    def fail(self, index, error):
        """Records a point that failed, and gives the line that keeps its place."""
        self.channel.leave_if_forked()
        self.refuse_if_lost()
        stack = user_stack(error)
        record = {
            'time': now_ms(),
            'index': index,
            'task': self.task['index'],
            'parameters': self.run.parameters(index),
            'attempt': self.task['attempts'].get(str(index), 0) + 1,
            'error': error_text(error),
        }
        if stack is not None:
            record['stack'] = stack
        record['certificate'] = self.certify(index, error, record['error'])
        append_record(self.paths.failures, record)
        return self.count_failed(index)

    def count_failed(self, index):
        self.failed += 1
        self.channel.report({'type': 'failed', 'indices': [index]})
        return failed_line(index)

    def certify(self, index, error, text):
        """The certificate of an attempt that raised: src/host/failed-attempt.ts."""
        facts = self.run.facts
        verdict, words = judge_error(error, text)
        self.log.flush()
        ends = facts.get('endsAtMs')
        return {
            'verdict': verdict,
            'words': f'{verdict}: {words}',
            'exitStatus': None,
            'signal': None,
            **described_usage(resource.getrusage(resource.RUSAGE_SELF)),
            'oomKills': {'before': self.task.get('oomKills', {}), 'after': recent_oom_kills()},
            **({} if ends is None else {'timeLeftSeconds': round((ends - now_ms()) / 1000, 1)}),
            'node': os.uname().nodename,
            'logEnd': end_of_file(self.paths.log, self.task.get('logStart', 0), LOG_END_BYTES),
            'again': f"{facts.get('again', '')}{index}",
        }

    def compute_rest(self, file):
        """Computes from the file's last line to the task's end."""
        self.failed = 0
        self.channel.report({'type': 'begin'})
        buffer = LineBuffer(file)
        first = self.task['start'] + file.lines
        index = first
        try:
            while index < self.task['stop'] and not self.channel.is_stopped:
                # The first result fixes the layout, and with it the writer of all others.
                if self.computer.rows is None or self.is_careful or index in self.doomed:
                    buffer.lines.append(self.compute_one(index))
                    buffer.write()
                    index += 1
                    self.channel.look()
                else:
                    stop = self.next_doomed(index)
                    index = self.compute_each(buffer, index, stop)
                    if index < stop and not self.channel.is_stopped:
                        self.channel.report({'type': 'pace', 'isFast': True})
                        index = self.compute_batches(buffer, index, stop)
                        self.channel.report({'type': 'pace', 'isFast': False})
            buffer.write()
            self.channel.report({'type': 'computed'})
            return index - first
        finally:
            buffer.close()
            file.failed += self.failed

    def next_doomed(self, index):
        return min((other for other in self.doomed if other > index), default=self.task['stop'])

    def compute_each(self, buffer, start, stop):
        """Computes the points [start, stop) and writes each line at once. Ends early where they prove to be fast."""
        computer, rows = self.computer, self.computer.rows
        last = time.monotonic()
        slow_at = index = start
        while index < stop:
            # A short first block: the first of slow points is not to wait for the arguments of thousands.
            after = min(index + (BLOCK_POINTS if index > start else 64), stop)
            for index, arguments, head in computer.points(index, after):
                try:
                    line = head + rows.tail(computer.call(*arguments))
                except BaseException as error:
                    line = self.fail(index, error)
                buffer.lines.append(line)
                buffer.write()
                now = time.monotonic()
                if now - last >= PACE_SECONDS:
                    slow_at = index
                last = now
                if self.must_stop() or index - slow_at > FAST_POINTS and buffer.guard():
                    return index + 1
            index = after
        return index

    def compute_batches(self, buffer, start, stop):
        """Computes the points [start, stop) many at a time. Ends early where they prove to be slow."""
        index, size = start, FIRST_BATCH
        while index < stop:
            began = time.monotonic()
            batch = buffer.batch = Batch(self, index, min(index + size, stop))
            error = None
            try:
                batch.compute()
            except BaseException as raised:
                error = raised
            buffer.write()
            buffer.batch = None
            index += len(batch.results)
            if error is not None:
                buffer.lines.append(self.fail(index, error))
                index += 1
            elif index < batch.stop:
                # The function raised StopIteration, which ends a batch without a word.
                buffer.lines.append(self.compute_one(index))
                index += 1
            buffer.write()
            seconds = time.monotonic() - began
            if self.must_stop() or seconds >= PACE_SECONDS:
                return index
            if seconds < PACE_SECONDS / 4:
                size = min(2 * size, BLOCK_POINTS)
        return index

    def finish(self, file, seconds, points):
        task = self.task
        is_complete = file.lines >= task['stop'] - task['start'] and file.failed == 0
        sealed = file.seal(is_complete)
        rows = self.computer.rows
        numbers, nans = (rows.numbers(), rows.nans()) if rows is not None else ({}, {})
        record = {'event': 'end', **stamp(task['index']), 'seconds': seconds, 'points': points, 'failed': file.failed}
        if numbers:
            record['numbers'] = numbers
        if nans:
            record['nans'] = nans
        if is_complete:
            if rows is not None:
                record['layout'] = rows.layout
            record['file'] = sealed
        append_record(self.paths.events, record, is_synced=is_complete)
        # After the record: a file in its final place always has one, so a file without one is not ours.
        if is_complete:
            file.publish()


# --- plain calls: values on the wire, and values that processes share ---

ARRAY_CODES = {'f': 'float32', 'd': 'float64'}
ARRAY_CODES.update({code: f'int{8 * array.array(code).itemsize}' for code in 'bhilq'})
ARRAY_CODES.update({code: f'uint{8 * array.array(code).itemsize}' for code in 'BHILQ'})
ARRAY_DTYPES = {dtype: code for code, dtype in ARRAY_CODES.items()}


def encode_value(value):
    """A value as JSON with tags. Raises TypeError for what has no such form."""
    if value is None or isinstance(value, bool):
        return value
    if is_numpy(value):
        return encode_numpy(value)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        number = int.__pos__(value)
        return number if abs(number) <= MOST_SAFE else {'$bigint': str(number)}
    if isinstance(value, float):
        return encode_float(float.__pos__(value))
    if isinstance(value, complex):
        return {'$complex': [encode_float(value.real), encode_float(value.imag)]}
    if isinstance(value, (bytes, bytearray)):
        return {'$bytes': base64.b64encode(value).decode()}
    if isinstance(value, array.array) and value.typecode in ARRAY_CODES:
        return tagged_array(ARRAY_CODES[value.typecode], value)
    if is_record(value) and not isinstance(value, type):
        return encode_record(*members(value))
    if isinstance(value, (list, tuple)):
        return list(map(encode_value, value))
    raise TypeError(f'Expected a value of numbers, strings, lists and dicts to return, got {describe(value)}.')


def encode_float(value):
    if math.isfinite(value) and not (value == 0 and math.copysign(1, value) < 0):
        return value
    return {'$float': repr(value)}


def encode_record(names, values):
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f'Expected a dict with keys that are strings to return, got the key {name!r:.200}.')
    encoded = {str.__str__(name): encode_value(value) for name, value in zip(names, values)}
    return {'$escape': encoded} if is_tagged(encoded) else encoded


def encode_numpy(value):
    kind, size = value.dtype.kind, value.dtype.itemsize
    if value.ndim == 0:
        found = plain(value)
        if found is NO_SCALAR:
            raise TypeError(f'Expected a value of numbers, strings, lists and dicts to return, got {describe(value)}.')
        return encode_value(found.value if type(found) is Narrow else found)
    if value.ndim == 1 and (kind in 'iu' or kind == 'f' and size in (4, 8)):
        name = {'i': 'int', 'u': 'uint', 'f': 'float'}[kind] + str(8 * size)
        native = value.astype(value.dtype.newbyteorder('='))
        return tagged_array(name, array.array(ARRAY_DTYPES[name], native.tobytes()))
    return encode_value(value.tolist())


def tagged_array(dtype, items):
    if sys.byteorder == 'big':
        items = array.array(items.typecode, items)
        items.byteswap()
    return {'$array': {'dtype': dtype, 'data': base64.b64encode(items.tobytes()).decode()}}


def is_tagged(value):
    return len(value) == 1 and next(iter(value)).startswith('$')


def decode_value(value):
    if isinstance(value, list):
        return list(map(decode_value, value))
    if not isinstance(value, dict):
        return value
    if not is_tagged(value):
        return {name: decode_value(item) for name, item in value.items()}
    ((tag, held),) = value.items()
    if tag == '$escape':
        return {name: decode_value(item) for name, item in held.items()}
    if tag not in DECODERS:
        raise ValueError(f'The coordinator sent a value with the unknown tag "{tag}".')
    return DECODERS[tag](held)


def decode_array(held):
    items = array.array(ARRAY_DTYPES[held['dtype']], base64.b64decode(held['data']))
    if sys.byteorder == 'big':
        items.byteswap()
    numpy = sys.modules.get('numpy')
    return items if numpy is None else numpy.array(items, dtype=held['dtype'])


DECODERS = {
    '$bigint': int,
    '$float': float,
    '$complex': lambda parts: complex(*map(decode_value, parts)),
    '$undefined': lambda _: None,
    '$bytes': base64.b64decode,
    '$array': decode_array,
    '$shared': lambda held: (SharedValue if held['scalar'] else SharedArray)(held),
}

LONGEST_SLEEP_SECONDS = 0.010
UNREADABLE_SECONDS = 2.0
"""A lock without a process number, or a takeover, is dead after so long: either lasts for microseconds."""


class SharedLock:
    """The lock of a shared value, for the processes of one machine: a file with the number of the one that holds it.

    The thread that holds it may take it again.
    """

    made = {}

    def __init__(self, path):
        self.path = path
        self.threads = threading.RLock()
        self.depth = 0

    @classmethod
    def of(cls, path):
        """The one lock of a path in this process."""
        return cls.made.setdefault(path, cls(path))

    def acquire(self):
        self.threads.acquire()
        try:
            if self.depth == 0:
                sleep = 0.0001
                while not create_exclusively(self.path):
                    if is_dead(self.path):
                        self.take_over()
                    time.sleep(sleep)
                    sleep = min(2 * sleep, LONGEST_SLEEP_SECONDS)
            self.depth += 1
        except BaseException:
            self.threads.release()
            raise
        return True

    def release(self):
        if self.depth == 1:
            os.unlink(self.path)
        self.depth -= 1
        self.threads.release()

    def __enter__(self):
        self.acquire()
        return self

    def __exit__(self, *_):
        self.release()

    def take_over(self):
        """Removes a dead lock. Only one process at a time may judge it dead, or two could remove two locks."""
        guard = f'{self.path}.takeover'
        if is_dead(guard):
            remove(guard)
        if create_exclusively(guard):
            try:
                if is_dead(self.path):
                    remove(self.path)
            finally:
                os.unlink(guard)


def create_exclusively(path):
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    except FileExistsError:
        return False
    try:
        write_all(file, f'{os.getpid()}\n'.encode())
    finally:
        os.close(file)
    return True


def is_dead(path):
    """True for a lock whose process has ended."""
    try:
        with open(path, 'rb') as file:
            text = file.read()
            age = time.time() - os.fstat(file.fileno()).st_mtime
    except FileNotFoundError:
        return False
    if not re.fullmatch(rb'\d+\n', text):
        return age > UNREADABLE_SECONDS
    try:
        os.kill(int(text), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    # Our own number: left by a process that had it before us, for who waits does not hold it.
    return int(text) == os.getpid()


class Shared:
    """Numbers in a file that several processes have mapped into their memory."""

    def __init__(self, held):
        self._lock = SharedLock.of(held['path'] + '.lock')
        size = struct.calcsize(held['typecode']) * held['length']
        file = os.open(held['path'], os.O_RDWR)
        try:
            self._items = memoryview(mmap.mmap(file, size))[:size].cast(held['typecode'])
        finally:
            os.close(file)

    def get_lock(self):
        """A context manager that keeps all other processes out that ask for it."""
        return self._lock


class SharedValue(Shared):
    """One shared number."""

    @property
    def value(self):
        return self._items[0]

    @value.setter
    def value(self, value):
        self._items[0] = value


class SharedArray(Shared):
    """Shared numbers of one type."""

    def __len__(self):
        return len(self._items)

    def __getitem__(self, key):
        return self._items[key].tolist() if isinstance(key, slice) else self._items[key]

    def __setitem__(self, key, value):
        if not isinstance(key, slice):
            self._items[key] = value
            return
        indices, values = range(*key.indices(len(self._items))), list(value)
        if len(indices) != len(values):
            raise ValueError(f'Expected {len(indices)} values for the slice of a shared array, got {len(values)}.')
        for index, item in zip(indices, values):
            self._items[index] = item

    def __iter__(self):
        return iter(self._items)


# --- what the model prints: src/host/task-log.ts ---


class Output(io.FileIO):
    """Standard output or error of the model. What can't be written, on a full disk say, must not fail a point."""

    def write(self, data):
        try:
            return super().write(data)
        except OSError:
            return len(data)


def text_output(descriptor):
    # Prints in pieces become lines; no character can fail, whatever the environment says of encodings.
    raw = io.BufferedWriter(Output(descriptor, 'w', closefd=False))
    return io.TextIOWrapper(raw, encoding='utf-8', errors='backslashreplace', line_buffering=True)


class TaskLog:
    """Sends what is printed to file descriptors 1 and 2, by whomever, into the log of the task in hand."""

    def __init__(self):
        self.stream = sys.stdout = sys.__stdout__ = text_output(1)
        sys.stderr = sys.__stderr__ = text_output(2)
        self.path = None
        self.saved = ()

    def write_values(self, *values):
        """Writes a line into the log of the task."""
        print(*values, file=self.stream)

    def open(self, path):
        self.flush()
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        try:
            file = os.open(path, flags, 0o666)
            self.path = path
        except OSError:
            # A log that can't be made must not fail a task.
            file = os.open(os.devnull, flags)
        self.saved = (os.dup(1), os.dup(2))
        os.dup2(file, 1)
        os.dup2(file, 2)
        os.close(file)

    def close(self):
        self.flush()
        for descriptor, saved in enumerate(self.saved, 1):
            os.dup2(saved, descriptor)
            os.close(saved)
        self.saved = ()
        path, self.path = self.path, None
        try:
            if path is not None and os.path.getsize(path) == 0:
                os.unlink(path)
        except OSError:
            # Somebody has removed it already.
            return

    def flush(self):
        for stream in {sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__, self.stream}:
            try:
                stream.flush()
            except (OSError, ValueError, AttributeError):
                # Closed by the model, or no stream at all.
                continue


# --- the coordinator's end: src/host/protocol.ts and main.ts ---


class Channel:
    """Commands in and reports out, as JSON lines."""

    def __init__(self, commands, reports, on_close):
        self.commands = commands
        self.reports = reports
        self.on_close = on_close
        self.owner = os.getpid()
        self.is_stopped = False
        self.waiting = []
        # The pieces of a line that is not whole yet, joined once: a long one comes in thousands.
        self.pieces = []
        for descriptor in (commands, reports):
            os.set_inheritable(descriptor, False)
            os.set_blocking(descriptor, True)
        self.poller = select.poll()
        self.poller.register(commands, select.POLLIN)

    def leave_if_forked(self):
        """Ends a process that the model forked and that came out of the function: it is not to answer a second time."""
        if os.getpid() != self.owner:
            os._exit(1)

    def report(self, message):
        self.leave_if_forked()
        try:
            write_all(self.reports, (json.dumps(message, separators=(',', ':')) + '\n').encode())
        except (BrokenPipeError, ConnectionResetError):
            self.on_close()

    def look(self):
        """Reads what commands have come, without waiting."""
        if self.poller.poll(0):
            self.read()

    def next(self, wake=None, on_wake=None):
        """The next command but stop. While it waits, calls `on_wake` when the file descriptor `wake` has something."""
        while not self.waiting:
            if wake is not None:
                self.poller.register(wake, select.POLLIN)
            ready = [descriptor for descriptor, _ in self.poller.poll()]
            if wake is not None:
                self.poller.unregister(wake)
            if wake in ready:
                on_wake()
            if self.commands in ready:
                self.read()
        return self.waiting.pop(0)

    def read(self):
        try:
            data = os.read(self.commands, 1 << 16)
        except ConnectionResetError:
            data = b''
        if not data:
            self.on_close()
        *lines, rest = data.split(b'\n')
        if lines:
            lines[0] = b''.join([*self.pieces, lines[0]])
            self.pieces = []
        self.pieces.append(rest)
        for line in lines:
            command = json.loads(line)
            # A stop must be seen while a task runs; everything else waits for its turn.
            if command['type'] == 'stop':
                self.is_stopped = True
            else:
                self.waiting.append(command)


class Host:
    """Obeys one command after another. As a server it forks children that go on as hosts of their own."""

    def __init__(self):
        self.channel = Channel(COMMANDS, REPORTS, self.leave)
        self.log = TaskLog()
        self.model = None
        self.run = None
        self.children = {}
        self.wake = None
        self.wakers = ()
        self.progress = None
        self.progress_path = None

    def serve(self):
        while True:
            command = self.channel.next(self.wake, self.reap)
            kind = command['type']
            if kind == 'load':
                self.load(command['worker'])
            elif kind == 'check':
                points = list(map(decode_point, command['points']))
                problems = problems_of(self.loaded(), command['names'], points, command.get('dtypes', {}))
                self.channel.report({'type': 'checked', 'problems': problems})
            elif kind == 'run':
                self.run = Run(command['job'], self.loaded())
            elif kind == 'task':
                self.compute(command['task'])
            elif kind == 'fork':
                self.fork(command['id'], command['socket'])
            elif kind == 'call':
                self.call(command)
            elif kind == 'exit':
                self.log.flush()
                sys.exit(0)
            else:
                raise ValueError(f'The coordinator sent a command of an unknown type "{kind}".')

    def loaded(self):
        if self.model is None:
            raise ValueError('The coordinator sent a task before a worker and a run.')
        return self.model

    def load(self, worker):
        try:
            self.model = Model(worker['file'], worker['export'])
        except BaseException as error:
            self.log.flush()
            self.channel.report({'type': 'refused', 'message': describe_load_error(error)})
            return
        self.log.flush()
        columns = {} if self.model.columns is None else {'columns': self.model.columns}
        self.channel.report(
            {
                'type': 'loaded',
                'hasSchema': True,
                **columns,
                'files': self.model.files,
                'versions': {'python': '.'.join(map(str, sys.version_info[:3]))},
            }
        )

    def compute(self, task):
        if self.run is None:
            raise ValueError('The coordinator sent a task before a worker and a run.')
        work = TaskRun(self.run, task, self)
        self.log.open(work.paths.log)
        try:
            work.compute()
        except SupersededError:
            self.channel.report({'type': 'superseded'})
            return
        finally:
            self.log.close()
        files = self.loaded().new_files()
        self.channel.report({'type': 'done', 'files': files} if files else {'type': 'done'})

    def call(self, command):
        """Calls the function as it is, with arguments from the wire, until one call raises."""
        function = self.loaded().function
        # Calls leave nothing that could be kept: here a signal means what it means to any process.
        for number in SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        values = []
        answer = {'type': 'returned', 'id': command['id'], 'values': values}
        for position, call in enumerate(command['calls']):
            if 'progress' in command:
                self.note_progress(command['progress'], command['id'], position)
            arguments = decode_value(call.get('args', []))
            keywords = {name: decode_value(value) for name, value in call.get('kwargs', {}).items()}
            try:
                values.append(encode_value(function(*arguments, **keywords)))
            except SystemExit:
                # It ends the process, with the code and the text that Python gives it.
                if os.getpid() == self.channel.owner:
                    self.log.flush()
                raise
            except BaseException as error:
                answer.update(type='raised', position=position, error=error_text(error))
                answer['stack'] = user_stack(error) or error_text(error)
                break
        self.log.flush()
        self.channel.report(answer)

    def note_progress(self, path, identity, position):
        """Says which call is in hand, for a coordinator that finds this process killed."""
        if path != self.progress_path:
            self.progress = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
            self.progress_path = path
        os.lseek(self.progress, 0, os.SEEK_SET)
        os.write(self.progress, struct.pack('<II', identity, position))

    def fork(self, identity, path):
        """Makes a child that takes its commands from the Unix socket `path`."""
        self.log.flush()
        if self.wake is None:
            self.watch_children()
        with warnings.catch_warnings():
            # The threads are those of the model's libraries, which know of forks.
            warnings.simplefilter('ignore')
            pid = os.fork()
        if pid == 0:
            self.become_child(identity, path)
            return
        try:
            os.setpgid(pid, pid)
        except (ProcessLookupError, PermissionError):
            # It has ended, or begun a program, after it did so itself.
            pass
        self.children[pid] = identity
        self.channel.report({'type': 'forked', 'id': identity, 'pid': pid})

    def watch_children(self):
        self.wakers = socket.socketpair()
        self.wake = self.wakers[0].fileno()
        for end in self.wakers:
            end.setblocking(False)
        signal.set_wakeup_fd(self.wakers[1].fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, no_answer)

    def become_child(self, identity, path):
        os.setpgid(0, 0)
        # What it starts is told by this from what other forks start.
        mark = os.environ.get('FANFOLD_HOST_ID')
        if mark is not None:
            os.environ['FANFOLD_HOST_ID'] = f'{mark}.{identity}'
        # What the parent registered at its start is the parent's to do at its end.
        atexit._clear()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for end in self.wakers:
            end.close()
        self.wake, self.wakers, self.children = None, (), {}
        os.close(COMMANDS)
        os.close(REPORTS)
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.connect(path)
        descriptor = connection.detach()
        self.channel = Channel(descriptor, descriptor, self.leave)
        self.channel.report({'type': 'hello', 'id': identity, 'pid': os.getpid()})

    def reap(self):
        """Reports the children that have ended, and no process of the model's own."""
        try:
            while self.wakers[0].recv(4096):
                continue
        except BlockingIOError:
            # All of it is read.
            pass
        for pid in list(self.children):
            ended, status, usage = os.wait4(pid, os.WNOHANG)
            if ended == pid:
                end = {'exitCode': None, 'signal': None, 'usage': described_usage(usage)}
                if os.WIFSIGNALED(status):
                    end['signal'] = signal_name(os.WTERMSIG(status))
                else:
                    end['exitCode'] = os.WEXITSTATUS(status)
                self.channel.report({'type': 'ended', 'id': self.children.pop(pid), **end})

    def leave(self):
        """Ends at once, with all children: the coordinator is gone, or nobody can tell it how they fare."""
        for pid in self.children:
            try:
                os.killpg(pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                # It has ended already.
                continue
        os._exit(1)


def signal_name(number):
    try:
        return signal.Signals(number).name
    except ValueError:
        return f'SIG{number}'


def no_answer(*_):
    """A signal that the coordinator answers. Not SIG_IGN, which programs that the model starts would inherit."""


def main():
    for number in SIGNALS:
        signal.signal(number, no_answer)
    # Python puts the folder of this file there; the model's takes its place.
    if sys.path and os.path.abspath(sys.path[0]) == os.path.dirname(os.path.abspath(__file__)):
        del sys.path[0]
    # A crash in a library leaves the place in the model in the log.
    faulthandler.enable(2)
    host = Host()
    try:
        host.serve()
    except Exception as error:
        stack = ''.join(traceback.format_exception(type(error), error, error.__traceback__))
        host.channel.report({'type': 'broken', 'message': describe_own(error), 'stack': stack[:MOST_CHARACTERS]})
        host.log.flush()
        host.leave()


if __name__ == '__main__':
    main()

"""Doubles 0, 1, ..., n - 1 in parallel processes, by hand, as the article's section 6 does.

usage: multiprocessing_double.py POINTS TASKS FOLDER
"""
import multiprocessing
import os
import sys

import numpy as np


def slice_of(parameters, task_num, task_index):
    """The slicing rule of guan's preprocess_for_parallel_calculations."""
    num_all = len(parameters)
    if num_all % task_num == 0:
        size = num_all // task_num
        return parameters[task_index * size:(task_index + 1) * size]
    size = int(num_all / (task_num - 1))
    stop = num_all if task_index == task_num - 1 else (task_index + 1) * size
    return parameters[task_index * size:stop]


def write(parameters, results, filename):
    """The file format of guan's write_one_dimensional_data."""
    with open(filename, 'w', encoding='UTF-8') as file:
        for x, y in zip(parameters, results):
            file.write(str(x) + '   ')
            file.write(str(y) + '\n')


def compute(parameters, task_index):
    """One task: the whole of its results is in memory before its file is written."""
    results = []
    for parameter in parameters:
        results.append(parameter * 2)
    write(parameters, results, f'task_index={task_index}.txt')


def concatenate(task_num):
    """Puts the files of all tasks together, each read whole."""
    with open('result.txt', 'w', encoding='UTF-8') as result:
        for task_index in range(task_num):
            with open(f'task_index={task_index}.txt', encoding='UTF-8') as file:
                result.write(file.read())


def main(points, task_num, folder):
    os.makedirs(folder)
    os.chdir(folder)
    parameters = np.arange(0, points, 1)
    processes = [
        multiprocessing.Process(target=compute, args=(slice_of(parameters, task_num, task_index), task_index))
        for task_index in range(task_num)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    if any(process.exitcode != 0 for process in processes):
        sys.exit('a task failed')
    concatenate(task_num)


if __name__ == '__main__':
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])

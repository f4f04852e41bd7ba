import { describe, expect, test } from '@jest/globals';
import { checkSlurmOption } from '../../../src/engine/slurm/slurm-options.js';

describe('checkSlurmOption', () => {
  test.each([
    ['partition', 'main'],
    ['time', '1-00:00:00'],
    ['mem', '2G'],
    ['gres', 'gpu:1'],
    ['comment', `it's "mine"`],
    ['exclusive', 'true'],
    ['requeue', 'false'],
  ])('takes %s=%s', (name, value) => {
    expect(() => {
      checkSlurmOption(name, value);
    }).not.toThrow();
  });

  test.each([
    ['partion', 'main', /got "partion"\. Did you mean partition\? Known are: account, .*partition/],
    ['partiton', 'main', /Did you mean partition\?/],
    ['nonsense', '1', /got "nonsense"\. Known are/],
    ['__proto__', 'x', /NAME of sbatch, got "__proto__"/],
    ['array', '0-3', /leave array alone, which is set by fanfold: --tasks/],
    ['output', 'x', /leave output alone/],
    ['signal', 'B:USR2@50', /leave signal alone/],
    ['clusters', 'other', /leave clusters alone/],
    ['exclusive', 'yes', /exclusive=true or exclusive=false, got "yes"/],
    ['comment', 'a\n#SBATCH --uid=0', /without control characters/],
    ['comment', '', /followed by a value/],
    ['cpus-per-task', '0', /positive integer/],
    ['cpus-per-task', '2; rm', /positive integer/],
  ])('refuses %s=%j', (name, value, message) => {
    expect(() => {
      checkSlurmOption(name, value);
    }).toThrow(message);
  });
});

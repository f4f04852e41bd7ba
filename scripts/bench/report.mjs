/** The report as a text for a person. */
export function formatReport({ machine, runs, cases, leftOut }) {
  const method = [
    `Medians of ${runs} runs (least to greatest) after one warm-up; the programs take turns.`,
    "A time is the whole command's; Python is started without any version manager's script.",
    'A ratio is the median over pairs of neighbouring runs; the ratio of the two medians stands behind it.',
  ].join('\n');
  const rest = leftOut.map(
    (key) => `(${key}) left out: this machine can't have a Slurm cluster of its own for it.`,
  );
  return [describe(machine), method, ...cases.map(formatCase), ...rest].join('\n\n');
}

// --- internal ---

function describe(machine) {
  const { processor, cores, memoryGb, system, loadAverage } = machine;
  return [
    `${processor}, ${cores} cores, ${memoryGb} GB, ${system}, load average ${loadAverage.toFixed(2)} at the start`,
    `fanfold ${machine.fanfold}, node ${machine.node}, python ${machine.python} (${machine.startMethod}), numpy ${machine.numpy}`,
  ].join('\n');
}

function formatCase({ key, title, notes, figures, ratios, checks }) {
  return [
    `(${key}) ${title}`,
    ...notes.map((note) => `    ${note}`),
    '',
    ...align(figures.map(figureRow)),
    '',
    ...align(ratios.map(ratioRow)),
    ...checks.map(({ name, isMet, detail }) => `  ${isMet ? 'same' : 'DIFFERENT'}: ${name}\n    ${detail}`),
  ].join('\n');
}

function figureRow({ program, name, unit, median, min, max }) {
  return [program, name, amount(median, unit), `(${amount(min)} to ${amount(max, unit)})`];
}

function ratioRow({ name, unit, value, min, max, ofMedians, aim, isMet }) {
  const verdict = isMet ? 'met' : 'missed';
  return [
    name,
    amount(value, unit),
    `(${amount(min)} to ${amount(max, unit)}${ofMedians === undefined ? '' : `; of medians ${amount(ofMedians)}`})`,
    aim === undefined ? '' : `aim: at most ${amount(aim, unit)}: ${verdict}`,
  ];
}

function amount(value, unit = '') {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 3;
  return `${value.toFixed(digits)} ${unit}`.trim();
}

function align(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) =>
    `  ${row.map((cell, column) => cell.padEnd(widths[column])).join('  ')}`.trimEnd(),
  );
}

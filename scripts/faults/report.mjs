/** Adds up what became of the faults, by their names, in the order of `names`. */
export function tally(outcomes, names) {
  return names
    .map((name) => {
      const own = outcomes.filter(({ fault }) => fault.name === name);
      const sum = (value) => own.reduce((total, outcome) => total + (value(outcome) ?? 0), 0);
      return {
        name,
        tried: own.length,
        survived: sum(({ isSurvived }) => (isSurvived ? 1 : 0)),
        advised: sum(({ isSurvived, advised }) => (isSurvived && advised > 0 ? 1 : 0)),
        lost: sum(({ cost }) => cost.lost),
        repeated: sum(({ cost }) => cost.repeated),
      };
    })
    .filter(({ tried }) => tried > 0);
}

/** The table as lines of text. */
export function formatTable(rows) {
  const all = [
    ['fault', 'tried', 'survived', 'after advice', 'points lost', 'points repeated'],
    ...rows.map(({ name, ...row }) =>
      [name, row.tried, row.survived, row.advised, row.lost, row.repeated].map(String),
    ),
  ];
  const widths = all[0].map((_, column) => Math.max(...all.map((row) => row[column].length)));
  return all.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column])))
      .join('  '),
  );
}

/**
 * Runs programs in turn, A B A B …, so that whatever else the machine does meets them alike; the first round only warms
 * up caches and isn't counted.
 * @param programs functions by name, each for one run
 * @returns the outcomes of each program by its name, in order
 */
export async function alternate(programs, runs, say) {
  const names = Object.keys(programs);
  const outcomes = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round <= runs; round += 1) {
    for (const name of names) {
      const outcome = await programs[name]();
      const label = round === 0 ? 'warm-up' : `run ${round} of ${runs}`;
      say(`${label}: ${name} ${outcome.seconds.toFixed(3)} s`);
      if (round > 0) outcomes[name].push(outcome);
    }
  }
  return outcomes;
}

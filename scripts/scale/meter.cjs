// Loaded into node by `--require`: when the process ends, what it has used is a line of a file.
const { appendFileSync } = process.getBuiltinModule('node:fs');

const file = process.env.FANFOLD_SCALE_METER;
// Once, so that what this process starts is not counted as well.
delete process.env.FANFOLD_SCALE_METER;
delete process.env.NODE_OPTIONS;

if (file !== undefined) {
  process.once('exit', () => {
    const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
    const used = {
      seconds: process.uptime(),
      userMs: userCPUTime / 1e3,
      systemMs: systemCPUTime / 1e3,
      peakMb: maxRSS / 1e3,
    };
    appendFileSync(file, `${JSON.stringify(used)}\n`);
  });
}

/* How two machines compare: the formulas of bench/analysis/ratios.py on the fits in the data. */

/** Return the factor of a standard error for 95 %, interpolated over 1 / df. */
function factor(df) {
  const { step, factors } = data.quantiles;
  const place = Math.min(1 / df / step, factors.length - 1);
  const low = Math.min(Math.floor(place), factors.length - 2);
  const [first, second] = [Math.log(factors[low]), Math.log(factors[low + 1])];
  return Math.exp(first + (place - low) * (second - first));
}

/** Return the variance that sittings give to the mean of some cells. */
function spread(fit, cells) {
  const blocks = new Map();
  for (const cell of cells) {
    const [, , , , block, sittings] = fit.cells[cell];
    const known = blocks.get(block) ?? { weight: 0, sittings };
    known.weight += 1 / cells.length;
    blocks.set(block, known);
  }
  let sum = 0;
  for (const { weight, sittings } of blocks.values()) sum += weight ** 2 / sittings;
  return fit.variance * sum;
}

/** Return the noise of jobs that the spread between sittings lacks, if some cells are compared. */
function noise(fit, cells) {
  if (cells.length === fit.count) return [];
  const parts = cells.map((cell) => {
    const [, variance, df, jobs] = fit.cells[cell];
    return [variance / jobs / cells.length ** 2, df];
  });
  const total = parts.reduce((sum, [part]) => sum + part, 0);
  const covered = cells.length > 1 ? fit.within : 0;
  const share = total ? Math.max(0, 1 - covered / total) : 0;
  return parts.map(([part, df]) => [share * part, df]);
}

/** Return how many times as fast `first` is as `second` over some cells, with its bounds. */
function ratio(first, second, cells) {
  const both = [first, second];
  const parts = [
    ...both.map((fit) => [spread(fit, cells), fit.df]), ...both.flatMap((fit) => noise(fit, cells)),
  ].filter(([part]) => part > 0);
  const variance = parts.reduce((sum, [part]) => sum + part, 0);
  const df = variance ** 2 / parts.reduce((sum, [part, degrees]) => sum + part ** 2 / degrees, 0);
  const log = cells.reduce((sum, cell) => sum + second.cells[cell][0] - first.cells[cell][0], 0) / cells.length;
  const half = factor(df) * Math.sqrt(variance);
  return [log, log - half, log + half].map(Math.exp);
}

/** Return the numbers of the records that are shown. */
function shownRecords() {
  const off = switchedOff();
  const { cell, flag } = data.records;
  return (cell ?? []).flatMap((number, record) =>
    fits(data.cells[number].axes, off) && !(hidesDisturbed() && flag[record] === "disturbed") ? [record] : []);
}

/** Return the cells of each machine's fit that are shown. */
function shownCells() {
  const measured = data.machines.map(() => new Set());
  for (const record of shownRecords()) measured[data.records.machine[record]].add(String(data.records.cell[record]));
  return data.fits.map((fit, machine) =>
    fit ? Object.keys(fit.cells).filter((cell) => measured[machine].has(cell)) : []);
}

const shared = (first, second) => first.filter((cell) => second.includes(cell));

/** Return the machines that common cells connect with the baseline. */
function connected(base, cells) {
  const group = new Set([base]);
  for (const one of group) {
    cells.forEach((own, other) => {
      if (shared(own, cells[one]).length) group.add(other);
    });
  }
  return [...group];
}

/** Return each machine beside the baseline over the shown cells: a row with `speed` and bounds.
 *
 * As in the ranking, the cells are those of all machines or, if there are none, those of the pair. */
function beside(base) {
  const cells = shownCells();
  if (!cells[base].length) return [];
  const group = connected(base, cells);
  const ofAll = group.map((one) => cells[one]).reduce(shared);
  return group.flatMap((machine) => {
    const common = ofAll.length ? ofAll : shared(cells[machine], cells[base]);
    if (!common.length) return [];
    const speed = machine === base ? [1, null, null] : ratio(data.fits[machine], data.fits[base], common);
    return [{ machine, cells: common, speed }];
  });
}

/** Return the records that count for a fit: the quiet ones of a cell, or all if none is quiet. */
function counted(machine, cells) {
  const { machine: machines, cell, flag } = data.records;
  const own = shownRecords().filter((one) => machines[one] === machine && cells.includes(String(cell[one])));
  const quiet = new Set(own.filter((one) => flag[one] !== "disturbed").map((one) => cell[one]));
  return own.filter((one) => flag[one] !== "disturbed" || !quiet.has(cell[one]));
}

/** Return the speed of each sitting of a machine beside the baseline's mean. */
function ofSittings({ machine, cells }, base) {
  const { cell, sitting, step_s } = data.records;
  const times = new Map();
  for (const one of counted(machine, cells)) {
    if (!(step_s[one] > 0)) continue;
    const known = times.get(sitting[one]) ?? new Map();
    known.set(cell[one], [...(known.get(cell[one]) ?? []), Math.log(step_s[one])]);
    times.set(sitting[one], known);
  }
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  return [...times].map(([number, known]) => ({
    sitting: number,
    speed: Math.exp(mean([...known].map(([one, logs]) => data.fits[base].cells[one][0] - mean(logs)))),
  }));
}

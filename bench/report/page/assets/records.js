/* The records behind a mark or a row: jobs, sittings, times and journals, in a dialog. */

const MOST_LISTED = 500;

/** Return the number of the machine that a mark is about, if it names one. */
function machineOf(datum) {
  const place = data.machines.findIndex(({ name }) => name === datum.machine);
  return place < 0 ? null : place;
}

/** Return the job that a mark is about: its own, or the one that the title of its frame names. */
function jobOf(datum, spec) {
  const title = (spec.concat ?? spec.hconcat ?? spec.vconcat)?.[datum.panel]?.title;
  const named = datum.job ?? title?.text ?? title;
  return data.cells.some((cell) => isJob(cell, named ?? "")) ? named : null;
}

/** Open the records of a machine; of one kind of job, of one sitting or of some values if given. */
function openRecords(machine, job = null, sitting = null, axes = null) {
  if (machine == null) return;
  set("records", JSON.stringify([data.machines[machine].name, job, sitting, axes]));
}

function closeRecords() {
  if (get("records")) set("records", null);
}

/** Return what the address asks for, or null if it asks for nothing that is known. */
function askedRecords() {
  try {
    const [name, job, sitting, axes] = JSON.parse(get("records", "null"));
    const machine = data.machines.findIndex((one) => one.name === name);
    return machine < 0 ? null : { name, machine, job, sitting, axes };
  } catch {
    return null;
  }
}

/** Return whether a cell is the asked job: the name of the cell, or the beginning of the name. */
function isJob(cell, job) {
  return job == null || cell.text === job || (job && cell.text.startsWith(`${job} `));
}

function matching({ machine, job, sitting, axes }) {
  const records = data.records;
  return (records.machine ?? []).flatMap((number, one) => {
    const cell = data.cells[records.cell[one]];
    const fitting = number === machine && isJob(cell, job)
      && (sitting == null || data.sittings[records.sitting[one]].began_at === sitting)
      && (axes ?? []).every((value, axis) => value == null || cell.axes[axis] === value)
      && !(hidesDisturbed() && records.flag[one] === "disturbed");
    return fitting ? [one] : [];
  });
}

function recordCells(one) {
  const records = data.records;
  const step = records.step_s[one];
  return [
    data.cells[records.cell[one]].text, data.machines[records.machine[one]].name, records.seed[one],
    data.sittings[records.sitting[one]].began_at, digits(step == null ? null : 1000 * step),
    digits(records.total_s[one]), records.flag[one] ?? t("not watched"), data.journals[records.journal[one]],
    records.job_id[one],
  ];
}

const RECORD_HEADINGS = [
  t("job"), t("machine"), t("seed"), t("sitting began"), t("step mean ms"), t("total s"), t("disturbed"), t("journal"), t("job id"),
];

function paintRecords() {
  const box = byId("records");
  const asked = askedRecords();
  if (!asked) {
    if (box.open) box.close();
    return;
  }
  const found = matching(asked);
  const rows = found.slice(0, MOST_LISTED).map(recordCells);
  const about = [asked.name, asked.job, asked.sitting && t("sitting of {}", asked.sitting)].filter(Boolean).join(", ");
  const more = found.length > rows.length ? ` ${t("The first {} are listed.", rows.length)}` : "";
  box.replaceChildren(
    make("h2", { id: "title-records" }, t("Records: {}", about)),
    make("p", {}, `${found.length === 1 ? t("1 record.") : t("{} records.", found.length)}${more}`),
    table(t("Records"), RECORD_HEADINGS, rows.map((cells) => ({ cells }))),
    control("div", { class: "controls" },
      button(t("Close"), closeRecords),
      button(t("Copy as Markdown"), () => copy(markdown([RECORD_HEADINGS, ...rows]), t("The table"))),
      button(t("Download CSV"), () => download("records.csv", "text/csv", csv([RECORD_HEADINGS, ...found.map(recordCells)])))),
  );
  if (!box.open) box.showModal();
}

function addRecords() {
  const box = control("dialog", { id: "records", "aria-labelledby": "title-records", close: closeRecords });
  byId("data").before(box);
  painted(paintRecords);
}

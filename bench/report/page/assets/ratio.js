/* The first screen: every machine beside the baseline that the reader chooses. */

/** Return the machine that the others are compared with: the chosen one, or the fastest. */
function baseline() {
  const chosen = data.machines.findIndex(({ name }) => name === get("base"));
  return chosen < 0 ? data.fits.findIndex(Boolean) : chosen;
}

/** Return the rows of the comparison, the best machine first; by cost, prices scale the speeds. */
function compared() {
  const base = baseline();
  const byCost = get("by") === "cost";
  const rows = [];
  for (const row of beside(base)) {
    const factor = byCost ? hourly(base) / hourly(row.machine) : 1;
    const known = !byCost || (hourly(base) > 0 && hourly(row.machine) > 0);
    if (known) rows.push({ ...row, factor, speed: row.speed.map((value) => value == null ? null : value * factor) });
  }
  return rows.sort((one, other) => other.speed[0] - one.speed[0]);
}

/** Return the rows of the chart, in the keys of the specification. */
function chartRows(rows) {
  const base = baseline();
  return rows.flatMap((row) => {
    const { name } = data.machines[row.machine];
    const [speed, low, high] = row.speed;
    const head = { label: short(name), machine: name };
    const marks = ofSittings(row, base).map(({ sitting, speed: value }) => (
      { ...head, part: "sitting", speed: value * row.factor, sitting: data.sittings[sitting].began_at }));
    return [...(marks.length > 1 ? marks : []), {
      ...head, part: "bracket", speed, low, high, text: bracket(row.speed, "x"), is_baseline: row.machine === base,
    }];
  });
}

const short = (name) => name.length <= 40 ? name : `${name.slice(0, 20)}…${name.slice(-19)}`;

/** Return the scale of an axis: a logarithm if the largest figure is many times the smallest. */
function scaleOf(domain) {
  return domain[1] / domain[0] < 6 ? { domain, nice: false, zero: false } : { type: "log", domain, nice: false };
}

/** Return the specification of the figure with other rows, and so with other ends of its axis. */
function rebased(spec, rows, title, axis) {
  const found = { ...clone(spec), title };
  found.data.values = rows;
  const values = rows.flatMap(({ speed, low, high }) => [speed, low, high]).filter((value) => value > 0);
  const speeds = rows.map(({ speed }) => speed);
  const [least, most] = [Math.min(1, ...speeds), Math.max(1, ...speeds)];
  const ends = [Math.max(Math.min(...values, 1), least / 3) / 1.04, Math.min(Math.max(...values, 1), most * 3) * 1.04];
  const order = [...new Set(rows.filter(({ part }) => part === "bracket").map(({ label }) => label))];
  for (const { encoding = {} } of found.layer) {
    for (const channel of [encoding.x, encoding.x2, encoding.y]) {
      if (channel?.scale) channel.scale = scaleOf(ends);
      if (channel?.axis && "values" in channel.axis) delete channel.axis.values;
      if (channel?.axis?.title || channel?.title) Object.assign(channel, { title: axis, axis: { ...channel.axis, title: axis } });
      if (channel?.sort) channel.sort = order;
    }
  }
  return found;
}

function axisToggles() {
  const off = switchedOff();
  return data.axes.map((axis, number) => control("fieldset", {}, make("legend", {}, axis.title),
    ...axis.values.map((value, place) => check(value, !off[number].has(place), (on) => toggle(axis.name, value, on)))));
}

function addControls(place) {
  const box = control("div", { id: "controls" });
  place.prepend(box);
  const machines = data.machines.flatMap(({ name }, number) => data.fits[number] ? [[name, name]] : []);
  const kinds = [["speed", t("speed")], ["cost", t("cost: jobs for a dollar")]];
  const open = control("details", { id: "toggles" }, make("summary", {}, t("Choose the jobs")), make("div"));
  box.append(make("div", { class: "controls", id: "choices" }), open);
  painted(() => {
    const focused = document.activeElement?.dataset?.key;
    box.querySelector("#choices").replaceChildren(
      ...(machines.length > 1 ? [
        labelled(t("Baseline"), choice(machines, data.machines[baseline()].name, (name) => set("base", name))),
        labelled(t("Compare"), choice(kinds, get("by", "speed"), (by) => set("by", by === "speed" ? "" : by))),
      ] : []),
      check(t("hide disturbed"), hidesDisturbed(), (on) => set("quiet", on ? "1" : "")),
      button(t("Copy link"), () => copy(location.href, t("The link"))),
      button(t("Reset"), () => { state = new URLSearchParams(); moved(); }),
    );
    keyed(box, "#choices");
    open.lastChild.replaceChildren(...axisToggles());
    keyed(box, "#toggles");
    if (focused) box.querySelector(`[data-key="${focused}"]`)?.focus();
  });
  if (!data.axes.length) open.remove();
}

/** Number the controls of a place, so that the focus stays although they are made anew. */
function keyed(box, selector) {
  box.querySelectorAll(`${selector} :is(input, select, button)`).forEach((node, number) => {
    node.dataset.key = `${selector.slice(1)}-${number}`;
  });
}

function howToRead(name) {
  const dot = get("by") === "cost"
    ? t("A dot is how many times as many jobs a dollar buys as on {};", name)
    : t("A dot is how many times as fast a machine is as {};", name);
  const line = t("the line is its bracket for another day (95 %), and a thin mark stands for each sitting.");
  return `${dot} ${line} `
    + t("A bracket is about one pair of machines over the chosen jobs; the table of ranks says which differences are sure among all pairs.");
}

function ratioHeadings() {
  const what = get("by") === "cost" ? t("jobs for a dollar") : t("speed");
  return [t("machine"), what, t("kinds of job"), t("sittings"), t("records")];
}

const several = () => data.fits.filter(Boolean).length > 1;

function addRatio() {
  const place = byId("speed");
  if (!several()) return;
  const figure = place.querySelector("figure") ?? place.appendChild(make("figure", {}, make("h3"), make("div", { class: "chart" })));
  const title = figure.querySelector("h3");
  const caption = figure.querySelector("figcaption") ?? figure.appendChild(make("figcaption"));
  const outer = make("div");
  figure.querySelector(".chart").replaceWith(outer);
  const list = control("details", { open: !canDraw }, make("summary", {}, t("The figures of this chart")), make("div"));
  outer.after(list);
  const specification = specifications.get("speed");
  const rows = () => compared().map((row) => [
    data.machines[row.machine].name, bracket(row.speed, "x"), row.cells.length, ofSittings(row, baseline()).length,
  ]);
  list.after(
    savers("speed", () => cellsOf(chartRows(compared()))));
  list.nextSibling.append(button(t("Copy as Markdown"), () => copy(markdown([ratioHeadings().slice(0, 4), ...rows()]), t("The table"))));
  painted(() => {
    if (!changed("ratio")) return;
    const found = compared();
    const name = data.machines[baseline()].name;
    const what = get("by") === "cost" ? t("Jobs for a dollar") : t("Speed");
    title.textContent = t("{} relative to {}", what, name);
    caption.replaceChildren(make("strong", {}, t("How to read this.")), ` ${howToRead(name)}`);
    list.lastChild.replaceChildren(table(t("The figures of this chart"), ratioHeadings(), rows().map((cells, number) => (
      { cells: [...cells, button(t("show"), () => openRecords(found[number].machine), { "aria-label": t("show the records of {}", cells[0]) })] }))));
    const empty = get("by") === "cost" ? t("No price is known of this baseline: type it below.") : t("The baseline measured none of these jobs.");
    if (!found.length) {
      drawn.delete("speed");
      outer.replaceChildren(make("p", { role: "status" }, empty));
      return;
    }
    if (!specification) return;
    const each = found.map((row) => `${data.machines[row.machine].name} ${bracket(row.speed, "x")}`);
    const alt = t("{} of {} machines relative to {}: {}.", what, found.length, name, each.slice(0, 12).join("; "));
    const axis = get("by") === "cost" ? t("times as many jobs for a dollar") : t("times as fast");
    draw("speed", outer, rebased(specification.spec, chartRows(found), "", axis), alt,
      (datum) => openRecords(machineOf(datum), null, datum.sitting ?? null));
  });
}

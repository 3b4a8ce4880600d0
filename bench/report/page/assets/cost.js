/* Cost against time: the frontier, a budget, a deadline, and prices that the reader may edit. */

/** Return what a choice may be about: each target, and each kind of job. */
function goals() {
  const targets = [...new Set(data.targets.map(({ target }) => target))].sort((one, other) => one - other);
  return [
    ...targets.map((target) => [`target:${target}`, t("training to a {} of {}", data.target_of, target)]),
    ...data.cells.map(({ text }) => [`job:${text}`, t("one job: {}", text)]),
  ];
}

function goal() {
  const known = goals().map(([value]) => value);
  return known.includes(get("goal")) ? get("goal") : known[0];
}

/** Return every machine and job of the goal with its seconds and dollars. */
function offers() {
  const chosen = goal() ?? "";
  const rows = chosen.startsWith("target:") ? targetOffers(Number(chosen.slice(7))) : jobOffers(chosen.slice(4));
  return rows.map((row) => {
    const rate = hourly(row.machine);
    return { ...row, name: data.machines[row.machine].name, usd: rate == null ? null : row.paid * rate / 3600 };
  });
}

function targetOffers(target) {
  const off = switchedOff();
  return data.targets.filter((one) => one.target === target && fits(one.axes, off)).map((one) => (
    { machine: one.machine, job: one.job, axes: one.axes, seconds: one.seconds, paid: one.paid_s[0] }));
}

function jobOffers(text) {
  const { machine, cell, total_s } = data.records;
  const found = new Map();
  for (const one of shownRecords()) {
    if (data.cells[cell[one]].text !== text) continue;
    found.set(machine[one], [...(found.get(machine[one]) ?? []), total_s[one]]);
  }
  return [...found].map(([number, totals]) => {
    const seconds = totals.reduce((sum, value) => sum + value, 0) / totals.length;
    return { machine: number, job: text, axes: null, seconds: [seconds, null, null], paid: seconds };
  });
}

const limit = (name) => {
  const value = Number.parseFloat(get(name));
  return Number.isFinite(value) ? value : Infinity;
};

/** Return the offers with what excludes each of them, and whether it lies on the frontier. */
function judged() {
  const [budget, deadline] = [limit("budget"), limit("deadline")];
  const rows = offers().map((row) => {
    const why = [];
    if (row.usd == null) why.push(t("no price is known"));
    if (row.usd > budget) why.push(t("over the budget of {}", dollars(budget)));
    if (row.seconds[0] > deadline) why.push(t("over the deadline of {} s", digits(deadline)));
    return { ...row, why: why.join("; "), out: why.length > 0 };
  });
  const kept = rows.filter(({ out }) => !out);
  for (const row of rows) {
    row.frontier = !row.out && !kept.some((other) => other.usd <= row.usd && other.seconds[0] <= row.seconds[0]
      && (other.usd < row.usd || other.seconds[0] < row.seconds[0]));
  }
  return rows.sort((one, other) => one.seconds[0] - other.seconds[0]);
}

const dollars = (value) => value == null ? "n/a" : `$${value >= 100 ? value.toFixed(0) : Number(value.toPrecision(3))}`;

function costSpec(rows) {
  const [best, dominated, excluded] = [t("on the frontier"), t("dominated"), t("excluded")];
  const rank = ({ state: one }) => [excluded, dominated, best].indexOf(one);
  const values = rows.filter(({ usd }) => usd > 0).map((row) => ({
    machine: row.name, job: row.job, seconds: row.seconds[0], low: row.seconds[1], high: row.seconds[2], usd: row.usd,
    state: row.out ? excluded : row.frontier ? best : dominated, why: row.why,
    label: row.frontier ? short(row.name) : "",
  })).reverse().sort((one, other) => rank(one) - rank(other)); // the frontier is drawn above the others
  const scale = (keys) => {
    const known = values.flatMap((row) => keys.map((key) => row[key])).filter((value) => value > 0);
    const [low, high] = [Math.min(...known), Math.max(...known)];
    return { type: "log", domain: [low / 1.15, high * 1.25], nice: false };
  };
  const x = { field: "seconds", type: "quantitative", scale: scale(["seconds"]), title: t("seconds"), axis: { format: "~g", tickCount: 6 } };
  const y = { field: "usd", type: "quantitative", scale: scale(["usd"]), title: "USD", axis: { format: "~g", tickCount: 6 } };
  const domain = [best, dominated, excluded];
  const told = [["machine", t("machine")], ["job", t("job")], ["seconds", t("seconds")], ["usd", "USD"], ["state", t("state")], ["why", t("why")]]
    .map(([field, title]) => ({ field, title, ...(field === "seconds" || field === "usd" ? { format: ".3~g" } : {}) }));
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    config: specifications.values().next().value?.spec.config, width: 640, height: 320,
    data: { values },
    layer: [
      { transform: [{ filter: `datum.state === '${best}'` }], mark: { type: "line", interpolate: "step-after", color: "#0072B2", strokeWidth: 2, aria: false }, encoding: { x, y } },
      { mark: { type: "rule", color: "#8A8A8A", clip: true, aria: false }, encoding: { x: { ...x, field: "low" }, x2: { field: "high" }, y, opacity: { condition: { test: `datum.state === '${excluded}'`, value: 0.3 }, value: 0.8 } } },
      {
        mark: { type: "point", filled: true, size: 90, cursor: "pointer" },
        encoding: {
          x, y, tooltip: told,
          color: { field: "state", type: "nominal", scale: { domain, range: ["#0072B2", "#B37C00", "#8A8A8A"] }, title: null, legend: { orient: "top" } },
          shape: { field: "state", type: "nominal", scale: { domain, range: ["circle", "square", "cross"] }, title: null },
          opacity: { condition: { test: `datum.state === '${excluded}'`, value: 0.45 }, value: 1 },
        },
      },
      { mark: { type: "text", align: "left", dx: 9, dy: -8, fontSize: 12, aria: false }, encoding: { x, y, text: { field: "label" } } },
    ],
  };
}

/** Return a slider over the values of the offers; at its right end there is no limit. */
function slider(text, name, values, unit) {
  const known = values.filter((value) => value > 0);
  const [low, high] = known.length ? [Math.min(...known) * 0.95, Math.max(...known) * 1.05] : [1, 2];
  const span = Math.log(high / low) || 1;
  const now = limit(name);
  const shown = Number.isFinite(now) ? unit(now) : t("no limit");
  const input = make("input", {
    type: "range", min: 0, max: 100, step: 1, "aria-valuetext": shown, disabled: !known.length,
    value: Number.isFinite(now) ? Math.round(100 * Math.min(1, Math.max(0, Math.log(now / low) / span))) : 100,
    input: ({ target }) => set(name, target.value === "100" ? "" : Number((low * Math.exp(span * target.value / 100)).toPrecision(3))),
  });
  return control("label", {}, make("span", {}, `${text}: `, make("span", {}, shown)), input);
}

function priceInputs() {
  return data.machines.map(({ name, usd_per_hour, price_source, price_date, price_reason }, number) => {
    const told = usd_per_hour == null ? price_reason : [price_source, price_date].filter(Boolean).join(", ");
    return make("label", {}, name, make("input", {
      type: "number", min: 0, step: "any", value: hourly(number) ?? "", placeholder: t("unknown"),
      change: ({ target }) => set(`price.${name}`, target.value === String(usd_per_hour ?? "") ? "" : target.value),
    }), make("span", { class: "said" }, told ?? ""));
  });
}

function addCosts() {
  const section = byId("cost");
  if (!goals().length) return;
  section.replaceChildren(); // the picture that stands here without a script
  const choices = control("div", { class: "controls", id: "limits" });
  const place = control("div");
  const list = control("details", {}, make("summary", {}, t("The figures of this chart")), make("div"));
  const said = control("p", { role: "status" });
  const prices = control("details", { id: "prices" }, make("summary", {}, t("Prices, USD an hour")), make("div", { class: "prices" }));
  const figure = control("figure", {}, make("h3", {}, t("Cost against time")), choices, prices, said, place,
    make("figcaption", {}, make("strong", {}, t("How to read this.")), " ",
      t("Each mark is a training on a machine; a mark further down costs less, and a mark further left takes less time."), " ",
      t("The line joins the best offers: no other offer is both cheaper and faster.")), list,
    savers("cost", () => cellsOf(judged().map(costCells))));
  figure.lastChild.append(button(t("Copy as Markdown"), () => {
    const objects = judged().map(costCells);
    copy(markdown([Object.keys(objects[0] ?? { [t("none")]: "" }), ...objects.map((one) => Object.values(one))]), t("The table"));
  }));
  section.append(figure);
  painted(() => paintCosts(choices, prices, place, list, said));
}

function costCells(row) {
  return {
    [t("machine")]: row.name, [t("job")]: row.job, [t("seconds")]: bracket(row.seconds),
    USD: row.usd == null ? "n/a" : digits(row.usd),
    [t("state")]: row.out ? t("excluded: {}", row.why) : row.frontier ? t("on the frontier") : t("dominated"),
  };
}

/** Return how many offers are excluded, and why. */
function exclusions(rows) {
  const out = rows.filter((row) => row.out);
  if (!out.length) return t("{} offers, none is excluded.", rows.length);
  const whys = [...new Set(out.map(({ why }) => why))].map((why) => `${out.filter((row) => row.why === why).length} (${why})`);
  return t("{} of {} offers are excluded: {}.", out.length, rows.length, whys.join(", "));
}

function paintCosts(choices, prices, place, list, said) {
  if (!changed("cost")) return;
  const rows = judged();
  const focused = document.activeElement?.dataset?.key;
  choices.replaceChildren(
    labelled(t("Of"), choice(goals(), goal(), (value) => set("goal", value === goals()[0][0] ? "" : value))),
    slider(t("Budget"), "budget", rows.map(({ usd }) => usd), dollars),
    slider(t("Deadline"), "deadline", rows.map(({ seconds }) => seconds[0]), (value) => `${digits(value)} s`));
  keyed(choices.parentNode, "#limits");
  prices.lastChild.replaceChildren(...priceInputs());
  keyed(choices.parentNode, "#prices");
  if (focused) choices.parentNode.querySelector(`[data-key="${focused}"]`)?.focus();
  const objects = rows.map(costCells);
  const headings = [t("machine"), t("job"), t("seconds"), "USD", t("state"), t("records")];
  said.textContent = exclusions(rows);
  list.lastChild.replaceChildren(table(t("Cost against time"), headings, rows.map((row, number) => ({
    out: row.out,
    cells: [...Object.values(objects[number]), button(t("show"), () => openRecords(row.machine, row.axes ? null : row.job, null, row.axes), { "aria-label": t("show the records of {}", `${row.name}, ${row.job}`) })],
  }))));
  const priced = rows.filter(({ usd }) => usd > 0);
  if (!priced.length) {
    drawn.delete("cost");
    place.replaceChildren(make("p", { role: "status" }, t("No price is known: type one under Prices.")));
    return;
  }
  const best = priced.filter(({ frontier }) => frontier).map(({ name, seconds, usd }) => `${name}, ${digits(seconds[0])} s, ${dollars(usd)}`);
  draw("cost", place, costSpec(rows), t("Cost against time of {} offers. On the frontier: {}.", priced.length, best.join("; ") || t("none")),
    (datum) => {
      const row = rows.find(({ name, job }) => name === datum.machine && job === datum.job);
      if (row) openRecords(row.machine, row.axes ? null : row.job, null, row.axes);
    });
}

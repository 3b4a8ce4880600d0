/* Tables: sorted, filtered and paged in place; each keeps its state in the address. */

const PAGE_ROWS = 50;

/** Return the value by which a cell is sorted: its number if it has one, else its text. */
function worth(cell) {
  const number = Number.parseFloat(cell.dataset.v ?? cell.textContent.trim());
  return Number.isNaN(number) ? cell.textContent.trim() : number;
}

/** Order two values: numbers first, then texts; what is unknown comes last in both directions. */
function order(one, other, turned) {
  const unknown = (value) => typeof value === "string" && /^(n\/a|none)?( \(|$)/.test(value);
  if (unknown(one) || unknown(other)) return unknown(one) - unknown(other);
  if (typeof one !== typeof other) return typeof one === "number" ? -1 : 1;
  const found = typeof one === "number" ? one - other : one.localeCompare(other);
  return turned ? -found : found;
}

const texts = (row) => [...row.cells].filter((cell) => !cell.dataset.made).map((cell) => cell.textContent.trim());

/** Return the numbers of the values of axes that a row is about. */
function axesOf(row) {
  return row.dataset.axes.split(",").map((number) => number === "" ? null : Number(number));
}

function isShown(row, off, wanted) {
  if (row.dataset.axes && !fits(axesOf(row), off)) return false;
  if (hidesDisturbed() && row.dataset.disturbed) return false;
  return !wanted || texts(row).join(" ").toLowerCase().includes(wanted);
}

/** Give a row, when it is first shown, a button that opens the records behind it. */
function addRecordCell(row) {
  if (row.recorded) return;
  row.recorded = true;
  const machine = row.dataset.machine == null ? null : Number(row.dataset.machine);
  const show = () => openRecords(machine, row.dataset.job ?? null, null, row.dataset.axes == null ? null : axesOf(row));
  const told = t("show the records of {}", texts(row).slice(0, 2).join(", "));
  row.append(make("td", { "data-made": "control" }, machine == null ? "" : button(t("show"), show, { "aria-label": told })));
}

function addTable(node) {
  const name = node.dataset.table;
  const rows = [...node.tBodies[0].rows];
  const columns = [...node.tHead.rows[0].cells];
  columns.forEach((cell, place) => {
    const text = cell.textContent;
    cell.replaceChildren(make("button", { type: "button", click: () => {
      const [by, way] = get(`sort.${name}`).split(".");
      const turned = by === String(place) && way !== "down";
      set(`sort.${name}`, by === String(place) && way === "down" ? "" : `${place}.${turned ? "down" : "up"}`);
    } }, text));
  });
  node.recorded = rows.some((row) => row.dataset.machine != null);
  if (node.recorded) node.tHead.rows[0].append(make("th", { scope: "col", "data-made": "control" }, t("records")));
  const filter = make("input", { type: "search", input: ({ target }) => set(`find.${name}`, target.value) });
  const pager = control("div", { class: "controls" });
  const shownCells = () => [columns.map((cell) => cell.textContent), ...node.shown.map(texts)];
  node.parentNode.before(control("div", { class: "controls" }, labelled(t("Filter"), filter),
    button(t("Copy as Markdown"), () => copy(markdown(shownCells()), t("The table"))),
    button(t("Download CSV"), () => download(`${name}.csv`, "text/csv", csv(shownCells())))));
  node.parentNode.after(pager);
  painted(() => paintTable(node, rows, columns, filter, pager));
}

function paintTable(node, rows, columns, filter, pager) {
  const name = node.dataset.table;
  const wanted = get(`find.${name}`);
  if (filter.value !== wanted) filter.value = wanted;
  const off = switchedOff();
  const key = JSON.stringify([wanted, get(`sort.${name}`), get(`page.${name}`), hidesDisturbed(), off.map((one) => [...one])]);
  if (node.painted === key) return;
  node.painted = key;
  const [by, way] = get(`sort.${name}`).split(".");
  columns.forEach((cell, place) => {
    if (by !== String(place)) cell.removeAttribute("aria-sort");
    else cell.setAttribute("aria-sort", way === "down" ? "descending" : "ascending");
  });
  const found = rows.filter((row) => isShown(row, off, wanted.toLowerCase()));
  if (columns[by]) {
    const worths = new Map(found.map((row) => [row, worth(row.cells[by])]));
    found.sort((one, other) => order(worths.get(one), worths.get(other), way === "down"));
  }
  node.shown = found;
  const pages = Math.max(1, Math.ceil(found.length / PAGE_ROWS));
  const page = Math.min(pages, Math.max(1, Number.parseInt(get(`page.${name}`, "1"), 10) || 1));
  for (const row of rows) row.hidden = true;
  found.forEach((row, place) => {
    row.hidden = false;
    row.classList.toggle("paged", Math.floor(place / PAGE_ROWS) !== page - 1);
  });
  if (node.recorded) found.slice((page - 1) * PAGE_ROWS, page * PAGE_ROWS).forEach(addRecordCell);
  if (by || node.sorted) {
    const kept = new Set(found);
    node.tBodies[0].append(...found, ...rows.filter((row) => !kept.has(row)));
  }
  node.sorted = Boolean(by);
  const turn = (text, to) => button(text, () => set(`page.${name}`, to === 1 ? "" : to), { disabled: to < 1 || to > pages });
  const told = make("span", { role: "status" }, found.length === rows.length ? t("{} rows", rows.length) : t("{} of {} rows", found.length, rows.length));
  pager.replaceChildren(told, ...(pages > 1 ? [turn(t("Previous"), page - 1), t("page {} of {}", page, pages), turn(t("Next"), page + 1)] : []));
}

/* Charts: each specification is drawn by the library in the page's own colours. */

const drawn = new Map();
const specifications = new Map(data.figures.map((figure) => [figure.name, figure]));
const canDraw = typeof vegaEmbed === "function";

/** Return the look of a chart: the text takes the colour of the page, on screen and on paper. */
function look(config) {
  const text = new Set(["color", "labelColor", "titleColor", "subtitleColor"]);
  const found = {};
  for (const [name, value] of Object.entries(config ?? {})) {
    if (value && typeof value === "object" && !Array.isArray(value)) found[name] = look(value);
    else found[name] = text.has(name) ? "currentColor" : value;
  }
  return found;
}

/** Show what a mark stands for beside the pointer; the values are texts and never markup. */
function tip(handler, event, item, value) {
  const box = byId("tip");
  box.hidden = value == null || value === "";
  if (box.hidden) return;
  box.replaceChildren(typeof value === "object"
    ? make("dl", {}, ...Object.entries(value).flatMap(([key, shown]) => [make("dt", {}, key), make("dd", {}, shown)]))
    : String(value));
  box.style.left = `${Math.min(event.clientX + 14, innerWidth - box.offsetWidth - 8)}px`;
  box.style.top = `${Math.min(event.clientY + 14, innerHeight - box.offsetHeight - 8)}px`;
}

/** Return the height in pixels of a frame whose rows have a height: a frame cannot fit one way and step the other. */
function heightOf(spec) {
  const field = [spec, ...(spec.layer ?? [])].map(({ encoding }) => encoding?.y?.field).find(Boolean);
  if (!spec.height?.step || !field) return spec.height;
  return spec.height.step * new Set(spec.data.values.map((row) => row[field])).size;
}

/** Make a specification as wide as its place, unless it is made of several frames. */
function fitted(spec, room) {
  const encoded = JSON.stringify(spec.encoding ?? {});
  const many = spec.hconcat || spec.vconcat || spec.concat || spec.facet || spec.repeat
    || /"(facet|row|column)":/.test(encoded);
  if (many || typeof spec.width !== "number") return spec;
  const narrow = room < 640;
  const edge = spec.width;
  const layers = (spec.layer ?? []).filter((layer) => !(narrow && layer.encoding?.x?.value > edge));
  for (const layer of layers) {
    const x = layer.encoding?.x;
    if (x?.value > edge) x.value = { expr: `width + ${x.value - edge}` };
  }
  return {
    ...spec, ...(spec.layer ? { layer: layers } : {}), width: "container", height: heightOf(spec),
  };
}

/** Leave the title to the page's own heading; a subtitle stays. */
function untitled({ title, ...spec }) {
  return title?.subtitle ? { ...spec, title: { ...title, text: "" } } : spec;
}

const clone = (value) => JSON.parse(JSON.stringify(value));

/** Draw a specification into a place; a click on a mark calls `pick` with the mark's data. */
async function draw(name, place, spec, alt, pick) {
  if (!canDraw) return;
  const width = place.clientWidth;
  const whole = { ...untitled(fitted(clone(spec), width)), config: look(spec.config), description: alt };
  whole.config.axis = { ...whole.config.axis, labelOverlap: true, ...(width < 480 ? { labelLimit: 130 } : {}) };
  const again = JSON.stringify([whole, width]);
  if (drawn.get(name)?.again === again) return;
  drawn.get(name)?.view?.finalize();
  const known = { again, view: null };
  drawn.set(name, known);
  const frames = whole.width !== "container"; // they may be wider than a phone, and are then scrolled
  const frame = make("div", {
    class: frames ? "chart frames" : "chart", tabindex: frames ? "0" : null, role: "img", "aria-label": alt,
  });
  place.replaceChildren(frame);
  const { view } = await vegaEmbed(frame, whole, {
    mode: "vega-lite", renderer: "svg", actions: false, ast: true, defaultStyle: false, tooltip: tip,
  });
  known.view = view;
  if (pick) {
    view.addEventListener("click", (event, item) => {
      const datum = item?.datum?.datum ?? item?.datum;
      if (datum) pick(datum);
    });
  }
}

/** Return the buttons that save a chart and its data. */
function savers(name, rows) {
  return control("div", { class: "controls" },
    canDraw ? button(t("Download SVG"), async () => {
      if (!drawn.get(name)?.view) return say(t("There is no chart to save."));
      const svg = await drawn.get(name).view.toSVG();
      download(`${name}.svg`, "image/svg+xml", svg.replaceAll("currentColor", "#1f2328"));
    }) : null,
    button(t("Download CSV"), () => download(`${name}.csv`, "text/csv", csv(rows()))));
}

/** Return plain objects as rows of cells, with their keys as the first row. */
function cellsOf(objects) {
  const keys = [...new Set(objects.flatMap((one) => Object.keys(one)))];
  return [keys, ...objects.map((one) => keys.map((key) => one[key]))];
}

/** Return a table of rows that are shown beside a chart; a cell may be an element. */
function table(caption, headings, rows) {
  const numeric = (row, place) => typeof row[place] === "number" || /^[\d.]+[x ]?( ?\[|$)/.test(row[place]);
  return make("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": caption },
    make("table", {}, make("thead", {}, make("tr", {}, ...headings.map((text) => make("th", { scope: "col" }, text)))),
      make("tbody", {}, ...rows.map(({ cells, out }) => make("tr", { class: out ? "out" : null },
        ...cells.map((cell, place) => make("td", { class: numeric(cells, place) ? "number" : null }, cell)))))));
}

/** Draw every figure that has no controls of its own; the speeds of one machine are such a figure. */
function drawFigures() {
  const own = several() ? "" : ", #speed [data-figure]";
  for (const place of document.querySelectorAll(`#figures [data-figure]${own}`)) {
    const figure = specifications.get(place.dataset.figure);
    const holder = place.querySelector(".chart");
    if (!figure || !holder) continue;
    const outer = make("div", { "data-holder": "" });
    holder.replaceWith(outer);
    outer.append(holder);
    painted(() => draw(figure.name, outer, figure.spec, figure.alt, (datum) => openRecords(machineOf(datum), jobOf(datum, figure.spec))));
    outer.after(savers(figure.name, () => cellsOf(figure.spec.data?.values ?? [])));
  }
}

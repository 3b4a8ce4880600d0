"use strict";
/* Elements, files and the clipboard. Text from machines becomes text nodes and never markup. */

const data = JSON.parse(document.getElementById("data").textContent);
/** Return a text in the page's language; each `{}` in it stands for the next of the values. */
function t(text, ...values) {
  let place = 0;
  return (data.words?.[text] ?? text).replaceAll("{}", () => values[place++]);
}

const byId = (id) => document.getElementById(id);

/** Return a new element; an attribute that is a function is a listener of its event. */
function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name, value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child != null).map((child) => child.nodeType ? child : String(child)));
  return node;
}

/** Return a control: an element that paper does not show, and that a saved page makes anew. */
function control(tag, attributes, ...children) {
  return make(tag, { "data-made": "control", ...attributes }, ...children);
}

function button(text, press, more = {}) {
  return control("button", { type: "button", click: press, ...more }, text);
}

function labelled(text, input) {
  return control("label", {}, text, input);
}

function choice(options, chosen, change) {
  const made = options.map(([value, text]) => make("option", { value, selected: value === chosen }, text));
  return make("select", { change: (event) => change(event.target.value) }, ...made);
}

function check(text, checked, change, more = {}) {
  const box = make("input", { type: "checkbox", checked, change: (event) => change(event.target.checked), ...more });
  return control("label", { class: "check" }, box, text);
}

function say(text) {
  byId("said").textContent = text;
}

function download(name, type, text) {
  const link = make("a", { href: URL.createObjectURL(new Blob([text], { type })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  say(t("{} was saved.", name));
}

async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = make("textarea", { "aria-hidden": "true" });
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  say(t("{} was copied.", what));
}

/** Return rows of cells as CSV; a cell that a spreadsheet would run begins with an apostrophe. */
function csv(rows) {
  const cell = (value) => {
    let text = value == null ? "" : typeof value === "object" ? JSON.stringify(value) : String(value);
    if (typeof value === "string" && /^\s*[=+\-@]/.test(text)) text = "'" + text;
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return rows.map((row) => row.map(cell).join(",") + "\n").join("");
}

/** Return rows of cells, the headings first, as a table of Markdown. */
function markdown(rows) {
  const cell = (text) => String(text).replace(/[\\`*_|~$<>[\]&]/g, "\\$&");
  const lines = rows.map((row) => `| ${row.map(cell).join(" | ")} |`);
  lines.splice(1, 0, `|${" --- |".repeat(rows[0].length)}`);
  return lines.join("\n") + "\n";
}

/** Return a number with three significant digits and without an exponent. */
function digits(value) {
  if (value == null || !Number.isFinite(value)) return "n/a";
  return Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}

function bracket([value, low, high], unit = "") {
  if (value == null) return "n/a";
  const bounds = low == null || high == null ? "" : ` [${digits(low)}, ${digits(high)}]`;
  return `${digits(value)}${unit}${bounds}`;
}

/* The state of all controls: it lives in the address behind `#`, so that a link carries it. */

let state = new URLSearchParams(location.hash.includes("=") ? location.hash.slice(1) : "");
const painters = [];
let waiting = 0;

const get = (key, otherwise = "") => state.get(key) ?? otherwise;

/** Set a control; a value that is empty or null is the state in which the page first opens. */
function set(key, value) {
  if (value == null || value === "") state.delete(key);
  else state.set(key, value);
  moved();
}

/** Write the state into the address, and show it. */
function moved() {
  history.replaceState(null, "", state.size ? `#${state}` : location.pathname + location.search);
  repaint();
}

/** Call `paint` now and after every change of the state. */
function painted(paint) {
  painters.push(paint);
  paint();
}

function repaint() {
  if (!waiting) waiting = requestAnimationFrame(() => {
    waiting = 0;
    for (const paint of painters) paint();
  });
}

window.addEventListener("hashchange", () => {
  state = new URLSearchParams(location.hash.slice(1));
  repaint();
});

const seen = new Map();

/** Say whether the state, apart from the tables and the records, changed since the last question. */
function changed(who) {
  const parts = [...state].filter(([key]) => !/^(find|sort|page)\.|^records$/.test(key));
  const now = JSON.stringify([parts, innerWidth]);
  const found = seen.get(who) !== now;
  seen.set(who, now);
  return found;
}

/** Return the values that the reader switched off, by the number of the axis. */
function switchedOff() {
  return data.axes.map((axis) => {
    const off = new Set(state.getAll(`off.${axis.name}`));
    return new Set(axis.values.flatMap((value, number) => off.has(String(value)) ? [number] : []));
  });
}

/** Say whether something of these numbers of axes' values is shown; null fits every choice. */
function fits(numbers, off) {
  return numbers.every((number, axis) => number == null || !off[axis].has(number));
}

/** Switch a value of an axis on or off. */
function toggle(axis, value, on) {
  const off = new Set(state.getAll(`off.${axis}`));
  if (on) off.delete(String(value));
  else off.add(String(value));
  state.delete(`off.${axis}`);
  for (const each of off) state.append(`off.${axis}`, each);
  moved();
}

const hidesDisturbed = () => get("quiet") === "1";

/** Return the dollars an hour of a machine: the reader's price, or the report's; null if unknown. */
function hourly(number) {
  const machine = data.machines[number];
  const typed = Number.parseFloat(get(`price.${machine.name}`));
  return Number.isFinite(typed) && typed >= 0 ? typed : machine.usd_per_hour;
}

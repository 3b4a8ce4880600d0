/* Live: the states of the jobs while the run goes on. Only a page that the run serves has this part. */

/** Rows of the list of jobs; the boxes above it show all of them. */
const MOST_JOBS = 500;

/** The order of the list: what a reader wants to see comes first. */
const LISTED = "rfdmwos";

/** The longest pause, in seconds, between two questions that nobody answers. */
const LONGEST_S = 60;

function addLive() {
  const { live } = data;
  const place = byId("live");
  const viewer = viewerId();
  const now = make("p", { role: "status" });
  const about = make("p");
  const fresh = button(t("Show the new figures"), () => location.reload(), { hidden: true });
  const follow = check(live.follow, get("follow") === "1", (on) => set("follow", on ? "1" : ""), { title: live.follow_cost });
  const machines = make("div");
  const jobs = make("div");
  const list = control("details", {}, make("summary", {}, t("Every job")), jobs);
  place.replaceChildren(
    make("h2", {}, t("The run")), now, make("div", { class: "asked" }, about, fresh, follow),
    make("details", {}, make("summary", {}, t("What new figures cost")), make("p", {}, live.follow_cost)), machines, list);
  painted(() => { follow.firstChild.checked = get("follow") === "1"; });
  let shown = "";
  let states = null;
  let timer = 0;
  let unanswered = 0;

  const tell = (node, text) => { if (node.textContent !== text) node.textContent = text; };

  function paintJobs() {
    if (list.open && states) jobs.replaceChildren(jobList(states));
  }

  /** Show the states; reload the page if it is of another run, or if its new figures are wanted. */
  function show(found) {
    states = found;
    tell(now, found.now);
    tell(about, found.about_figures);
    const ended = found.phase === "ended";
    const news = found.figures > live.figures;
    fresh.hidden = !news;
    follow.hidden = ended;
    if (found.session !== live.session || (ended && found.report) || (news && !busy() && (found.idle || get("follow") === "1"))) {
      location.reload();
      return false;
    }
    const next = JSON.stringify([found.jobs, found.machines]);
    if (next !== shown) {
      shown = next;
      machines.replaceChildren(machineList(found));
      paintJobs();
    }
    return !ended;
  }

  async function ask() {
    clearTimeout(timer);
    if (document.hidden) return; // it asks again once it is looked at
    try {
      const answer = await fetch(`${live.states}?page=${viewer}`, { cache: "no-store" });
      if (!answer.ok) throw new Error(answer.statusText);
      unanswered = 0;
      if (!show(await answer.json())) return;
    } catch {
      unanswered += 1;
      tell(now, live.lost);
    }
    timer = setTimeout(ask, 1000 * Math.min(LONGEST_S, live.poll_s * 2 ** unanswered));
  }

  list.addEventListener("toggle", paintJobs);
  document.addEventListener("visibilitychange", ask);
  ask();
}

/** Return what tells this tab from others; it stays the same when the page is loaded again. */
function viewerId() {
  const found = sessionStorage.getItem("viewer") ?? String(crypto.getRandomValues(new Uint32Array(1))[0]);
  sessionStorage.setItem("viewer", found);
  return found;
}

/** Say whether the reader is at something that a reload would take away. */
function busy() {
  return Boolean(document.querySelector("dialog[open]")) || document.activeElement?.matches("input:not([type=checkbox]), select, textarea");
}

/** Return a table of the machines: counts, the running job, and a box for each job. */
function machineList({ machines, jobs, letters }) {
  if (!machines.length) return "";
  const used = new Set(machines.flatMap(({ states }) => [...states]));
  const legend = make("dl", { class: "legend" }, ...Object.entries(letters).filter(([letter]) => used.has(letter))
    .map(([letter, state]) => make("div", {}, make("dt", { class: "boxes" }, make("span", { class: letter }, letter)), make("dd", {}, state))));
  const rows = machines.map((machine) => ({ cells: [machine.name, machine.counts, running(machine, jobs), boxes(machine, jobs, letters)] }));
  const found = make("div", {}, table(t("The machines of this run"), [t("machine"), t("jobs"), t("now"), t("each job")], rows));
  if (used.size) found.append(legend);
  return found;
}

function running({ states, now }, jobs) {
  const place = states.indexOf("r");
  return place < 0 ? now : `${jobs[place]}: ${now || t("starting")}`;
}

function boxes({ name, counts, states, notes }, jobs, letters) {
  const label = `${name}: ${counts}`;
  return make("div", { class: "boxes", role: "img", "aria-label": label }, ...[...states].flatMap((letter, place) => {
    if (letter === "-") return [];
    const note = notes[place] ? ` (${notes[place]})` : "";
    return [make("span", { class: letter, title: `${jobs[place]}: ${letters[letter]}${note}` }, letter)];
  }));
}

/** Return a table of every job of every machine. */
function jobList({ machines, jobs, letters }) {
  const rows = machines.flatMap(({ name, states, notes }) => [...states].flatMap((letter, place) =>
    letter === "-" ? [] : [{ letter, cells: [jobs[place], name, letters[letter], notes[place] ?? ""] }]));
  rows.sort((one, other) => LISTED.indexOf(one.letter) - LISTED.indexOf(other.letter));
  const found = make("div", {}, table(t("Every job"), [t("job"), t("machine"), t("state"), t("why")], rows.slice(0, MOST_JOBS)));
  if (rows.length > MOST_JOBS) found.append(make("p", {}, t("The list holds the first {} of {} jobs.", MOST_JOBS, rows.length)));
  return found;
}

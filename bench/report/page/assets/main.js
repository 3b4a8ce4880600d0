/* Starts the page. A saved page may hold what the script made: that is removed first. */

/** Go to a place of this page; the address keeps the state of the controls. */
function followLinks() {
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.('a[href^="#"]');
    const place = link && byId(link.getAttribute("href").slice(1));
    if (!place) return;
    event.preventDefault();
    place.scrollIntoView();
    place.setAttribute("tabindex", "-1");
    place.focus({ preventScroll: true });
  });
}

function start() {
  for (const node of document.querySelectorAll("[data-made]")) node.remove();
  byId("data").before( // what stands behind the scripts would not be there yet in a saved page
    control("div", { id: "tip", hidden: true, "aria-hidden": "true" }),
    control("div", { id: "said", role: "status", class: "said" }));
  followLinks();
  addControls(byId("main"));
  addRatio();
  addCosts();
  drawFigures();
  for (const node of document.querySelectorAll("table[data-table]")) addTable(node);
  addRecords();
  if (data.live) addLive();
  let wide = innerWidth;
  window.addEventListener("resize", () => {
    if (innerWidth !== wide) repaint();
    wide = innerWidth;
  });
  document.documentElement.dataset.ready = "yes";
}

start();

/* Starts a page that has no figures yet. */

byId("data").before(control("div", { id: "said", role: "status", class: "said" }));
addLive();
document.documentElement.dataset.ready = "yes";

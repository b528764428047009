// Makes the tables sortable and filterable, and shows what a number is. Without it the page shows the tables whole.
"use strict";

const asked = new URLSearchParams(location.search);

for (const element of document.querySelectorAll("table.sortable")) {
  const table = new DataTable(element, {
    autoWidth: false,
    order: [],
    pageLength: 25,
    lengthMenu: [[25, 100, -1], [25, 100, "all"]],
    layout: {topStart: "search", topEnd: "pageLength", bottomStart: "info", bottomEnd: "paging"},
    language: {search: "Search", lengthMenu: "Rows _MENU_", info: "_START_ to _END_ of _TOTAL_", infoEmpty: "none",
      infoFiltered: "(of _MAX_)", zeroRecords: "No row is left; choose less."},
  });
  const form = document.querySelector(`form[data-table="${element.id}"]`);
  const choices = [...form.elements];
  table.search.fixed("choices", (text, data, index) => {
    const row = table.row(index).node();
    return choices.every((choice) => choice.type === "checkbox" || !choice.value || row.dataset[choice.name].split("|").includes(choice.value));
  });
  const ids = form.elements.ids;
  const shared = element.id === "ledger-table";  // its filters stand in the address, which can be passed on
  const draw = () => {
    if (ids) element.classList.toggle("with-ids", ids.checked);
    table.draw();
    if (!shared) return;
    const chosen = new URLSearchParams(choices.filter((one) => one.value && (one !== ids || one.checked)).map((one) => [one.name, one.value]));
    const address = `${location.pathname}${chosen.size ? `?${chosen}` : ""}${location.hash}`;
    history.replaceState(null, "", address);
  };
  const choose = (wanted) => {
    for (const one of choices) {
      if (one === ids) one.checked = wanted.has("ids");
      else one.value = [...one.options].some((option) => option.value === wanted.get(one.name)) ? wanted.get(one.name) : "";
    }
    table.search("");
    draw();
  };
  if (shared) {
    choose(asked);
    for (const link of document.querySelectorAll("a.choose")) {
      const wanted = new URLSearchParams(link.search);
      link.addEventListener("click", () => choose(wanted));
      link.href = link.hash;  // the filters are set here, without the page being loaded again
    }
  }
  form.addEventListener("change", draw);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  table.draw();
  // A tile of the verdict map leads to a row, which may be filtered out, or on another of the table's pages.
  const show = () => {
    const row = location.hash.startsWith("#value-") && element.id === "ledger-table" && table.row(location.hash);
    if (!row || !row.any()) return;
    form.reset();
    table.search("").draw();
    const place = table.rows({order: "applied", search: "applied"}).indexes().indexOf(row.index());
    if (table.page.len() > 0) table.page(Math.floor(place / table.page.len())).draw("page");
    row.node().scrollIntoView({block: "center"});
  };
  addEventListener("hashchange", show);
  show();
  table.table().container().querySelector("nav").ariaLabel = `Pages of: ${element.caption.textContent}`;
}

for (const part of document.querySelectorAll(".bar span")) part.style.flexGrow = part.dataset.count;

// What a number is, where the reader points or the keyboard is: its name, ours, the study's, its definition.
const preview = document.body.appendChild(Object.assign(document.createElement("div"), {className: "preview", id: "preview", role: "tooltip", hidden: true}));
let leaving;
const hide = () => { preview.hidden = true; };
const later = () => { leaving = setTimeout(hide, 200); };
const showPreview = (link) => {
  clearTimeout(leaving);
  preview.textContent = link.dataset.preview;
  preview.hidden = false;
  link.setAttribute("aria-describedby", "preview");
  const at = link.getBoundingClientRect(), room = document.documentElement.clientWidth - preview.offsetWidth - 16;
  const below = at.bottom + preview.offsetHeight + 8 < innerHeight;
  preview.style.left = `${Math.max(8, Math.min(at.left, room)) + scrollX}px`;
  preview.style.top = `${(below ? at.bottom + 6 : at.top - preview.offsetHeight - 6) + scrollY}px`;
};
for (const link of document.querySelectorAll("[data-preview]")) {
  for (const event of ["mouseenter", "focus"]) link.addEventListener(event, () => showPreview(link));
  for (const event of ["mouseleave", "blur"]) link.addEventListener(event, later);
}
preview.addEventListener("mouseenter", () => clearTimeout(leaving));
preview.addEventListener("mouseleave", later);
addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });

// A number leads to a line that may be folded away.
const unfold = () => document.getElementById(location.hash.slice(1))?.closest("details")?.setAttribute("open", "");
addEventListener("hashchange", unfold);
unfold();

// Which part is being read, in the contents.
const contents = new Map([...document.querySelectorAll('header nav a[href^="#"]')].map((link) => [link.hash.slice(1), link]));
const seen = new IntersectionObserver((entries) => {
  for (const entry of entries.filter((one) => one.isIntersecting)) {
    for (const link of contents.values()) link.removeAttribute("aria-current");
    contents.get(entry.target.getAttribute("aria-labelledby"))?.setAttribute("aria-current", "true");
  }
}, {rootMargin: "-20% 0px -70% 0px"});
for (const section of document.querySelectorAll("main > section")) seen.observe(section);

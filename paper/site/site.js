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

// A comparison's tables are sorted by the head of a column: up, down, and as they were; numbers before texts.
for (const table of document.querySelectorAll(".comparison table.dataframe")) {
  const body = table.tBodies[0], rows = [...body.rows], heads = [...table.tHead.rows[0].cells];
  if (rows.length < 3 || rows.some((row) => row.cells.length !== heads.length)) continue;
  for (const [column, head] of heads.entries()) {
    if (!head.textContent) continue;
    const press = Object.assign(document.createElement("button"), {type: "button", textContent: head.textContent});
    head.replaceChildren(press);
    press.addEventListener("click", () => {
      const next = {ascending: "descending", descending: null}[head.ariaSort] ?? (head.ariaSort ? null : "ascending");
      for (const other of heads) other.ariaSort = null;
      head.ariaSort = next;
      const text = (row) => row.cells[column].textContent.trim();
      const number = (row) => /^[+−-]?[\d.,]+ ?(%|$)/.test(text(row)) ? Number(text(row).replaceAll(/[,+% ]/g, "").replace("−", "-")) : NaN;
      const compare = (a, b) => {
        const [x, y] = [number(a), number(b)];
        if (isNaN(x) !== isNaN(y)) return isNaN(x) ? 1 : -1;
        const up = isNaN(x) ? text(a).localeCompare(text(b), "en") : x - y;
        return next === "descending" ? -up : up;
      };
      body.append(...(next ? rows.toSorted(compare) : rows));
    });
  }
}

for (const part of document.querySelectorAll(".bar span")) part.style.flexGrow = part.dataset.count;

// What a number is, where the reader points or the keyboard is: its name, ours, the study's, its definition.
const preview = document.body.appendChild(Object.assign(document.createElement("div"), {className: "preview", id: "preview", role: "tooltip", ariaLive: "polite", hidden: true}));
let leaving;
const hide = () => { preview.hidden = true; };
const later = () => { leaving = setTimeout(hide, 200); };
const showPreview = (link) => {
  showBeside(link, link.dataset.preview);
  link.setAttribute("aria-describedby", "preview");
};
const showBeside = (link, words) => {
  clearTimeout(leaving);
  preview.textContent = words;
  preview.hidden = false;
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

// What the points of a figure say: to the pointer near one, and to the arrow keys. Without scripts they have titles.
for (const drawing of document.querySelectorAll(".drawing:has(.tips)")) {
  const points = [...drawing.querySelectorAll(".tips circle")].map((mark) => {
    const title = mark.querySelector("title"), words = title.textContent;
    title.remove();
    return {mark, words, x: mark.cx.baseVal.value, y: mark.cy.baseVal.value};
  });
  const around = drawing.closest("[tabindex]");
  let at = -1;
  const leave = () => { points[at]?.mark.classList.remove("on"); hide(); };
  const choose = (number, said = [points[number]]) => {
    leave();
    at = number;
    points[at].mark.classList.add("on");
    showBeside(points[at].mark, said.slice(0, 4).map(({words}) => words).join("\n"));
  };
  const point = (event) => {
    const here = new DOMPoint(event.clientX, event.clientY).matrixTransform(drawing.getScreenCTM().inverse());
    const far = points.map(({x, y}) => Math.hypot(x - here.x, y - here.y)), nearest = Math.min(...far);
    const number = far.indexOf(nearest), there = points[number];  // several may lie in one place
    if (nearest < 8) choose(number, points.filter(({x, y}) => Math.hypot(x - there.x, y - there.y) < 0.6)); else leave();
  };
  drawing.addEventListener("pointermove", point);
  drawing.addEventListener("pointerdown", point);
  drawing.addEventListener("pointerleave", leave);
  around.addEventListener("blur", leave);
  around.addEventListener("keydown", (event) => {
    const to = {ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: points.length - 1}[event.key];
    if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const wanted = Math.max(0, Math.min(points.length - 1, to));
    points[wanted].mark.scrollIntoView({block: "nearest", inline: "nearest"});
    choose(wanted);
  });
}

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

// Makes the tables sortable and filterable. Without it the page shows them whole.
"use strict";

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
    return choices.every((choice) => !choice.value || row.dataset[choice.name].split("|").includes(choice.value));
  });
  form.addEventListener("change", () => table.draw());
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

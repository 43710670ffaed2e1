"use strict";
// Tables sort by a click on a heading: numbers by value, text by the rules of the language, equal rows as they were.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const compare = new Intl.Collator(undefined, { numeric: true }).compare;
  const key = (row, column) => {
    const cell = row.cells[column];
    return "value" in cell.dataset ? Number(cell.dataset.value) : cell.textContent.trim();
  };
  const order = (a, b) => {
    if (a === "–" || b === "–") return a === b ? 0 : null;
    return typeof a === "number" && typeof b === "number" ? a - b : compare(String(a), String(b));
  };
  table.tHead.addEventListener("click", (event) => {
    const heading = event.target.closest("th");
    if (!heading) return;
    const column = heading.cellIndex;
    const numeric = heading.classList.contains("n");
    const before = heading.getAttribute("aria-sort");
    // The largest numbers first, words from A.
    const descending = before ? before === "ascending" : numeric;
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
    const rows = [...body.rows].map((row) => [key(row, column), row]);
    rows.sort(([a], [b]) => {
      const found = order(a, b);
      if (found === null) return a === "–" ? 1 : -1; // nothing stands last either way
      return descending ? -found : found;
    });
    body.append(...rows.map(([, row]) => row));
  });
}

"use strict";
// Filter and sort the table of claims. Without this script the table shows every claim in order.
const table = document.getElementById("claims");
const rows = [...table.tBodies[0].rows];
const word = document.getElementById("filter-word");
const text = document.getElementById("filter-text");

function filter() {
  const wanted = text.value.trim().toLowerCase();
  for (const row of rows) {
    const fits = !word.value || row.dataset.word === word.value;
    row.hidden = !(fits && row.textContent.toLowerCase().includes(wanted));
  }
  const shown = rows.filter((row) => !row.hidden).length;
  document.getElementById("filter-count").textContent = `${shown} of ${rows.length} claims`;
}

function sort(head, column) {
  const down = head.getAttribute("aria-sort") === "ascending";
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  const order = new Intl.Collator("en", { numeric: true });
  const key = (row) => row.cells[column].textContent.trim();
  const sorted = [...rows].sort((a, b) => (down ? -1 : 1) * order.compare(key(a), key(b)));
  table.tBodies[0].append(...sorted);
}

// "#filter=REFUTED" shows the claims with that verdict, so that a link can.
function follow() {
  const asked = new URLSearchParams(location.hash.slice(1)).get("filter");
  if (asked === null) return;
  const known = [...word.options].some((option) => option.value === asked);
  word.value = known ? asked : "";
  text.value = known ? "" : asked;
  filter();
  document.getElementById("verdicts").scrollIntoView();
}

[...table.tHead.rows[0].cells].forEach((head, column) => {
  const button = document.createElement("button");
  button.append(...head.childNodes);
  button.addEventListener("click", () => sort(head, column));
  head.append(button);
});
word.addEventListener("input", filter);
text.addEventListener("input", filter);
addEventListener("hashchange", follow);
document.getElementById("filter").addEventListener("submit", (event) => event.preventDefault());
document.getElementById("filter").hidden = false;
filter();
follow();

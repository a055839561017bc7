"use strict";
// Filters the table. Without it the page shows everything.
(() => {
  const form = document.querySelector("form.filter");
  if (!form) return;
  const rows = [...document.querySelectorAll("tbody tr")].map((row) => [row, row.textContent.toLowerCase()]);
  const show = () => {
    const words = form.elements.words.value.toLowerCase().split(/\s+/).filter(Boolean);
    const kept = new Set([...form.querySelectorAll("input:checked")].map((box) => box.value));
    let number = 0;
    for (const [row, text] of rows) {
      row.hidden = !(kept.has(row.dataset.severity) && words.every((word) => text.includes(word)));
      if (!row.hidden) number += 1;
    }
    form.elements.shown.value = `${number} of ${rows.length} shown`;
  };
  form.addEventListener("input", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  show();
})();

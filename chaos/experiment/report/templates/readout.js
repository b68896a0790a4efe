// The second under the pointer, in every chart at once. The page reads the same without it: the numbers are in its tables.
(() => {
  const panels = [...document.querySelectorAll("svg.plot")].map((plot) => ({
    cursor: plot.querySelector(".cursor"),
    readout: plot.closest("figure").querySelector(".readout"),
    rows: document.getElementById(plot.dataset.rows).rows,
    first: 2 + 5 * Number(plot.dataset.arm),
    plot,
  }));
  const show = (share) => {
    for (const { cursor, readout, rows, first } of panels) {
      const row = rows[Math.floor(share * rows.length)];
      cursor.classList.toggle("on", Boolean(row));
      readout.textContent = "";
      if (!row) continue;
      const at = `${share * 100}%`;
      cursor.setAttribute("x1", at);
      cursor.setAttribute("x2", at);
      const text = (index) => row.cells[index].textContent;
      readout.textContent = `${text(0)} s: ${text(first + 1)} ok, ${text(first + 2)} degraded, p95 ${text(first + 4)}`;
    }
  };
  for (const { plot } of panels) {
    plot.addEventListener("pointermove", (event) => {
      const box = plot.getBoundingClientRect();
      show((event.clientX - box.left) / box.width);
    });
    plot.addEventListener("pointerleave", () => show(-1));
  }
})();

// Charts are drawn from the tables beside them; links to Airflow open in Airflow, not in this frame. Without this file
// every page still says everything.
(() => {
  "use strict";

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

  const tableOf = (figure) => {
    const [, ...heads] = figure.querySelectorAll("thead th");
    const series = heads.filter((head) => head.classList.contains("num"));
    const rows = [...figure.querySelectorAll("tbody tr")].slice(0, Number(figure.dataset.most) || undefined);
    const values = (head) => {
      const place = [...head.parentElement.children].indexOf(head);
      return rows.map((row) => {
        const text = row.children[place].dataset.value;
        return text === "" || text === undefined ? null : Number(text);
      });
    };
    return {
      labels: rows.map((row) => row.children[0].textContent),
      moments: rows.map((row) => row.children[0].dataset.x),
      series: series.map((head) => ({
        name: head.textContent, tone: head.dataset.tone, isDashed: "dash" in head.dataset, values: values(head),
      })),
    };
  };

  const DAY = 86_400_000;
  const shortDay = (number) =>
    new Date(number * DAY).toLocaleDateString("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });

  const draw = (figure) => {
    const canvas = figure.querySelector("canvas");
    if (!canvas || typeof Chart === "undefined") return null;
    const { labels, moments, series } = tableOf(figure);
    const kind = figure.dataset.kind;
    const isLine = kind === "line";
    const isFlat = kind === "bars";
    const hasDays = isLine && moments.every((moment) => moment);
    const days = hasDays ? moments.map((moment) => Date.parse(moment) / DAY) : null;
    const unit = figure.dataset.unit || "";
    const grid = { color: colour("line") };
    const text = colour("muted");
    const valueAxis = { beginAtZero: true, grid, stacked: kind === "stacked", ticks: { color: text, precision: 0 } };
    if (unit === "%") {
      valueAxis.max = 100;
      valueAxis.ticks.callback = (value) => `${value} %`;
    }
    const nameAxis = { grid: { display: false }, stacked: kind === "stacked", ticks: { color: text, maxRotation: 0, autoSkip: !isFlat } };
    if (hasDays) Object.assign(nameAxis, { type: "linear", min: days[0], max: days.at(-1) });
    if (hasDays) nameAxis.ticks = { color: text, maxRotation: 0, precision: 0, maxTicksLimit: 7, callback: shortDay };
    return new Chart(canvas, {
      type: isLine ? "line" : "bar",
      data: {
        labels,
        datasets: series.map((one) => ({
          label: one.name,
          data: hasDays ? one.values.map((value, place) => ({ x: days[place], y: value })) : one.values,
          borderColor: colour(one.tone),
          backgroundColor: isLine ? "transparent" : colour(one.tone),
          borderDash: one.isDashed ? [5, 4] : [],
          borderWidth: isLine ? 2 : 0,
          pointRadius: 0,
          pointHitRadius: 12,
          spanGaps: true,
          maxBarThickness: 28,
        })),
      },
      options: {
        animation: false,
        indexAxis: isFlat ? "y" : "x",
        maintainAspectRatio: false,
        interaction: { mode: "nearest", axis: isFlat ? "y" : "x", intersect: false },
        scales: isFlat ? { x: valueAxis, y: nameAxis } : { x: nameAxis, y: valueAxis },
        plugins: {
          legend: { display: series.length > 1, position: "bottom", labels: { color: text, boxWidth: 12 } },
          tooltip: {
            callbacks: {
              title: ([item]) => (hasDays ? shortDay(item.parsed.x) : item.label),
              label: (item) => {
                const value = item.parsed[isFlat ? "x" : "y"];
                return `${item.dataset.label}: ${value.toLocaleString("en")}${unit ? ` ${unit}` : ""}`;
              },
            },
          },
        },
      },
    });
  };

  const figures = [...document.querySelectorAll("figure.chart")];
  for (const figure of figures) {
    const box = figure.querySelector(".tall");
    if (box) box.style.height = `${Math.max(8, 2 + 1.5 * Math.min(figure.dataset.most, figure.querySelectorAll("tbody tr").length))}rem`;
  }
  let charts = figures.map(draw);
  document.addEventListener("themechange", () => {
    charts.forEach((chart) => chart?.destroy());
    charts = figures.map(draw);
  });

  // Wide tables become cards on a phone (page.css); there a cell says what its column is, and is a cell still.
  const roles = { TABLE: "table", THEAD: "rowgroup", TBODY: "rowgroup", TR: "row", TD: "cell" };
  for (const table of document.querySelectorAll("main .scroll > table")) {
    const heads = [...table.querySelectorAll("thead th")];
    if (heads.length < 4 || table.closest("figure")) continue;
    table.classList.add("cards");
    for (const part of [table, ...table.querySelectorAll("thead, tbody, tr, td, th")]) {
      part.setAttribute("role", roles[part.tagName] || (part.scope === "row" ? "rowheader" : "columnheader"));
    }
    for (const row of table.querySelectorAll("tbody tr")) {
      [...row.children].forEach((cell, place) => { 
        cell.dataset.label = heads[place].textContent;
        if (["", "-"].includes(cell.textContent.trim())) cell.dataset.empty = "";
      });
    }
  }

  // This page may stand in a frame of Airflow's, which may neither open windows nor leave: Airflow itself has to go there.
  const isFramed = window.parent !== window;
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-airflow]");
    if (!link || !isFramed || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    const outer = window.parent.document.createElement("a");
    outer.href = link.href;
    window.parent.document.body.append(outer);
    outer.click();
    outer.remove();
  });

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-copy]");
    if (!button) return;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = "Copied";
    } catch {
      button.textContent = button.dataset.copy; // no clipboard here: to be copied by hand
    }
  });

  for (const details of document.querySelectorAll("details.html")) {
    details.addEventListener("toggle", () => {
      const frame = details.querySelector("iframe[data-src]");
      if (details.open && frame && !frame.src) frame.src = frame.dataset.src;
    });
  }

  for (const select of document.querySelectorAll("form.filters select")) {
    select.addEventListener("change", () => select.form.requestSubmit());
  }
  for (const form of document.querySelectorAll("form.filters")) {
    form.addEventListener("formdata", (event) => {
      for (const [name, value] of [...event.formData]) if (value === "") event.formData.delete(name);
    });
  }
})();

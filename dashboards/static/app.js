/* Meterhouse pages: theme, tables (sort, filter, CSV), charts (drawn lazily), jump box. Works from disk; sends nothing. */
"use strict";
(() => {
  const script = document.currentScript, root = document.documentElement;
  const assets = script.dataset.assets, store = {
    get: k => { try { return localStorage.getItem(k); } catch { return null; } },
    set: (k, v) => { try { v ? localStorage.setItem(k, v) : localStorage.removeItem(k); } catch { /* private mode */ } },
  };
  root.className = "js";
  const remembered = store.get("meterhouse-theme");
  if (remembered) root.dataset.theme = remembered;

  const $ = (sel, at = document) => at.querySelector(sel), $$ = (sel, at = document) => [...at.querySelectorAll(sel)];
  const make = (tag, props = {}, ...children) => { const e = Object.assign(document.createElement(tag), props); e.append(...children); return e; };
  const load = src => new Promise((ok, bad) => document.head.append(make("script", { src, onload: ok, onerror: bad })));

  /* State in the address: one key a control, dropped when at its default. */
  const state = new URLSearchParams(location.search);
  const remember = (key, value) => {
    value ? state.set(key, value) : state.delete(key);
    const query = state.toString();
    try { history.replaceState(null, "", location.pathname + (query ? "?" + query : "") + location.hash); } catch { /* some viewers */ }
  };

  function theme() {
    const button = $(".theme"), order = ["", "light", "dark"], words = { "": "follow the system", light: "light", dark: "dark" };
    const show = () => { const now = root.dataset.theme || ""; button.textContent = { "": "◐", light: "○", dark: "●" }[now];
      button.setAttribute("aria-label", "Theme: " + words[now]); button.title = "Theme: " + words[now]; };
    button.hidden = false;
    button.addEventListener("click", () => {
      const next = order[(order.indexOf(root.dataset.theme || "") + 1) % 3];
      next ? root.dataset.theme = next : delete root.dataset.theme;
      store.set("meterhouse-theme", next); show();
    });
    show();
  }

  function jump() {
    const label = $(".jump"), source = script.dataset.jump;
    if (!label || !source) return;
    const input = $("input", label), list = $("datalist", label);
    let places = new Map(), asked = false;
    label.hidden = false;
    const fill = async () => {
      if (asked) return;
      asked = true;
      await load(source);
      places = new Map(window.METERHOUSE_JUMP);
      list.append(...[...places.keys()].map(value => make("option", { value })));
    };
    const go = () => { const to = places.get(input.value); if (to) location.href = script.dataset.root + to; };
    input.addEventListener("focus", fill);
    input.addEventListener("change", go);
    input.addEventListener("keydown", e => { if (e.key === "Enter") go(); });
  }

  /* Tables */
  const text = cell => cell.textContent.trim();
  const plainNumber = t => { const m = t.replaceAll("\u2212", "-").replace(/[\s,\u00a0]/g, "").match(/^([-+]?)[^\d.+-]*([-+]?\d*\.?\d+)/); return m ? Number(m[1] + m[2]) : NaN; };
  const number = cell => cell.title && !isNaN(cell.title) ? Number(cell.title) : plainNumber(text(cell));
  const guard = t => /^[=+\-@\t\r]/.test(t) ? "'" + t : t;
  const quote = t => /[",\n\r]/.test(t) ? '"' + t.replaceAll('"', '""') + '"' : t;

  function csv(table) {
    const heads = $$("thead th", table), keep = heads.map((h, i) => h.dataset.c ? i : -1).filter(i => i >= 0);
    const value = (cell, i) => {
      if (!cell) return "";
      if (heads[i].classList.contains("l")) return guard(text(cell));
      if (cell.title) return cell.title;
      const t = text(cell);
      if (t === "–" || t === "") return "";
      const n = t.replaceAll("\u2212", "-").replace(/[,\u00a0\s]/g, "");
      return /^[-+]?[^\d.+-]*\d*\.?\d+%?$/.test(n) ? n.replace(/[^\d.-]/g, "") : guard(t);
    };
    const rows = [...$$("tbody tr", table).filter(r => !r.hidden), ...$$("tfoot tr", table).filter(r => !$(".rd", r))]; /* full figures add up by themselves */
    return [keep.map(i => quote(guard(heads[i].dataset.c))), ...rows.map(r => keep.map(i => quote(value(r.cells[i], i))))].map(r => r.join(",")).join("\r\n") + "\r\n";
  }

  function save(name, blob) {
    const url = typeof blob === "string" ? blob : URL.createObjectURL(blob);
    make("a", { href: url, download: name }).click();
    if (typeof blob !== "string") setTimeout(() => URL.revokeObjectURL(url), 1000);
  }
  const fileName = (id, ext) => [document.body.dataset.scope, id.replace(/-(table|data)$/, ""), document.body.dataset.made].join("_").replace(/[^\w.-]+/g, "-") + ext;

  function actions(card) {
    let bar = $(".act", card);
    if (!bar) { bar = make("div", { className: "act" }); $(".ch", card)?.append(bar); }
    return bar;
  }

  function sortable(table) {
    const body = table.tBodies[0], heads = $$("thead th", table), original = [...body.rows];
    if (original.length < 2) return;
    const sort = (i, direction) => {
      const head = heads[i], isText = head.classList.contains("l"), factor = direction === "ascending" ? 1 : -1;
      heads.forEach(h => h.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", direction);
      const keyed = original.map((r, place) => [isText ? text(r.cells[i]).toLowerCase() : number(r.cells[i]), r, place]);
      keyed.sort(([a, , x], [b, , y]) => isText ? factor * a.localeCompare(b, "en") || x - y
        : isNaN(a) || isNaN(b) ? isNaN(a) - isNaN(b) || x - y : factor * (a - b) || x - y);
      const parent = body.parentNode, next = body.nextSibling;
      body.remove();
      body.append(...keyed.map(k => k[1]));
      parent.insertBefore(body, next);
      remember(table.id + ".s", i + (direction === "ascending" ? "a" : "d"));
    };
    heads.forEach((head, i) => {
      if (!head.dataset.c) return;
      const button = make("button", { type: "button" }, ...head.childNodes);
      head.append(button);
      const first = head.classList.contains("l") ? "ascending" : "descending";
      button.addEventListener("click", () => {
        const now = head.getAttribute("aria-sort");
        sort(i, !now ? first : now === "ascending" ? "descending" : "ascending");
        button.focus();
      });
    });
    const given = /^(\d+)([ad])$/.exec(state.get(table.id + ".s") || "");
    if (given && heads[given[1]]?.dataset.c) sort(Number(given[1]), given[2] === "a" ? "ascending" : "descending");
  }

  function filterable(table, bar) {
    const rows = [...table.tBodies[0].rows];
    if (rows.length < 8) return;
    const key = table.id + ".q", input = make("input", { type: "search", placeholder: "Filter rows…", value: state.get(key) || "" });
    input.setAttribute("aria-label", "Filter rows of " + table.caption.textContent);
    const live = make("span", { className: "n" });
    live.setAttribute("aria-live", "polite");
    const words = rows.map(r => r.textContent.toLowerCase());
    const apply = () => {
      const wanted = input.value.trim().toLowerCase();
      let shown = 0;
      rows.forEach((r, i) => { r.hidden = wanted !== "" && !words[i].includes(wanted); shown += !r.hidden; });
      live.textContent = wanted ? (shown ? `${shown} of ${rows.length} rows` : "No row matches; clear the filter to see all") : `${rows.length} rows`;
      if (table.tFoot) table.tFoot.hidden = wanted !== "";
      remember(key, wanted);
    };
    input.addEventListener("input", apply);
    bar.prepend(live, input);
    apply();
  }

  function tables() {
    for (const table of $$("table")) {
      sortable(table);
      if (table.closest("details")) continue;
      const card = table.closest(".card"), bar = actions(card);
      if ("controls" in table.dataset) filterable(table, bar);
      const button = make("button", { type: "button", textContent: "CSV", title: "Save these rows as CSV, figures in full" });
      button.addEventListener("click", () => save(fileName(table.id, ".csv"), new Blob([csv(table)], { type: "text/csv;charset=utf-8" })));
      bar.append(button);
    }
  }

  /* Charts: the library comes after the first paint, each chart when near the view, one a frame. */
  const FONT = 'ui-sans-serif,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,"Liberation Sans",sans-serif';
  const CONFIG = { displayModeBar: false, showSendToCloud: false, plotlyServerURL: "", displaylogo: false, responsive: true, doubleClick: "reset" };
  const AXIS = { gridcolor: "#e9e9e4", zerolinecolor: "#e9e9e4", ticks: "", automargin: true, tickfont: { size: 11.5 } };
  const house = given => ({
    font: { family: FONT, size: 12, color: "#535a65" }, margin: { l: 46, r: 6, t: 22, b: 28 }, bargap: .22, showlegend: false,
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", hovermode: "x unified", dragmode: "zoom",
    hoverlabel: { font: { size: 12 }, namelength: -1 }, ...given,
    xaxis: { ...AXIS, type: "date", showgrid: false, tickformat: "%-d %b", tickformatstops: [{ dtickrange: [null, 43200000], value: "%-d %b %H:%M" }], hoverformat: "%a %-d %b %Y", fixedrange: false, ...given.xaxis },
    yaxis: { ...AXIS, fixedrange: true, nticks: 6, ...given.yaxis },
  });
  const specOf = figure => {
    const spec = JSON.parse($(".spec", figure).textContent);
    for (const trace of spec.data) trace.x = trace.x || spec.x;
    return { data: spec.data, layout: house(spec.layout) };
  };
  const waiting = [];
  let drawing = false, library = null;
  const ready = () => library = library || load(assets + "plotly.min.js");
  const drawn = new WeakSet();
  const draw = async figure => {
    if (drawn.has(figure)) return;
    drawn.add(figure);
    const { data, layout } = specOf(figure), plot = $(".plot", figure);
    plot.textContent = "";
    await window.Plotly.newPlot(plot, data, layout, CONFIG);
    $$(".main-svg", plot).forEach(s => s.setAttribute("aria-hidden", "true"));
  };
  const pump = async () => {
    if (drawing) return;
    drawing = true;
    try {
      await ready();
      while (waiting.length) { await new Promise(requestAnimationFrame); await draw(waiting.shift()); }
    } catch { for (const f of $$(".chart")) if (!drawn.has(f)) $(".wait", f).textContent = "The chart library is missing; the same figures are in the table below."; }
    drawing = false;
  };

  function png(figure) {
    const button = make("button", { type: "button", textContent: "PNG", title: "Save the chart as a picture" });
    button.addEventListener("click", async () => {
      await ready();
      const { data, layout } = specOf(figure), title = $(".card h2", figure.closest(".cards")) && $("h2", figure.closest(".card")).textContent;
      const safe = t => t.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
      const picture = { ...layout, paper_bgcolor: "#fff", plot_bgcolor: "#fff", showlegend: true, legend: { orientation: "h", y: -.12 }, width: 1200, height: 620,
        margin: { l: 60, r: 24, t: 96, b: 80 }, title: { text: safe(title) + "<br><sub>" + safe(($(".win")?.textContent || "") + " · " + document.body.dataset.made) + "</sub>", x: .03, xanchor: "left" } };
      const url = await window.Plotly.toImage({ data, layout: picture }, { format: "png", width: 1200, height: 620, scale: 2 });
      save(fileName(figure.id, ".png"), url);
    });
    actions(figure.closest(".card")).append(button);
  }

  function charts() {
    const figures = $$(".chart");
    if (!figures.length) return;
    figures.forEach(png);
    const near = new IntersectionObserver(seen => {
      for (const entry of seen) if (entry.isIntersecting) { near.unobserve(entry.target); waiting.push(entry.target); }
      if (waiting.length) pump();
    }, { rootMargin: "250px" });
    const begin = () => requestAnimationFrame(() => setTimeout(() => figures.forEach(f => near.observe(f)), 0));
    document.readyState === "complete" ? begin() : addEventListener("load", begin, { once: true });
    const plots = () => figures.filter(f => drawn.has(f)).map(f => $(".plot", f));
    addEventListener("beforeprint", () => {
      if (window.Plotly) figures.forEach(draw);
      plots().forEach(p => window.Plotly.relayout(p, { width: 690, height: 260 }));
    });
    addEventListener("afterprint", () => plots().forEach(p => window.Plotly.relayout(p, { width: null, height: null, autosize: true })));
  }

  /* The tabs scroll on narrow screens: the page's own is brought into their middle. */
  function tabs() {
    const here = $("nav [aria-current]");
    if (!here) return;
    const bar = here.parentNode, place = here.getBoundingClientRect(), frame = bar.getBoundingClientRect();
    bar.scrollLeft += place.left + place.width / 2 - frame.left - frame.width / 2;
  }

  addEventListener("DOMContentLoaded", () => { theme(); tabs(); jump(); charts(); tables(); });
})();

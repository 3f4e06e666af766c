"use strict";
(() => {
  const shut = () => document.querySelectorAll("details.route:not([open])");
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...shut()];
    for (const row of opened) row.open = true;
  });
  addEventListener("afterprint", () => {
    for (const row of opened) row.open = false;
  });
  const held = document.getElementById("answers");
  if (!held) return;
  const data = JSON.parse(held.textContent);
  const at = (id) => document.getElementById(id);
  const usd = (value) => {
    if (value === null) return "–";
    const size = Math.abs(value);
    if (size === 0) return "$0";
    if (size < 0.005) return value < 0 ? "> -$0.01" : "< $0.01";
    const cents = size.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
    return (value < 0 ? "-$" : "$") + cents;
  };
  const percent = (share) => {
    if (share === null) return "–";
    if (share === 0 || share === 1) return `${share * 100}%`;
    return share < 0.001 ? "< 0.1%" : `${(share * 100).toFixed(1)}%`;
  };
  const latency = (ms) => (ms === null ? "none" : `${ms.toLocaleString("en-US")} ms`);
  const add = (row, text, kind) => {
    const cell = row.insertCell();
    cell.textContent = text;
    if (kind) cell.className = kind;
    return cell;
  };
  const show = () => {
    const [e, l, c] = ["epsilon", "latency", "share"].map((id) => Number(at(id).value));
    const epsilon = data.epsilons[e];
    const limit = data.latencies_ms[l];
    const canary = data.canary_shares[c];
    const answer = data.answers[data.grid[e][l][c]];
    const words = { epsilon: percent(epsilon), latency: latency(limit), share: percent(canary) };
    for (const [id, text] of Object.entries(words)) {
      at(`${id}-now`).textContent = text;
      at(id).setAttribute("aria-valuetext", text);
    }
    const money = answer.per_month_usd;
    at("answer-saving").textContent = money.p50 === null ? "withheld" : `${usd(money.p50)} a month`;
    at("answer-range").textContent = money.p50 === null ? "" : `(90% sure: ${usd(money.p5)} to ${usd(money.p95)})`;
    at("answer-rest").textContent =
      `; ${percent(answer.certified_share)} of it certified, ${percent(answer.economy_share)} of requests on the economy tier.`;
    at("answer-command").textContent =
      `router-audit build-table --epsilon ${epsilon}` +
      (limit === null ? "" : ` --max-p95-ms ${limit}`) + ` --canary-share ${canary}` + data.options;
    const body = at("answer-routes");
    body.replaceChildren();
    for (const route of answer.routes) {
      const row = body.insertRow();
      add(row, route.context === "huge" ? `${route.profile}, huge context` : route.profile);
      add(row, route.applied ? route.model.slice(route.model.indexOf("/") + 1) : "as asked");
      add(row, route.assumed ? "assumed" : route.status);
      add(row, route.applied ? String(route.threshold) : "–", "number");
      add(row, percent(route.upper_bound), "number");
      add(row, usd(route.saving_usd), "number");
    }
  };
  for (const [id, start] of [["epsilon", data.start[0]], ["latency", data.start[1]], ["share", data.start[2]]]) {
    at(id).value = start;
    at(id).addEventListener("input", show);
  }
  at("sliders").hidden = false;
  at("answer").hidden = false;
  at("sliders").addEventListener("submit", (event) => event.preventDefault());
  show();
})();

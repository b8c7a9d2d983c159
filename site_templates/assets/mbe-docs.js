/* Copy buttons and the quirk filter. Everything works without this file; it only saves typing. */
"use strict";
(() => {
  const words = (text) => text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, " ").trim();

  const copyButtons = () => {
    for (const button of document.querySelectorAll("[data-mbe-copy]")) {
      if (button.dataset.mbeReady) continue;
      button.dataset.mbeReady = "1";
      button.addEventListener("click", async () => {
        await navigator.clipboard.writeText(button.dataset.mbeCopy);
        button.textContent = "copied";
        window.setTimeout(() => { button.textContent = "copy"; }, 1200);
      });
    }
  };

  /* A pasted answer is long and a symptom short: either may contain the other. */
  const matches = (query, row) => {
    if (!query) return true;
    const text = words(row.textContent);
    if (text.includes(query)) return true;
    const symptoms = [...row.querySelectorAll(".mbe-symptom-line code")].map((code) => words(code.textContent));
    if (symptoms.some((symptom) => symptom.length > 3 && query.includes(symptom))) return true;
    return query.split(" ").every((word) => text.includes(word));
  };

  const quirkFilter = () => {
    const form = document.querySelector("[data-mbe-filter]");
    if (!form || form.dataset.mbeReady) return;
    form.dataset.mbeReady = "1";
    const rows = [...document.querySelectorAll(".mbe-catalogue > li")];
    const count = document.querySelector("[data-mbe-count]");
    const none = document.querySelector("[data-mbe-none]");
    const apply = () => {
      const chosen = new FormData(form);
      const query = words(String(chosen.get("q") || ""));
      let shown = 0;
      for (const row of rows) {
        const fits = ["severity", "status", "category"].every((name) => {
          const wanted = chosen.getAll(name);
          return !wanted.length || wanted.some((value) => row.dataset[name].split(" ").includes(value));
        });
        row.hidden = !(fits && matches(query, row));
        shown += row.hidden ? 0 : 1;
      }
      if (count) count.textContent = shown === rows.length ? "" : `${shown} of ${rows.length} shown`;
      if (none) none.hidden = shown > 0;
    };
    const remember = () => {
      const chosen = new URLSearchParams();
      for (const [name, value] of new FormData(form)) if (value) chosen.append(name, String(value));
      const search = chosen.toString();
      history.replaceState(null, "", search ? `?${search}` : location.pathname);
    };
    const given = new URLSearchParams(location.search);
    form.elements.q.value = given.get("q") || "";
    for (const box of form.querySelectorAll("input[type=checkbox]")) {
      box.checked = given.getAll(box.name).includes(box.value);
    }
    form.addEventListener("input", () => { apply(); remember(); });
    form.addEventListener("submit", (event) => event.preventDefault());
    apply();
  };

  const start = () => { copyButtons(); quirkFilter(); };
  if (window.document$) window.document$.subscribe(start);
  else if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();

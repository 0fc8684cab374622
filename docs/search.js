// SPDX-License-Identifier: Apache-2.0
//
// Search of the site, also of pages that no server gives: the index is a script next to this one, which any page may
// load; mkdocs' own search asks a server for it, and waits for ever without.
(function () {
  const box = document.getElementById("mkdocs-search-query");
  const list = document.getElementById("mkdocs-search-results");
  if (!box || !list) return;

  // Titles count most; a place that lacks a word is none.
  function score(place, words) {
    const title = place.title.toLowerCase(), text = place.text.toLowerCase();
    let sum = 0;
    for (const word of words) {
      const found = (title.includes(word) ? 20 : 0) + Math.min(10, text.split(word).length - 1);
      if (!found) return 0;
      sum += found;
    }
    return sum / Math.sqrt(1 + text.length / 1000);  // of two, the one that says less besides
  }

  function excerpt(text, words) {
    const at = Math.max(0, text.toLowerCase().indexOf(words[0]) - 80);
    return (at ? "... " : "") + text.slice(at, at + 240) + (at + 240 < text.length ? " ..." : "");
  }

  function show() {
    const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = words.length ? window.trineIndex.map(place => [score(place, words), place]).filter(([n]) => n) : [];
    found.sort(([a], [b]) => b - a);
    list.replaceChildren();
    const head = document.createElement("p");
    head.textContent = `${found.length} places`;
    list.append(head);
    for (const [, place] of found.slice(0, 40)) {
      const link = document.createElement("a"), text = document.createElement("p");
      link.href = base_url + "/" + place.location;
      link.textContent = place.title;
      text.textContent = excerpt(place.text, words);
      const title = document.createElement("h3");
      title.append(link);
      list.append(title, text);
    }
  }

  const index = document.createElement("script");
  index.src = base_url + "/search/index.js";
  index.onload = function () {
    box.value = new URLSearchParams(location.search).get("q") || "";
    box.addEventListener("input", show);
    show();
  };
  document.head.append(index);
})();

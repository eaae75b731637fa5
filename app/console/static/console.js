// What the pages need beyond HTML: a refresh leaves open what is open, and never takes away what
// somebody is writing. Without it everything can still be read and sent.
"use strict";
(function () {
  let open = new Set();
  let focused = null;

  function writing(page) {
    return [...page.querySelectorAll("input:not([type=hidden]), textarea, select")].some(
      (field) =>
        field === document.activeElement ||
        (field.tagName === "SELECT"
          ? [...field.options].some((option) => option.selected !== option.defaultSelected && field.selectedIndex > 0)
          : field.value !== field.defaultValue),
    );
  }

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.target.id !== "page") return;
    if (writing(event.target)) {
      event.preventDefault();
      document.getElementById("changed").hidden = false;
    }
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.target.id !== "page") return;
    open = new Set([...document.querySelectorAll("details[open][id]")].map((one) => one.id));
    focused = document.activeElement && document.activeElement.id;
  });
  document.addEventListener("htmx:afterSettle", () => {
    for (const id of open) {
      const one = document.getElementById(id);
      if (one) one.open = true;
    }
    const one = focused && document.getElementById(focused);
    if (one) one.focus({ preventScroll: true });
  });
  // On a narrow screen the pages' names scroll: the one that is open has to be among those seen.
  const here = document.querySelector(".top nav [aria-current]");
  const names = here && here.closest("ul");
  if (names) names.scrollLeft = here.offsetLeft - (names.clientWidth - here.offsetWidth) / 2;
  // What a link or a reload leads to inside a closed part has to be seen.
  function reveal() {
    const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const part = target && target.closest("details");
    if (part) part.open = true;
  }
  addEventListener("hashchange", reveal);
  reveal();
})();

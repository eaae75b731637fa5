// What the pages need beyond HTML: a refresh leaves open what is open and where one was, and never
// takes away what somebody is writing. Without it everything can still be read and sent.
"use strict";
(function () {
  let open = new Set();
  let focused = null;
  let scrolled = [];

  // An element's like on the new page: by all that it is called and what its form would send, and by
  // its place among those that are called the same, as two tables may link to one order.
  function called(one) {
    const given = ["id", "href", "name", "value", "aria-label"].map((name) => one.getAttribute(name));
    const part = one.closest("details[id]");
    const form = one.form ? [one.form.action, ...new FormData(one.form).values()] : [];
    return [...given, ...form, part && part.id, one.matches("button, summary") && one.textContent].join("|");
  }
  function alike(tag, name) {
    return [...document.getElementById("page").querySelectorAll(tag)].filter((one) => called(one) === name);
  }
  function placeOf(one) {
    const name = called(one);
    return [one.tagName, name, alike(one.tagName, name).indexOf(one)];
  }
  function at([tag, name, index]) {
    const found = alike(tag, name);
    return found[index] || found[0];
  }

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
    const page = document.getElementById("page");
    const one = document.activeElement;
    focused = page !== one && page.contains(one) ? placeOf(one) : null;
    scrolled = [...page.querySelectorAll("[role=region]")]
      .filter((part) => part.scrollLeft || part.scrollTop)
      .map((part) => [placeOf(part), part.scrollLeft, part.scrollTop]);
  });
  document.addEventListener("htmx:afterSettle", () => {
    for (const id of open) {
      const one = document.getElementById(id);
      if (one) one.open = true;
    }
    for (const [place, left, top] of scrolled) {
      const part = at(place);
      if (part) part.scrollTo(left, top);
    }
    const one = focused && at(focused);
    if (one) one.focus({ preventScroll: true });
    [scrolled, focused] = [[], null];
  });
  // What was sent is not sent once more by a second click, and its button says that it is under way.
  // A page that the browser kept and shows again starts anew.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "1";
    if (event.submitter) event.submitter.setAttribute("aria-busy", "true");
  });
  addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
    for (const button of document.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
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

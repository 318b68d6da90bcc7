/* Shows what is selected, and keeps the focus where it was when a part of the page is drawn anew. */
(function () {
  "use strict";

  let pressed = new Set(["item"]);
  let barred = new Set();
  let focused = null;
  let scheduled = false;

  function set(element, name, value) {
    if (element.getAttribute(name) !== value) {
      element.setAttribute(name, value);
    }
  }

  function signature(element) {
    return (
      element.id ||
      element.getAttribute("data-mark") ||
      element.getAttribute("data-field") ||
      element.getAttribute("data-action") ||
      ""
    );
  }

  function canFocus(element) {
    return !element.disabled && element.offsetParent !== null;
  }

  /* Where to go on from: what is selected in the part that a panel calls the page's home. */
  function here() {
    return focused.selector === "BUTTON"
      ? document.querySelector('[data-home] [aria-pressed="true"]')
      : null;
  }

  function apply() {
    scheduled = false;
    for (const element of document.querySelectorAll("[data-mark]")) {
      const mark = element.getAttribute("data-mark");
      set(element, "aria-pressed", pressed.has(mark) ? "true" : "false");
      element.hidden = barred.has(mark);
    }
    if (focused && document.activeElement === document.body) {
      const again = Array.from(document.querySelectorAll(focused.selector)).find(
        (element) => signature(element) === focused.signature
      );
      /* What was pressed may be gone, since it was used: go on from what is selected. */
      const next = again && canFocus(again) ? again : here();
      if (next) {
        next.focus({ preventScroll: true });
      }
    }
  }

  function schedule() {
    if (!scheduled) {
      scheduled = true;
      window.requestAnimationFrame(apply);
    }
  }

  document.addEventListener("focusin", function (event) {
    const name = signature(event.target);
    focused = name ? { selector: event.target.tagName, signature: name } : null;
  });
  /* A click on nothing means that nothing is to be focused again. */
  document.addEventListener("pointerdown", function (event) {
    if (!event.target.closest("button, textarea, a, summary")) {
      focused = null;
    }
  });

  new MutationObserver(schedule).observe(document.documentElement, {
    childList: true,
    subtree: true,
  });

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.parley = Object.assign(window.dash_clientside.parley || {}, {
    mark: function (marks) {
      pressed = new Set((marks && marks.pressed) || []);
      barred = new Set((marks && marks.barred) || []);
      apply();
      return window.dash_clientside.no_update;
    },
  });
})();

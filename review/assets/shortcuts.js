/* Keys for people who look at many classes; every one of them presses a button that is there. */
(function () {
  "use strict";

  const PRESSED = { u: "undo", r: "redo", c: "compare", s: "answer", "?": "help" };
  const EDGES = { x: "edge-removed", a: "edge-added" };

  function press(id) {
    const button = document.getElementById(id);
    if (!button || button.disabled) {
      return false;
    }
    button.click();
    return true;
  }

  /* Moves to the neighbour of the pressed, or focused, one of a row of buttons. */
  function step(selector, direction, current) {
    const buttons = Array.from(document.querySelectorAll(selector)).filter(
      (button) => !button.hidden
    );
    const found = buttons.findIndex(current);
    const next = buttons[Math.min(Math.max(found + direction, 0), buttons.length - 1)];
    if (!next || next === buttons[found]) {
      return false;
    }
    next.focus();
    next.click();
    return true;
  }

  function isPressed(button) {
    return button.getAttribute("aria-pressed") === "true";
  }

  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    const target = event.target;
    if (target.closest("textarea, input, select, dialog[open]")) {
      return;
    }
    let done = false;
    if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
      const direction = event.key === "ArrowLeft" ? -1 : 1;
      const inside = target.closest(".candidate");
      if (target.closest(".scroll") && !target.closest("button")) {
        return;
      }
      done = inside
        ? step(".candidate", direction, (button) => button === inside)
        : step(".slot", direction, isPressed);
    } else if (event.key === "[" || event.key === "]") {
      done = step(".entry", event.key === "[" ? -1 : 1, isPressed);
    } else if (event.key === "Enter") {
      const held = target.closest('.candidate[aria-pressed="true"]');
      done = (held || target === document.body) && press("put");
    } else if (PRESSED[event.key]) {
      done = press(PRESSED[event.key]);
    } else if (EDGES[event.key]) {
      done = press(EDGES[event.key]);
    }
    if (done) {
      event.preventDefault();
    }
  });
})();

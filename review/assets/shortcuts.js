/* Keys for people who look at many items; every one of them presses a button that is there.

   data-key="x"          this button is pressed by x.
   data-steps="[ ]"      [ and ] go to the button before and after the pressed one of this row.
   data-steps-from="focus"   the row counts from the focused button, and only while it has the focus;
                             Enter on its pressed button goes on to the button of data-key="Enter".
   data-columns="7"      arrows move the focus within this grid of buttons, and press nothing.
   data-from="anywhere"  an arrow that nothing else takes leads into this grid; Tab stops at one of its
                         buttons, the one that had the focus last, at first that of tabindex="0". */
(function () {
  "use strict";

  const ARROWS = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -1, ArrowDown: 1 };

  function press(key) {
    const found = Array.from(document.querySelectorAll("[data-key]")).find(
      (button) => button.getAttribute("data-key") === key && !button.disabled
    );
    if (!found) {
      return false;
    }
    found.click();
    return true;
  }

  function keysOf(row) {
    return row.getAttribute("data-steps").split(" ");
  }

  function buttonsOf(row) {
    return Array.from(row.querySelectorAll("button")).filter((button) => !button.hidden);
  }

  function isPressed(button) {
    return button.getAttribute("aria-pressed") === "true";
  }

  function clamped(buttons, index) {
    return buttons[Math.min(Math.max(index, 0), buttons.length - 1)];
  }

  /* Moves to the neighbour of the pressed, or focused, one of a row of buttons. */
  function step(key, target) {
    const inside = target.closest("[data-steps]");
    const row =
      inside && keysOf(inside).includes(key)
        ? inside
        : Array.from(document.querySelectorAll("[data-steps]:not([data-steps-from])")).find(
            (other) => keysOf(other).includes(key)
          );
    if (!row) {
      return false;
    }
    const buttons = buttonsOf(row);
    const found = buttons.findIndex(
      row.hasAttribute("data-steps-from") ? (button) => button.contains(target) : isPressed
    );
    const next = clamped(buttons, found + (keysOf(row).indexOf(key) === 0 ? -1 : 1));
    if (!next || next === buttons[found]) {
      return false;
    }
    next.focus();
    next.click();
    return true;
  }

  /* Moves the focus within a grid; at its border the focus stays. */
  function roam(key, target) {
    const grid = target.closest("[data-columns]");
    const button = target.closest("button");
    if (!grid || !button || !ARROWS[key]) {
      return false;
    }
    const columns = Number(grid.getAttribute("data-columns"));
    const buttons = buttonsOf(grid);
    const found = buttons.indexOf(button);
    const isSideways = key === "ArrowLeft" || key === "ArrowRight";
    const next = found + ARROWS[key] * (isSideways ? 1 : columns);
    const staysInRow = Math.floor(next / columns) === Math.floor(found / columns);
    if (buttons[next] && (!isSideways || staysInRow)) {
      buttons[next].focus();
    }
    return true;
  }

  /* Leads into a grid, to the button that Tab comes to. */
  function enter(key) {
    const grid = ARROWS[key] && document.querySelector('[data-columns][data-from="anywhere"]');
    const button = grid && (grid.querySelector('[tabindex="0"]') || buttonsOf(grid)[0]);
    if (!button) {
      return false;
    }
    button.focus();
    return true;
  }

  document.addEventListener("focusin", function (event) {
    const grid = event.target.closest('[data-columns][data-from="anywhere"]');
    if (grid) {
      for (const other of grid.querySelectorAll('[tabindex="0"]')) {
        other.tabIndex = -1;
      }
      event.target.tabIndex = 0;
    }
  });

  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    const target = event.target;
    if (target.closest("textarea, input:not([type='range']), select, dialog[open]")) {
      return;
    }
    const key = event.key;
    /* A slider has arrows of its own, and nothing is typed into it. */
    if (ARROWS[key] && target.matches("input")) {
      return;
    }
    if (ARROWS[key] && target.closest(".scroll") && !target.closest("button")) {
      return;
    }
    let done = false;
    if (key === "Enter") {
      const held = target.closest('[data-steps-from="focus"] [aria-pressed="true"]');
      done = (held || target === document.body) && press(key);
    } else {
      done = roam(key, target) || step(key, target) || press(key) || enter(key);
    }
    if (done) {
      event.preventDefault();
    }
  });
})();

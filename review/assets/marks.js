/* Shows what is selected, and keeps the focus where it was when a part of the page is drawn anew. */
(function () {
  "use strict";

  let pressed = new Set(["item"]);
  let barred = new Set();
  let states = {};
  /* What presses will have led to once the server has answered; see data-turns. */
  const guesses = new Map();
  let followed = null;
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

  /* Keeps the item that is looked at in sight in a long list, without moving the page. */
  function follow() {
    const entry = document.querySelector('.rail [aria-pressed="true"]');
    const mark = entry && entry.getAttribute("data-mark");
    if (!mark || mark === followed) {
      return;
    }
    followed = mark;
    const rail = entry.closest(".rail");
    const here = entry.getBoundingClientRect();
    const seen = rail.getBoundingClientRect();
    rail.scrollLeft += Math.min(0, here.left - seen.left) || Math.max(0, here.right - seen.right);
    rail.scrollTop += Math.min(0, here.top - seen.top) || Math.max(0, here.bottom - seen.bottom);
  }

  function apply() {
    scheduled = false;
    for (const element of document.querySelectorAll("[data-mark]")) {
      const mark = element.getAttribute("data-mark");
      const isGuessed = guesses.has(mark);
      const state = isGuessed ? guesses.get(mark) : states[mark] || "";
      const isPressed = isGuessed ? state !== "" : pressed.has(mark);
      set(element, "aria-pressed", isPressed ? "true" : "false");
      if (state || element.hasAttribute("data-state")) {
        set(element, "data-state", state);
        const name = element.title;
        if (name) {
          set(element, "aria-label", state ? `${name}, ${state}` : name);
        }
      }
      element.hidden = barred.has(mark);
    }
    follow();
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

  /* Shows at once where a press leads: to the next of the button's states, and after the last to none.
     With Shift only the last one is turned on or off. */
  function guess(button, isLast) {
    const turns = button.getAttribute("data-turns").split("|");
    const state = button.getAttribute("data-state") || "";
    const last = turns[turns.length - 1];
    const next = isLast ? (state === last ? "" : last) : turns[turns.indexOf(state) + 1] || "";
    guesses.set(button.getAttribute("data-mark"), next);
    apply();
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

  /* Escape leaves a field for good, so that keys are keys again; in a dialog it closes the dialog. */
  document.addEventListener("keydown", function (event) {
    if (event.key === "Escape" && event.target.matches("textarea, input") && !event.target.closest("dialog")) {
      focused = null;
      event.target.blur();
    }
  });

  new MutationObserver(schedule).observe(document.documentElement, {
    childList: true,
    subtree: true,
  });

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.parley = Object.assign(window.dash_clientside.parley || {}, {
    guess: guess,
    /* What was guessed when no answer has come. */
    forget: function () {
      guesses.clear();
      apply();
    },
    mark: function (marks) {
      pressed = new Set((marks && marks.pressed) || []);
      barred = new Set((marks && marks.barred) || []);
      states = (marks && marks.states) || {};
      /* While messages wait, these marks tell of the first of them only. Afterwards they are what
         the server says, also where it refused what was pressed. */
      if (window.dash_clientside.parley.isIdle()) {
        guesses.clear();
      }
      apply();
    },
  });
})();

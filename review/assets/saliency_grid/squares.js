/* What a reviewer of squares sees changes here alone: how strong the overlay is, and two switches.
   Both are kept on the document, so they last while one walks through the images. And how long an
   image was looked at is measured here, and goes with whatever is said about it. */
(function () {
  "use strict";

  const root = document.documentElement;
  const TIMED = new Set(["cell", "flag", "artefact", "confirm"]);
  /* Nobody looks at an image for longer without going away in between. */
  const LONGEST_LOOK = 300;
  const earlierLooks = new Map();
  let looked = null;
  /* When the look at it began; null while the tab is hidden. */
  let since = null;

  function secondsOf(item) {
    const now = since === null ? 0 : Math.min((performance.now() - since) / 1000, LONGEST_LOOK);
    return (earlierLooks.get(key(item)) || 0) + now;
  }

  function lookAway() {
    if (looked !== null) {
      earlierLooks.set(key(looked), secondsOf(looked));
    }
    since = null;
  }

  document.addEventListener("visibilitychange", function () {
    lookAway();
    if (!document.hidden) {
      since = performance.now();
    }
  });

  /* Another request may show the same image. */
  function key(item) {
    return `${window.location.pathname} ${item}`;
  }

  document.addEventListener("parley:acts", function (event) {
    for (const act of event.detail) {
      if (TIMED.has(act.kind) && act.item === looked) {
        act.seconds = Math.max(0.1, Math.round(secondsOf(looked) * 10) / 10);
      }
    }
  });

  function isOn(name) {
    return root.hasAttribute(`data-${name}`);
  }

  function show(button) {
    const pressed = isOn(button.getAttribute("data-switch")) ? "true" : "false";
    if (button.getAttribute("aria-pressed") !== pressed) {
      button.setAttribute("aria-pressed", pressed);
    }
  }

  function showAll() {
    document.querySelectorAll("[data-switch]").forEach(show);
  }

  document.addEventListener("click", function (event) {
    const button = event.target.closest("[data-switch]");
    if (button) {
      root.toggleAttribute(`data-${button.getAttribute("data-switch")}`);
      show(button);
    }
  });

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.parley = Object.assign(window.dash_clientside.parley || {}, {
    turned: function (view) {
      const item = (view && view.item) || null;
      if (item !== looked) {
        lookAway();
        looked = item;
        since = document.hidden ? null : performance.now();
      }
      return window.dash_clientside.no_update;
    },
    veil: function (percent) {
      root.style.setProperty("--veil", String((percent === null ? 60 : percent) / 100));
      /* The slider is new, and so are the switches beside it. */
      window.requestAnimationFrame(showAll);
      return window.dash_clientside.no_update;
    },
  });
})();

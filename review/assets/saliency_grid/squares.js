/* What a reviewer of squares sees changes here alone: how strong the overlay is, and two switches.
   Both are kept on the document, so they last while one walks through the images. */
(function () {
  "use strict";

  const root = document.documentElement;

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
    veil: function (percent) {
      root.style.setProperty("--veil", String((percent === null ? 60 : percent) / 100));
      /* The slider is new, and so are the switches beside it. */
      window.requestAnimationFrame(showAll);
      return window.dash_clientside.no_update;
    },
  });
})();

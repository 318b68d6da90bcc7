/* A tap on the drawing of a class graph is a look at what was tapped. */
(function () {
  "use strict";

  function tapped() {
    const found = window.dash_clientside.callback_context.triggered[0];
    return found ? found.value : null;
  }

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.parley = Object.assign(window.dash_clientside.parley || {}, {
    tapNode: function () {
      const data = tapped();
      if (data) {
        window.dash_clientside.parley.send({ kind: "look", slot: data.slot });
      }
      return window.dash_clientside.no_update;
    },
    tapEdge: function () {
      const data = tapped();
      if (data) {
        window.dash_clientside.parley.send({ kind: "look", src: data.src, dst: data.dst });
      }
      return window.dash_clientside.no_update;
    },
  });
})();

/* Sends what people do as one message to the server, whatever was clicked, left or tapped. */
(function () {
  "use strict";

  /* Dash drops the answer to a message when the next one is sent before it came. So messages wait in
     line: what is done meanwhile goes together, in order, when the answer is there. */
  const PATIENCE = 8000;
  let count = 0;
  let waiting = null;
  let line = [];

  function flush() {
    if (waiting || line.length === 0) {
      return;
    }
    count += 1;
    const message = { do: line.splice(0, 50), n: count };
    waiting = window.setTimeout(answered, PATIENCE);
    window.dash_clientside.set_props("action", { data: message });
  }

  function answered() {
    window.clearTimeout(waiting);
    waiting = null;
    flush();
    if (!waiting) {
      document.dispatchEvent(new CustomEvent("parley:idle"));
    }
  }

  function send(actions) {
    const acts = [].concat(actions);
    /* A panel's script may add to what is said, such as the time that it took. */
    document.dispatchEvent(new CustomEvent("parley:acts", { detail: acts }));
    line = line.concat(acts);
    flush();
  }

  function dialogOf(element, attribute) {
    return document.getElementById(element.getAttribute(attribute));
  }

  document.addEventListener("click", function (event) {
    const acting = event.target.closest("[data-action]");
    if (acting && !acting.disabled) {
      const isOther = event.shiftKey && acting.hasAttribute("data-shifted");
      if (acting.hasAttribute("data-turns")) {
        window.dash_clientside.parley.guess(acting, isOther);
      }
      send(JSON.parse(acting.getAttribute(isOther ? "data-shifted" : "data-action")));
      if (acting.matches(".entry, .link, .onward")) {
        window.scrollTo({ top: 0 });
      }
      return;
    }
    const opening = event.target.closest("[data-open]");
    if (opening && !opening.disabled) {
      dialogOf(opening, "data-open").showModal();
      return;
    }
    const closing = event.target.closest("[data-close]");
    if (closing) {
      dialogOf(closing, "data-close").close();
    }
  });

  /* "change" comes when a field is left, so one remark is one step to undo. */
  document.addEventListener("change", function (event) {
    const field = event.target.closest("[data-field]");
    if (field) {
      const action = JSON.parse(field.getAttribute("data-field"));
      action.text = field.value;
      send(action);
    }
  });

  /* An answer that was handed in closes its dialog; a refusal leaves it open. */
  new MutationObserver(function () {
    if (document.querySelector("#notice .note.sent")) {
      const dialog = document.getElementById("answer-dialog");
      if (dialog && dialog.open) {
        dialog.close();
      }
    }
  }).observe(document.documentElement, { childList: true, subtree: true });

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.parley = Object.assign(window.dash_clientside.parley || {}, {
    /* For the scripts of panels, whose drawings send messages too. */
    send: send,
    isIdle: function () {
      return !waiting;
    },
    answered: function (number) {
      if (number === count) {
        answered();
      }
      return window.dash_clientside.no_update;
    },
  });
})();

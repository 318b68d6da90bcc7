/* Sends what people do as one message to the server, whatever was clicked, left or tapped. */
(function () {
  "use strict";

  /* Dash drops the answer to a message when the next one is sent before it came. So messages wait in
     line: what is done meanwhile goes together, in order, when the answer is there. A message that is
     not answered in time is sent again, each time after twice as long. */
  const PATIENCE = 8000;
  const LONGEST = 60000;
  let patience = PATIENCE;
  let underway = [];
  let count = 0;
  let settled = 0;
  let waiting = null;
  let line = [];
  /* Whether the page is to be drawn although nothing was done. */
  let isDue = false;
  /* Whether a page was just opened, of which nothing is drawn yet. */
  let isFresh = true;
  let opened = null;
  let known = null;
  let again = null;

  function flush() {
    if (waiting || (line.length === 0 && !isDue)) {
      return;
    }
    count += 1;
    isDue = false;
    const drawn = isFresh ? {} : window.dash_clientside.parley.drawn();
    underway = line.splice(0, 50);
    const message = { do: underway, n: count, drawn: drawn };
    waiting = window.setTimeout(lost, patience);
    window.dash_clientside.set_props("action", { data: message });
  }

  function settle() {
    window.clearTimeout(waiting);
    waiting = null;
    underway = [];
  }

  function answered() {
    patience = PATIENCE;
    settle();
    flush();
  }

  function lost() {
    /* The draft is kept here and has not changed, so what is done to it again is done once. An answer
       may have been handed in: the page looks whether it was, and nobody hands it in twice unasked. */
    line = underway.filter((act) => act.kind !== "send").concat(line);
    if (line.length === 0) {
      window.dash_clientside.parley.forget();
    }
    patience = Math.min(2 * patience, LONGEST);
    settle();
    isDue = true;
    flush();
  }

  function look() {
    /* Whoever has left the page of a request looks at nothing that could change. */
    if (document.getElementById("bar")) {
      isDue = true;
      flush();
    }
  }

  function draw(screen) {
    window.dash_clientside.parley.draw(screen.parts);
    isFresh = false;
    settled = screen.n;
    window.clearTimeout(again);
    if (screen.again) {
      again = window.setTimeout(look, 1000 * screen.again);
    }
    answered();
    if (screen.marks) {
      window.dash_clientside.parley.mark(screen.marks);
    }
    /* An answer that was handed in closes its dialog; a refusal leaves it open. */
    if (screen.parts["page-notice"] && document.querySelector("#notice .note.sent")) {
      document.getElementById("answer-dialog").close();
    }
  }

  /* Dash tells that the answer is there, or that a draft was read from where the browser keeps it. */
  function heard(screen, drafts, since) {
    if (drafts.length === 0) {
      return;
    }
    const draft = JSON.stringify(drafts[0]);
    /* One that comes late is still the last one. */
    const isAnswer = screen && screen.n === count && screen.n !== settled;
    const isNews = draft !== known;
    known = draft;
    if (since !== opened) {
      window.clearTimeout(again);
      settle();
      patience = PATIENCE;
      line = [];
      opened = since;
      isFresh = true;
    } else if (isAnswer) {
      draw(screen);
      return;
    } else if (!isNews) {
      return;
    }
    isDue = true;
    flush();
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

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.parley = Object.assign(window.dash_clientside.parley || {}, {
    /* For the scripts of panels, whose drawings send messages too. */
    send: send,
    isIdle: function () {
      return !waiting;
    },
    heard: function (screen, drafts, since) {
      heard(screen, drafts, since);
      return window.dash_clientside.no_update;
    },
  });
})();

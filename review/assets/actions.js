/* Sends what people do as one message to the server, whatever was clicked, left or tapped. */
(function () {
  "use strict";

  /* Dash drops the answer to a message when the next one is sent before it came. So messages wait in
     line: what is done meanwhile goes together, in order, when the answer is there. A message that is
     not answered in time is sent again, after twice as long each time, and at last given up. */
  const PATIENCE = 8000;
  const TRIES = 4;
  let tries = 0;
  let underway = [];
  /* The page that the message under way was sent from. */
  let origin = null;
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
    const message = { do: line.splice(0, 50), n: count, drawn: drawn };
    if (tries > 0) {
      /* Dash may have kept the first message's answer just now, before it told. */
      message.draft = known;
    }
    underway = message.do;
    origin = window.location.pathname;
    waiting = window.setTimeout(lost, PATIENCE * 2 ** tries);
    window.dash_clientside.set_props("action", { data: message });
  }

  function settle() {
    window.clearTimeout(waiting);
    waiting = null;
    underway = [];
  }

  function answered() {
    tries = 0;
    settle();
    flush();
  }

  function lost() {
    tries += 1;
    const isGivenUp = tries > TRIES;
    const isLeft = window.location.pathname !== origin;
    if (isLeft) {
      /* What was done on a page that is left must not be done to another one's draft. */
      line = [];
    } else if (!isGivenUp && underway.some((act) => act.kind === "send")) {
      /* Nothing overtakes an answer that is being handed in, and nobody hands it in twice unasked. */
      waiting = window.setTimeout(lost, PATIENCE * 2 ** tries);
      return;
    } else if (!isGivenUp) {
      /* The draft is kept here and has not changed, so what is done to it again is done once. */
      line = underway.concat(line);
    }
    if (line.length === 0) {
      window.dash_clientside.parley.forget();
    }
    settle();
    if (isGivenUp) {
      tries = 0;
    }
    isDue = !isLeft;
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
    /* It is done, whatever becomes of drawing it. */
    underway = [];
    settled = screen.n;
    window.dash_clientside.parley.draw(screen.parts);
    for (const [id, props] of screen.followers || []) {
      window.dash_clientside.set_props(id, props);
    }
    isFresh = false;
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
      tries = 0;
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

/* Writes the answer of a page that stands alone from its choices, and hands it over as a file. */
(function () {
  "use strict";

  const LONGEST = 4000;
  const form = document.querySelector("#p-form");
  const frame = JSON.parse(form.dataset.answer);
  const items = new Map();
  for (const one of document.querySelectorAll("[data-told]")) {
    items.set(one.dataset.item, { told: one.dataset.told, response: JSON.parse(one.dataset.answer) });
  }
  let isSaved = true;

  /* How long each item was in the middle of the window, seconds; a policy may ask for it. */
  const seconds = new Map();
  let spent = 0;
  window.setInterval(function () {
    if (document.hidden) {
      return;
    }
    spent += 1;
    const middle = window.innerHeight / 2;
    for (const one of document.querySelectorAll("[data-told]")) {
      const place = one.getBoundingClientRect();
      if (place.top <= middle && place.bottom > middle) {
        seconds.set(one.dataset.item, (seconds.get(one.dataset.item) || 0) + 1);
      }
    }
  }, 1000);

  function chosen(one) {
    if (one.dataset.turns) {
      const turn = Number(one.dataset.turn);
      return turn > 0 ? JSON.parse(one.dataset.turns)[turn - 1] : null;
    }
    if (one.type === "checkbox" && !one.checked) {
      return null;
    }
    return one.value ? reasoned(JSON.parse(one.value), one.nextElementSibling) : null;
  }

  function reasoned(value, why) {
    if (why && why.dataset.why && why.value.trim()) {
      value[why.dataset.why] = why.value.trim();
    }
    return value;
  }

  function partsOf(item) {
    return [...document.querySelectorAll("[data-item]")].filter((one) => one.dataset.item === item);
  }

  /* While a whole response is taken, the other parts of its item are switched off. */
  function hold(box) {
    for (const one of partsOf(box.dataset.item)) {
      const why = one.nextElementSibling;
      for (const part of [one, why && why.dataset.why ? why : null]) {
        if (part && part !== box && "disabled" in part) {
          part.disabled = box.checked;
        }
      }
    }
  }

  /* What is said about one item: its response, or null where nothing is said but perhaps a remark. */
  function said(item) {
    const taken = partsOf(item).find((one) => one.dataset.whole && one.checked);
    if (taken) {
      return { response: JSON.parse(taken.value), remark: "", clash: "" };
    }
    const response = structuredClone(items.get(item).response);
    let speaks = false;
    let remark = "";
    for (const one of partsOf(item)) {
      if (one.dataset.remark) {
        remark = one.value.trim();
      } else if (one.dataset.says) {
        speaks = speaks || one.checked;
      } else if (one.dataset.set && chosen(one) !== null) {
        response[one.dataset.set] = chosen(one);
        bring(response, one);
        speaks = true;
      } else if (one.dataset.into && chosen(one) !== null) {
        response[one.dataset.into].push(chosen(one));
        bring(response, one);
        speaks = true;
      }
    }
    response.comment = remark;
    return { response: speaks ? response : null, remark: remark, clash: clashIn(item, response) };
  }

  /* What goes with a choice is added once, ticked beside it or not. */
  function bring(response, one) {
    const [list, value] = one.dataset.beside ? JSON.parse(one.dataset.beside) : [];
    if (list && !response[list].includes(value)) {
      response[list].push(value);
    }
  }

  /* A box that stands alone, and does not. */
  function clashIn(item, response) {
    const found = partsOf(item).find(
      (one) =>
        one.dataset.alone &&
        one.checked &&
        JSON.parse(one.dataset.alone).some((list) =>
          response[list].some((value) => JSON.stringify(value) !== one.value),
        ),
    );
    return found ? found.dataset.name : "";
  }

  function nonce() {
    const bytes = crypto.getRandomValues(new Uint8Array(12));
    return "offline-" + Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  function answer() {
    const verdict = form.elements.verdict.value;
    const responses = [];
    const comments = [form.elements.comment.value.trim()];
    for (const [item, about] of items) {
      const found = said(item);
      if (found.response && verdict !== "reject") {
        responses.push(found.response);
      } else if (found.remark) {
        comments.push(about.told + ": " + found.remark);
      }
    }
    const times = { seconds_spent: spent };
    if (seconds.size > 0) {
      times.seconds_by_item = Object.fromEntries(seconds);
    }
    return {
      ...frame,
      ...times,
      reviewer: form.elements.reviewer.value.trim(),
      nonce: nonce(),
      verdict: verdict,
      responses: responses,
      comment: comments.filter(Boolean).join("\n"),
      created_at: new Date().toISOString(),
    };
  }

  /* What the gate would refuse, as far as it can be told here; the command line tells the rest. */
  function trouble(written) {
    if (!/^[A-Za-z0-9][A-Za-z0-9_.@-]{0,79}$/.test(written.reviewer)) {
      return "Write your name as it is enrolled: letters, digits, '_', '.', '@' and '-'.";
    }
    if (!written.verdict) {
      return "Choose a verdict.";
    }
    /* Characters, not halves of them. */
    const over = [...written.comment].length - LONGEST;
    if (over > 0) {
      return (
        "The comment, with the remarks that go into it, is too long: " + (LONGEST + over) +
        " characters, " + over + " too many. Shorten them."
      );
    }
    if (written.verdict === "reject" && !written.comment) {
      return "Say in the comment what is wrong.";
    }
    if (written.verdict === "request_changes" && !written.comment && !written.responses.length) {
      return "Say in the comment, or by edits, what to change.";
    }
    for (const [item, about] of items) {
      const clash = written.verdict === "reject" ? "" : said(item).clash;
      if (clash) {
        return about.told + ": '" + clash + "' stands alone; take back what else is marked there.";
      }
    }
    return "";
  }

  function tell(text) {
    document.querySelector("#p-told").textContent = text;
  }

  document.addEventListener("click", function (event) {
    const one = event.target.closest("[data-turns]");
    if (one) {
      const turn = (Number(one.dataset.turn) + 1) % (JSON.parse(one.dataset.turns).length + 1);
      one.dataset.turn = String(turn);
      one.setAttribute("aria-pressed", turn > 0 ? "true" : "false");
      isSaved = false;
    }
  });
  document.addEventListener("input", function (event) {
    isSaved = false;
    if (event.target.dataset.whole) {
      hold(event.target);
    }
  });
  /* Also when the browser brings a page back as it was left. */
  window.addEventListener("pageshow", function () {
    document.querySelectorAll("[data-whole]").forEach(hold);
  });
  window.addEventListener("beforeunload", function (event) {
    if (!isSaved) {
      event.preventDefault();
    }
  });
  form.addEventListener("submit", function (event) {
    event.preventDefault();
  });
  document.querySelector("#p-save").addEventListener("click", function () {
    const written = answer();
    const wrong = trouble(written);
    if (wrong) {
      tell(wrong);
      return;
    }
    const link = document.createElement("a");
    const text = JSON.stringify(written, null, 2) + "\n";
    link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    link.download = "answer.json";
    link.click();
    window.setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    isSaved = true;
    const count = written.responses.length;
    tell("answer.json is written, with " + count + (count === 1 ? " response." : " responses."));
  });
  form.hidden = false;
})();

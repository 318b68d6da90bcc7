/* Fills the places of the page (data-place) from descriptions, see review/describing.py.

   An element is described as [tag, properties, children], a text as itself. What stands there is
   compared with what is to stand there, and only what differs is touched: a field keeps what is
   being written in it, a folded part stays open, a picture is not loaded again. */
(function () {
  "use strict";

  const NAMES = { className: "class", htmlFor: "for" };
  /* What each place shows: its digest, and the description that its elements were made from. */
  const shown = new WeakMap();

  function keyOf(one) {
    const props = one[1];
    return props.key || props.id || props["data-mark"] || "";
  }

  function isText(one) {
    return typeof one === "string";
  }

  function isSame(before, after) {
    return isText(before) || isText(after)
      ? isText(before) && isText(after)
      : before[0] === after[0] && keyOf(before) === keyOf(after);
  }

  function setStyle(element, before, after) {
    for (const name of Object.keys({ ...before, ...after })) {
      const value = name in after ? String(after[name]) : "";
      if (name.startsWith("--")) {
        element.style.setProperty(name, value);
      } else {
        element.style[name] = value;
      }
    }
  }

  function setProp(element, name, value, before) {
    if (name === "style") {
      setStyle(element, before || {}, value || {});
    } else if (name === "key" || name.toLowerCase().startsWith("on")) {
      return;
    } else if (value === undefined) {
      element.removeAttribute(NAMES[name] || name);
    } else {
      element.setAttribute(NAMES[name] || name, value === true ? "" : String(value));
    }
  }

  function make(one) {
    if (isText(one)) {
      return document.createTextNode(one);
    }
    const element = document.createElement(one[0]);
    for (const [name, value] of Object.entries(one[1])) {
      setProp(element, name, value);
    }
    element.append(...one[2].map(make));
    return element;
  }

  function mend(node, before, after) {
    if (isText(after)) {
      if (before !== after) {
        node.data = after;
      }
      return;
    }
    for (const name of Object.keys({ ...before[1], ...after[1] })) {
      if (JSON.stringify(before[1][name]) !== JSON.stringify(after[1][name])) {
        setProp(node, name, after[1][name], before[1][name]);
      }
    }
    mendChildren(node, before[2], after[2]);
  }

  function mendChildren(element, before, after) {
    const nodes = Array.from(element.childNodes);
    nodes.slice(after.length).forEach((node) => node.remove());
    after.forEach(function (one, index) {
      if (index >= before.length) {
        element.append(make(one));
      } else if (isSame(before[index], one)) {
        mend(nodes[index], before[index], one);
      } else {
        nodes[index].replaceWith(make(one));
      }
    });
  }

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.parley = Object.assign(window.dash_clientside.parley || {}, {
    /* What every place shows, by which the server tells what has changed. */
    drawn: function () {
      const digests = {};
      for (const place of document.querySelectorAll("[data-place]")) {
        const known = shown.get(place);
        if (known) {
          digests[place.getAttribute("data-place")] = known.digest;
        }
      }
      return digests;
    },
    draw: function (parts) {
      for (const place of document.querySelectorAll("[data-place]")) {
        const part = parts[place.getAttribute("data-place")];
        if (part) {
          const before = shown.get(place) || { described: [] };
          /* Without a description it is Dash that draws there. */
          const described = part[1] === null ? [] : JSON.parse(part[1]);
          if (part[1] !== null) {
            mendChildren(place, before.described, described);
          }
          shown.set(place, { digest: part[0], described: described });
        }
      }
      /* What cannot be pressed any more cannot hold the focus; marks.js says where it goes. */
      if (document.activeElement && document.activeElement.disabled) {
        document.activeElement.blur();
      }
    },
  });
})();

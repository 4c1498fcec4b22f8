// The viewer on a page of its own, /w/{workspace}, and inside a frame, /embed/{workspace}.
//
// The token comes in the address's fragment, which browsers send to nobody, is taken out of the
// address at once, and lives as long as the tab. Without one, an operator who is signed in at the
// console gets one for themselves.

import "/viewer.js";

const place = document.querySelector("main");
const { workspace, event, frame, origins } = place.dataset;
const kept = `proofbook:token:${workspace}`;

/** Takes a token out of the address; tells whether there was one. */
function arrived() {
  const fragment = new URLSearchParams(location.hash.slice(1));
  if (!fragment.has("token")) return false;
  sessionStorage.setItem(kept, fragment.get("token"));
  history.replaceState(history.state, "", location.pathname + location.search);
  return true;
}

arrived();
// A link with another token, opened in the same tab, is another reader: nothing of the last one stays.
addEventListener("hashchange", () => arrived() && location.reload());

// Whoever comes by a link from an e-mail, without a session, may have another one mailed to the owner.
const ask = document.getElementById("ask");
if (ask) ask.action = location.pathname;

let asked = false;

/** Answers the token; when it is asked again, the one before has ended. */
async function token() {
  const known = sessionStorage.getItem(kept);
  if (known && !asked) {
    asked = true;
    return known;
  }
  asked = true;
  sessionStorage.removeItem(kept);
  if (frame) return null;
  const answer = await fetch("/console/token", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ workspace }),
  }).catch(() => null);
  if (answer?.ok) return (await answer.json()).token;
  if (ask) ask.hidden = false;
  return null;
}

const log = document.createElement("audit-log");
log.setAttribute("workspace", workspace);
log.setAttribute("sync-url", frame ? "none" : "query");
log.setAttribute("keys", frame ? "element" : "page");
const asks = new URLSearchParams(location.search);
for (const name of ["lang", "theme"]) {
  if (asks.has(name)) log.setAttribute(name, asks.get(name));
}
if (event) {
  const address = new URL(location.href);
  address.pathname = `/w/${workspace}`;
  address.searchParams.set("e", event);
  history.replaceState(history.state, "", address);
}
log.getToken = token;
place.append(log);

if (!frame) {
  // The element names itself after the product's page; so does ours.
  const named = new MutationObserver(() => {
    const title = log.getAttribute("aria-label");
    if (!title) return;
    named.disconnect();
    document.title = `${title} · ${workspace}`;
    const heading = document.createElement("h1");
    heading.textContent = title;
    place.prepend(heading);
  });
  named.observe(log, { attributes: true, attributeFilter: ["aria-label"] });
}

if (frame) {
  // The frame grows with what is in it; only the sites that may frame it are told.
  const tell = () => {
    const height = Math.ceil(place.getBoundingClientRect().height);
    for (const origin of origins.split(" ").filter(Boolean)) {
      parent.postMessage({ type: "audit-log:height", height }, origin);
    }
  };
  new ResizeObserver(tell).observe(place);
}

// Building elements: text goes in as text nodes and attributes, never as markup.

/** Makes an element; `on…` properties listen, others are attributes, children are nodes or texts. */
export function el(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "value") made.value = value;
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

/** Makes an input. */
export const text = (name, value = "", more = {}) => el("input", { name, value: value ?? "", ...more });

/** Makes a drop-down; `options` are pairs of value and label. */
export function choice(name, options, chosen) {
  return el("select", { name }, options.map(([value, label]) => el("option", { value, selected: value === (chosen ?? "") }, label)));
}

/** Says how long events are kept, such as "90 days". */
export function kept(keep, t) {
  if (keep === "unlimited") return t("unlimited");
  return t(keep.endsWith("y") ? "years" : "days", { n: Number.parseInt(keep, 10) });
}

/** Shows secrets that were just made, this once: the next look has them no more. */
export function secrets(chosen, label, t) {
  const made = el("div", { role: "status" });
  const list = chosen.secrets ?? [];
  chosen.secrets = null;
  for (const secret of list) {
    const copy = el("button", { type: "button", onclick: async () => {
      await navigator.clipboard?.writeText(secret);
      copy.replaceChildren(t("copied"));
    } }, t("copy"));
    made.append(el("p", {}, label), el("p", { class: "secret" }, el("code", {}, secret), " ", copy));
  }
  return made;
}

let count = 0;

/** Makes a labelled field. `control` is an input, select or textarea. */
export function field(label, control, hint) {
  count += 1;
  control.id ||= `field-${count}`;
  const parts = [el("label", { for: control.id }, label), control];
  if (hint) {
    parts.push(el("small", { id: `${control.id}-hint` }, hint));
    control.setAttribute("aria-describedby", `${control.id}-hint`);
  }
  return el("p", { class: "field" }, parts);
}

/** Makes a table; `rows` are arrays of texts and nodes. */
export function table(caption, heads, rows) {
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    el("table", {},
      el("caption", {}, caption),
      el("thead", {}, el("tr", {}, heads.map((head) => el("th", { scope: "col" }, head)))),
      el("tbody", {}, rows.map((cells) => row(heads, cells)))));
}

/** Makes a row; on a narrow page each cell stands under its heading. */
export function row(heads, [first, ...rest]) {
  return el("tr", {}, el("th", { scope: "row" }, first),
    rest.map((cell, at) => el("td", { "data-head": typeof heads[at + 1] === "string" && heads[at + 1] }, cell)));
}

/** Makes a form that calls `send` with its fields and keeps what went wrong beside its button. */
export function form(button, send, ...children) {
  const said = el("p", { class: "said", role: "status" });
  const made = el("form", {}, children, el("p", { class: "buttons" }, el("button", {}, button)), said);
  made.addEventListener("submit", async (event) => {
    event.preventDefault();
    said.replaceChildren();
    made.setAttribute("aria-busy", "true");
    try {
      const word = await send(new FormData(made), made);
      if (word) said.replaceChildren(word);
    } catch (problem) {
      said.replaceChildren(trouble(problem));
    }
    made.removeAttribute("aria-busy");
  });
  return made;
}

/** Says what went wrong, with every fault that the server named. */
export function trouble(problem) {
  const faults = (problem.errors ?? []).map((fault) => fault.detail).filter((text) => text !== problem.message);
  return el("span", { class: "trouble" }, problem.message, faults.length ? el("ul", {}, faults.map((text) => el("li", {}, text))) : null);
}

/** Makes a heading that is read out and not seen. */
export const unseen = (text) => el("span", { class: "unseen" }, text);

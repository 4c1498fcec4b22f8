// Templates: markup with holes, painted once and afterwards only where a hole's value has changed.
//
// A hole stands for an element's content (a text, another template, or a list of these) or for an
// attribute: `name=` sets it, `?name=` switches it, `.name=` sets a property, `@name=` listens. Values
// become text nodes and attribute values, never markup. This is lit-html's notation in a quarter of
// its size; what the viewer does not use (keys, directives, mathml) is not there.

const HOLE = "$hole$";
const policy = globalThis.trustedTypes?.createPolicy("audit-log", { createHTML: (text) => text });
const compiled = new WeakMap();

export const html = (strings, ...values) => ({ strings, values });
export const svg = (strings, ...values) => ({ strings, values, isSvg: true });

/** Paints a template into a root, in place of what was painted there before. */
export function render(result, root) {
  root.painted ??= new Content(root.appendChild(new Text()), root.appendChild(new Text()));
  root.painted.set(result);
}

/** Parses a template's markup once and notes where its holes are. */
function compile({ strings, isSvg }) {
  const known = compiled.get(strings);
  if (known) return known;
  // A hole is in a tag when a bracket is open before it.
  const text = strings.reduce((before, string) =>
    before + (before.lastIndexOf("<") > before.lastIndexOf(">") ? HOLE : `<!--${HOLE}-->`) + string);
  const markup = isSvg ? `<svg>${text}</svg>` : text;
  const template = document.createElement("template");
  template.innerHTML = policy ? policy.createHTML(markup) : markup;
  const holes = [];
  nodes(template.content).forEach((node, at) => {
    if (node.data === HOLE) holes.push({ at });
    for (const { name, value } of [...(node.attributes ?? [])]) {
      if (!value.includes(HOLE)) continue;
      holes.push({ at, name, parts: value.split(HOLE) });
      node.removeAttribute(name);
    }
  });
  const made = { content: template.content, holes, isSvg };
  compiled.set(strings, made);
  return made;
}

function nodes(root) {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_COMMENT);
  const found = [];
  while (walker.nextNode()) found.push(walker.currentNode);
  return found;
}

/** A template in the page. */
class Painted {
  constructor(result) {
    const { content, holes, isSvg } = compile(result);
    this.strings = result.strings;
    const copy = document.importNode(content, true);
    const all = nodes(copy);
    this.parts = holes.map(({ at, name, parts }) =>
      parts ? new Attribute(all[at], name, parts) : new Content(all[at], all[at].parentNode.insertBefore(new Text(), all[at].nextSibling)));
    this.set(result.values);
    this.nodes = isSvg ? copy.firstChild.childNodes : [copy];
  }

  set(values) {
    let at = 0;
    for (const part of this.parts) {
      const count = part.parts ? part.parts.length - 1 : 1;
      part.set(...values.slice(at, at + count));
      at += count;
    }
  }
}

/** A hole in a tag. */
class Attribute {
  constructor(node, name, parts) {
    Object.assign(this, { node, parts, kind: name[0], name: /\w/.test(name[0]) ? name : name.slice(1) });
    if (this.kind === "@") node.addEventListener(this.name, this);
  }

  handleEvent(event) {
    this.value(event);
  }

  set(...values) {
    const { node, name, kind, parts } = this;
    const value = ".?@".includes(kind) ? values[0] : parts.reduce((text, part, at) => text + (values[at - 1] ?? "") + part);
    if (value === this.value) return;
    this.value = value;
    if (kind === ".") node[name] = value;
    else if (kind === "?") node.toggleAttribute(name, Boolean(value));
    else if (kind !== "@") node.setAttribute(name, value);
  }
}

/** A hole between tags: what lies between two nodes that mark its ends. */
class Content {
  constructor(start, end) {
    Object.assign(this, { start, end });
  }

  set(value) {
    if (value?.strings) {
      if (this.painted?.strings === value.strings) return this.painted.set(value.values);
      this.clear();
      this.painted = new Painted(value);
      this.end.before(...this.painted.nodes);
    } else if (Array.isArray(value)) {
      if (!this.items) this.clear();
      this.items ??= [];
      for (const gone of this.items.splice(value.length)) gone.remove();
      value.forEach((one, at) => {
        if (!this.items[at]) {
          this.items[at] = new Content(new Text(), new Text());
          this.end.before(this.items[at].start, this.items[at].end);
        }
        this.items[at].set(one);
      });
    } else {
      const text = value === false ? "" : String(value ?? "");
      if (this.text === text) return;
      this.clear();
      this.text = text;
      if (text) this.end.before(text);
    }
  }

  clear() {
    while (this.start.nextSibling !== this.end) this.start.nextSibling.remove();
    this.painted = this.items = this.text = undefined;
  }

  remove() {
    this.clear();
    this.start.remove();
    this.end.remove();
  }
}

// The keys: one table that both acts and is shown by "?".

/** Each key: the names under which a browser reports it, its text's name, and what it does. */
export const KEYS = [
  { keys: ["j", "ArrowDown"], name: "next", run: (page) => page.move(1) },
  { keys: ["k", "ArrowUp"], name: "previous", run: (page) => page.move(-1) },
  { keys: ["Enter"], name: "open", native: true },
  { keys: ["Escape"], name: "close", run: (page) => page.model.leave() },
  { keys: ["/"], name: "search", run: (page) => page.focusSearch() },
  { keys: ["m"], name: "more", run: ({ model }) => model.keep("more", !model.more) },
  { keys: ["f"], name: "same", run: (page) => page.filterBy("action") },
  { keys: ["x"], name: "exclude", run: (page) => page.filterBy("action", true) },
  { keys: ["u"], name: "user", run: (page) => page.filterBy("actor") },
  { keys: ["t"], name: "time", run: ({ model }) => model.show({ kind: "time" }) },
  { keys: ["["], name: "earlier", run: ({ model }) => model.shiftRange(-1) },
  { keys: ["]"], name: "later", run: ({ model }) => model.shiftRange(1) },
  { keys: ["o"], name: "order", run: ({ model }) => model.flip() },
  { keys: ["n"], name: "next_page", run: ({ model }) => model.turn(1) },
  { keys: ["p"], name: "previous_page", run: ({ model }) => model.turn(-1) },
  { keys: ["l"], name: "live", run: ({ model }) => model.setLive(!model.live) },
  { keys: ["c"], name: "copy", run: (page) => page.copyLink() },
  { keys: ["e"], name: "export", run: ({ model }) => model.show({ kind: "export" }) },
  { keys: ["v"], name: "columns", run: ({ model }) => model.show({ kind: "columns" }) },
  { keys: ["?"], name: "sheet", run: ({ model }) => model.show({ kind: "keys" }) },
];

/** Does what a key stands for; typing in a field and other programs' shortcuts are left alone. */
export function keyPressed(event, page) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || page.model.dialog) return;
  const at = event.composedPath()[0];
  const types = at.matches?.("input,textarea,select,[contenteditable]");
  if (types && event.key !== "Escape") return;
  const key = KEYS.find((one) => one.keys.includes(event.key));
  if (!key || key.native || (page.model.store.get("keys") === "no" && event.key.length === 1)) return;
  if (at.closest?.("svg") && event.key.startsWith("Arrow")) return;
  // The page scrolls with the arrows until a row has the focus.
  if (event.key.startsWith("Arrow") && !at.closest?.("tr,aside")) return;
  if (key.run(page) !== false) event.preventDefault();
}

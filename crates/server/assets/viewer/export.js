// Exports: the server's own files. CSV "as shown" asks for the columns on the page, in their order,
// in the product's words and the reader's zone; a column made of several values becomes several.

/** The formats, by the names of their texts; `shown` has the page's columns and zone. */
export const FORMATS = {
  csv: { shown: true, format: "csv" },
  csv_all: { format: "csv" },
  ndjson: { format: "ndjson" },
  parquet: { format: "parquet" },
};

/** What the server calls the values of a column, where the rule below does not say it. */
const NAMED = {
  actor: "actor_name,actor_email",
  outcome: "outcome,outcome_reason",
  on_behalf_of: "on_behalf_of_name",
  target: "target_type,target_id,target_name",
  workspace_target: "target_id,target_name",
  performed_by: "actor_name,occurred_at,ip",
  what_changed: "module,target_name",
  see_changes: "before,after",
  via: "channel",
  request: "request_id",
  session: "session_id",
  changed: "changes",
};

/** Names the columns shown as the server does. */
export function exported(columns) {
  const names = columns.map(({ field }) => NAMED[field] ?? field.replace(/^(context|changes)\./, "").replace(".", "_"));
  return [...new Set(names.join().split(","))].join();
}

/** Keeps of columns or fields those whose values are not hidden from the reader. */
export function visible(names, { boot }) {
  return names.filter((field) => boot.export.columns.includes(exported([{ field }]).split(",")[0]));
}

/** Downloads what is shown; answers how many bytes came. */
export async function download(name, model) {
  const { format, shown } = FORMATS[name];
  const ask = { ...model.which, sort: model.sort, format };
  if (shown) Object.assign(ask, { columns: exported(model.columns), headings: "product", lang: model.locale });
  const answer = await model.api.ask(model.api.url("export", ask));
  const blob = await answer.blob();
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${model.boot.workspace}-audit-log.${format}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  return blob.size;
}

// Exports. CSV "as shown" is written here from the complete events, with the columns, the words and
// the zone on the page; the other formats are the server's own files.

import { column, heading } from "./columns.js";

/** The formats, by the names of their texts; `shown` has the page's columns and zone. */
export const FORMATS = {
  csv: { shown: true, format: "ndjson", extension: "csv", type: "text/csv" },
  csv_all: { format: "csv", extension: "csv", type: "text/csv" },
  ndjson: { format: "ndjson", extension: "ndjson", type: "application/x-ndjson" },
  parquet: { format: "parquet", extension: "parquet", type: "application/vnd.apache.parquet" },
};

/** Downloads exactly what is shown; answers how many bytes came. */
export async function download(name, model) {
  const kind = FORMATS[name];
  const answer = await model.api.ask(model.api.url("export", { ...model.which, sort: model.sort, format: kind.format }));
  const blob = kind.shown ? await asShown(answer, model) : await answer.blob();
  save(blob, `${model.boot.workspace}-audit-log.${kind.extension}`);
  return blob.size;
}

async function asShown(answer, model) {
  const columns = model.columns.map((one) => ({ ...column(one.field), name: heading(one, model) }));
  // A byte order mark makes spreadsheets read the file as UTF-8.
  const parts = ["\ufeff", csvRow(columns.map((one) => (one.cls === "time" ? `${one.name} (${model.clock.zone})` : one.name)))];
  for await (const line of lines(answer.body)) {
    const event = JSON.parse(line);
    parts.push(csvRow(columns.map((one) => one.text(event, model))));
  }
  return new Blob(parts, { type: "text/csv" });
}

async function* lines(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    const parts = (rest + (value ?? "")).split("\n");
    rest = done ? "" : parts.pop();
    yield* parts.filter(Boolean);
    if (done) return;
  }
}

// What a spreadsheet would run as a formula, also behind what it trims (CWE-1236).
const FORMULA = /^([\t\r\n]|[\s\p{C}]*[=+\-@＝＋－＠﹦﹢﹣﹫−|%])/u;

/** Writes a row of RFC 4180. */
export function csvRow(cells) {
  const quoted = cells.map((cell) => {
    const text = String(cell ?? "");
    return text ? `"${(FORMULA.test(text) ? `'${text}` : text).replace(/"/g, '""')}"` : "";
  });
  return `${quoted.join(",")}\r\n`;
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

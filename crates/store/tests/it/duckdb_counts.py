#!/usr/bin/env python3
"""Opens a data directory's segments in DuckDB and prints what it finds, as one JSON object.

    python3 duckdb_counts.py DIR SNAPSHOT.MD

Knows `segments.json` and Parquet, and no code of Proofbook's. Also runs the example of the page
`docs/spec/snapshot.md` as it stands there. Exit code 1 when a file is not the one that
`segments.json` names.
"""

import hashlib
import json
import os
import pathlib
import sys

import duckdb


def live_files(directory):
    """Returns the live segments' paths, each checked against its length, hash and count of rows."""
    listed = json.loads((directory / "segments.json").read_text("utf-8"))
    if listed["version"] != 1:
        raise SystemExit(f"segments.json has version {listed['version']}")
    paths = []
    for segment in listed["segments"]:
        path = directory / segment["file"]
        content = path.read_bytes()
        rows = duckdb.execute("SELECT count(*) FROM read_parquet(?)", [str(path)]).fetchone()[0]
        found = (len(content), hashlib.sha256(content).hexdigest(), rows)
        if found != (segment["bytes"], segment["sha256"], segment["rows"]):
            raise SystemExit(f"{path} is {found}, segments.json says {segment}")
        paths.append(str(path))
    return paths


def example(page):
    """Runs the page's SQL in the current directory, as a reader of the page would."""
    block = page.read_text("utf-8").split("```sql\n")[1].split("```")[0]
    return [list(row) for row in duckdb.execute(block).fetchall()]


def main():
    directory, page = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]).resolve()
    os.chdir(directory)
    paths = live_files(pathlib.Path("."))

    def rows(query):
        return [list(row) for row in duckdb.execute(query, [paths]).fetchall()]

    found = {
        "files": len(paths),
        "example": example(page),
        "counts": rows(
            "SELECT workspace, count(*), max(seq), count(DISTINCT seq), count(DISTINCT workspace_uid) "
            "FROM read_parquet(?) GROUP BY workspace ORDER BY workspace"
        ),
        # As DuckDB names the types, and as the file declares them.
        "types": [row[:2] for row in rows("DESCRIBE SELECT * FROM read_parquet(?)")],
        "declared": rows(
            "SELECT DISTINCT name, type, repetition_type, logical_type FROM parquet_schema(?) "
            "WHERE num_children IS NULL ORDER BY name"
        ),
        "actors": rows(
            "SELECT json_extract_string(actor, '$.actor.name') AS name, count(*) "
            "FROM read_parquet(?) GROUP BY name ORDER BY name"
        ),
        "events": rows(
            "SELECT workspace, seq, json_extract_string(id, '$'), action, outcome, "
            "epoch_us(occurred_at), json_type(context), json_extract(metadata, '$.metadata.n')::INT "
            "FROM read_parquet(?) ORDER BY workspace, seq"
        ),
        # Nothing was recorded before the first or after the last moment of the test's clock.
        "recorded": rows(
            "SELECT epoch_us(min(recorded_at)), epoch_us(max(recorded_at)) FROM read_parquet(?)"
        )[0],
    }
    json.dump(found, sys.stdout, ensure_ascii=False)


if __name__ == "__main__":
    main()

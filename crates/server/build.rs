//! Lists the files under `assets/` in a table that is compiled in, sorted by path: what the source tree
//! has, what goes over the wire, and that compressed.
//!
//! Compressing here and not in the server has two reasons: it may take its time, so the viewer is some
//! 4 % smaller than with gzip's best, and no first visitor waits for it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

#[path = "src/asset/lean.rs"]
mod lean;

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=assets");
    println!("cargo::rerun-if-changed=src/asset/lean.rs");
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or(io::ErrorKind::NotFound)?);
    let root = root.join("assets");
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?);
    let mut files = Vec::new();
    collect(&root, &mut files)?;
    files.sort();
    let mut table = String::from("&[\n");
    for (index, file) in files.iter().enumerate() {
        let name = file.strip_prefix(&root).map_err(io::Error::other)?;
        let name = name.to_string_lossy().replace('\\', "/");
        let source = read(file)?;
        let module = |name: &str| read(&root.join("viewer").join(name)).ok();
        let wire = lean::wire(&name, &source, module).unwrap_or(source);
        let mut gzip = Vec::new();
        let options = zopfli::Options::default();
        zopfli::compress(options, zopfli::Format::Gzip, wire.as_bytes(), &mut gzip)?;
        let (plain, packed) = (out.join(format!("{index}")), out.join(format!("{index}.gz")));
        write(&plain, wire.as_bytes())?;
        write(&packed, &gzip)?;
        // Writing to a String does not fail.
        let _ = writeln!(
            table,
            "    File {{ path: {name:?}, source: include_bytes!({:?}), wire: include_bytes!({:?}), \
             gzip: include_bytes!({:?}) }},",
            file.to_string_lossy(),
            plain.to_string_lossy(),
            packed.to_string_lossy(),
        );
    }
    table.push_str("]\n");
    write(&out.join("assets.rs"), table.as_bytes())
}

#[expect(clippy::disallowed_methods, reason = "a build script reads the source tree")]
fn read(path: &Path) -> io::Result<String> {
    fs::read_to_string(path)
}

#[expect(clippy::disallowed_methods, reason = "a build script writes where cargo tells it to")]
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    fs::write(path, bytes)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let is_hidden =
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if path.is_dir() {
            collect(&path, files)?;
        } else if !is_hidden {
            files.push(path);
        }
    }
    Ok(())
}

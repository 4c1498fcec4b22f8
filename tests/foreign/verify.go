// Checks a bundle with Go's own packages for the checksum database, golang.org/x/mod/sumdb/note and
// .../tlog, which know nothing of Proofbook: the head's signature, every leaf against authenticated
// tiles, inclusion and consistency proofs made from the tiles, and those that the bundle carries.
//
// Usage: verify BUNDLE_DIRECTORY VKEY_FILE [OLDER_CHECKPOINT]
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func must(err error, what string) {
	if err != nil {
		fmt.Printf("FAILED: %s: %v\n", what, err)
		os.Exit(1)
	}
}

// tiles reads tlog-tiles files, which have no "8/" for the height in their paths.
type tiles struct{ folder string }

func (t tiles) Height() int { return 8 }

func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range wanted {
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		data, err := os.ReadFile(filepath.Join(t.folder, path))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func open(text []byte, verifiers note.Verifiers, what string) tlog.Tree {
	opened, err := note.Open(text, verifiers)
	must(err, what)
	lines := strings.Split(opened.Text, "\n")
	if len(opened.Sigs) == 0 || lines[0] != opened.Sigs[0].Name {
		must(fmt.Errorf("signed by another name than its origin"), what)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err, what)
	hash, err := tlog.ParseHash(lines[2])
	must(err, what)
	return tlog.Tree{N: size, Hash: hash}
}

func hashes(lines []string, what string) []tlog.Hash {
	var all []tlog.Hash
	for _, line := range lines {
		hash, err := tlog.ParseHash(line)
		must(err, what)
		all = append(all, hash)
	}
	return all
}

// index of a tile path such as x001/234.p/7, without the part for the width
func tileIndex(path string) int64 {
	path, _, _ = strings.Cut(path, ".p/")
	var index int64
	for _, group := range strings.Split(path, "/") {
		number, err := strconv.ParseInt(strings.TrimPrefix(group, "x"), 10, 64)
		must(err, path)
		index = index*1000 + number
	}
	return index
}

func main() {
	folder := os.Args[1]
	read := func(path string) []byte {
		data, err := os.ReadFile(filepath.Join(folder, path))
		must(err, path)
		return data
	}
	vkeys, err := os.ReadFile(os.Args[2])
	must(err, "the vkey file")
	var known []note.Verifier
	for _, line := range strings.Split(strings.TrimSpace(string(vkeys)), "\n") {
		verifier, err := note.NewVerifier(strings.TrimSpace(line))
		must(err, "the vkey")
		known = append(known, verifier)
	}
	verifiers := note.VerifierList(known...)
	checkpoint := read("checkpoint")
	tree := open(checkpoint, verifiers, "checkpoint")
	fmt.Printf("note.Open: size %d\n", tree.N)

	// Every leaf against tiles that are authenticated up to the root.
	entries := filepath.Join(folder, "tile", "entries")
	count, reader := 0, tlog.TileHashReader(tree, tiles{folder})
	filepath.Walk(entries, func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return nil
		}
		relative, _ := filepath.Rel(entries, path)
		index := tileIndex(filepath.ToSlash(relative)) * 256
		data, err := os.ReadFile(path)
		must(err, path)
		var indexes []int64
		var expected []tlog.Hash
		for len(data) > 0 {
			length := int(binary.BigEndian.Uint16(data))
			expected = append(expected, tlog.RecordHash(data[2:2+length]))
			indexes = append(indexes, tlog.StoredHashIndex(0, index))
			data = data[2+length:]
			index++
		}
		found, err := reader.ReadHashes(indexes)
		must(err, path)
		for i := range found {
			if found[i] != expected[i] {
				must(fmt.Errorf("entry %d has another hash", i), path)
			}
		}
		// A proof made from the tiles, for the first leaf and the last.
		for _, at := range []int{0, len(expected) - 1} {
			seq := index - int64(len(expected)) + int64(at)
			proof, err := tlog.ProveRecord(tree.N, seq, reader)
			must(err, "ProveRecord")
			must(tlog.CheckRecord(proof, tree.N, tree.Hash, seq, expected[at]), "CheckRecord")
		}
		count += len(expected)
		return nil
	})
	fmt.Printf("TileHashReader, CheckRecord: %d leaves\n", count)

	// The .tlog-proof files.
	proofs, _ := filepath.Glob(filepath.Join(folder, "proofs", "*.tlog-proof"))
	for _, path := range proofs {
		data, err := os.ReadFile(path)
		must(err, path)
		head, body, _ := bytes.Cut(data, []byte("\n\n"))
		lines := strings.Split(string(head), "\n")
		leaf, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(lines[1], "extra "))
		must(err, path)
		seq, err := strconv.ParseInt(strings.TrimPrefix(lines[2], "index "), 10, 64)
		must(err, path)
		own := open(body, verifiers, path)
		must(tlog.CheckRecord(hashes(lines[3:], path), own.N, own.Hash, seq, tlog.RecordHash(leaf)), path)
	}
	fmt.Printf("CheckRecord: %d .tlog-proof files\n", len(proofs))

	// Older heads, by the lines that the bundle carries, and by a proof made from the tiles.
	older := map[string]tlog.Tree{}
	heads, _ := filepath.Glob(filepath.Join(folder, "heads", "*"))
	for _, path := range heads {
		older[filepath.Base(path)] = open(read("heads/"+filepath.Base(path)), verifiers, path)
	}
	if len(os.Args) > 3 {
		kept, err := os.ReadFile(os.Args[3])
		must(err, "the older checkpoint")
		old := open(kept, verifiers, "the older checkpoint")
		older[fmt.Sprint(old.N)] = old
	}
	var names []string
	for name := range older {
		names = append(names, name)
	}
	sort.Strings(names)
	checked := 0
	for _, name := range names {
		old := older[name]
		if old.N == 0 || old.N == tree.N {
			continue
		}
		if lines, err := os.ReadFile(filepath.Join(folder, "consistency", name)); err == nil {
			head, _, _ := strings.Cut(string(lines), "\n\n")
			proof := hashes(strings.Split(head, "\n")[1:], name)
			must(tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash), "CheckTree of the lines from "+name)
			checked++
		}
		if proof, err := tlog.ProveTree(tree.N, old.N, reader); err == nil {
			must(tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash), "CheckTree of the tiles from "+name)
			checked++
		}
	}
	fmt.Printf("CheckTree: %d proofs from %d older heads\n", checked, len(older))
	fmt.Println("verified by golang.org/x/mod/sumdb")
}

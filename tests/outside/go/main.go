// Command main checks a running log with Go's own implementation of signed notes and tile-based logs
// (golang.org/x/mod/sumdb), which shares no code with Cairn.
//
//	go run main.go -url http://127.0.0.1:7420/t/default/main -vkey KEY [-old checkpoint.txt] [-samples 200]
//
// The environment variable CAIRN_TOKEN, if set, is sent as a bearer token. With Debian's packages
// golang-go and golang-golang-x-mod-dev it needs no module download:
//
//	GO111MODULE=off GOPATH=/usr/share/gocode go run main.go ...
//
// It exits with 0 and one line "ok ..." if everything holds, else with 1 and one line "BAD ..." that
// names the file and what was expected.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	// tileHeight is fixed by the tlog-tiles format: 256 hashes in a full tile.
	tileHeight = 8
	tileWidth  = 1 << tileHeight
	// entryLen is the length of each entry: version, kind, 32-byte event root.
	entryLen     = 34
	entryVersion = 0x01
	kindMax      = 8
	// replyMax bounds one answer of the server; the largest legal one is a full bundle of 64 KiB entries.
	replyMax = tileWidth * (2 + 65535)
)

func main() {
	log.SetFlags(0)
	base := flag.String("url", "", "address of the log, ending in /t/TENANT/TRAIL")
	vkey := flag.String("vkey", "", "verifier key of the log")
	old := flag.String("old", "", "file with an older checkpoint of the same log")
	samples := flag.Int64("samples", 200, "how many inclusion proofs to check")
	flag.Parse()
	if *base == "" || *vkey == "" || flag.NArg() != 0 {
		flag.Usage()
		os.Exit(2)
	}
	summary, err := check(*base, *vkey, *old, *samples)
	if err != nil {
		log.Fatalf("BAD %v", err)
	}
	fmt.Println("ok " + summary)
}

// check walks the whole log: checkpoint, tree head through tiles, every entry, every tile, inclusion
// proofs and consistency proofs.
func check(base, vkey, oldFile string, samples int64) (string, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return "", fmt.Errorf("vkey: %w", err)
	}
	server := &server{base: strings.TrimRight(base, "/"), token: os.Getenv("CAIRN_TOKEN"), tiles: map[tlog.Tile][]byte{}}
	text, err := server.get("checkpoint", "text/plain; charset=utf-8")
	if err != nil {
		return "", err
	}
	head, err := openCheckpoint(text, verifier)
	if err != nil {
		return "", fmt.Errorf("checkpoint: %w", err)
	}
	if head.N == 0 {
		if head.Hash != tlog.Hash(sha256.Sum256(nil)) {
			return "", fmt.Errorf("checkpoint: the root of an empty log is not SHA-256 of nothing")
		}
		return "size=0", nil
	}

	remote := tlog.TileHashReader(head, server)
	root, err := tlog.TreeHash(head.N, remote)
	if err != nil {
		return "", fmt.Errorf("tree hash through tiles: %w", err)
	}
	if root != head.Hash {
		return "", fmt.Errorf("tree hash through tiles: got %v, checkpoint says %v", root, head.Hash)
	}
	local, err := readEntries(server, head.N)
	if err != nil {
		return "", err
	}
	if root, err = tlog.TreeHash(head.N, local); err != nil || root != head.Hash {
		return "", fmt.Errorf("tree hash from entries: got %v, checkpoint says %v (%v)", root, head.Hash, err)
	}
	tiles, err := compareTiles(server, head.N, local)
	if err != nil {
		return "", err
	}
	if err := checkInclusion(head, remote, local, samples); err != nil {
		return "", err
	}
	if err := checkConsistency(head, remote, local); err != nil {
		return "", err
	}
	if oldFile != "" {
		if err := checkOld(oldFile, verifier, head, remote); err != nil {
			return "", err
		}
	}
	if err := checkNothingBeyond(server, head.N); err != nil {
		return "", err
	}
	return fmt.Sprintf("origin=%s size=%d tiles=%d requests=%d", verifier.Name(), head.N, tiles, server.requests), nil
}

// openCheckpoint verifies the note and parses its three lines: origin, size, root.
func openCheckpoint(text []byte, verifier note.Verifier) (tlog.Tree, error) {
	opened, err := note.Open(text, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return tlog.Tree{}, fmt.Errorf("want three lines, got %q", opened.Text)
	}
	if lines[0] != verifier.Name() {
		return tlog.Tree{}, fmt.Errorf("origin %q is not the key's name %q", lines[0], verifier.Name())
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != lines[1] {
		return tlog.Tree{}, fmt.Errorf("size %q is not a plain decimal number", lines[1])
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return tlog.Tree{}, fmt.Errorf("root %q is not 32 bytes in base64", lines[2])
	}
	tree := tlog.Tree{N: size}
	copy(tree.Hash[:], root)
	return tree, nil
}

// stored holds the hash of every complete node, in tlog's own order, computed from entries alone.
type stored []tlog.Hash

func (s stored) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		if index < 0 || index >= int64(len(s)) {
			return nil, fmt.Errorf("node %d lies beyond the log", index)
		}
		hashes[i] = s[index]
	}
	return hashes, nil
}

// readEntries fetches every bundle and hashes every entry again.
func readEntries(server *server, size int64) (stored, error) {
	nodes := make(stored, 0, tlog.StoredHashCount(size))
	for first := int64(0); first < size; first += tileWidth {
		width := size - first
		if width > tileWidth {
			width = tileWidth
		}
		path := tilePath(tlog.Tile{H: tileHeight, L: -1, N: first / tileWidth, W: int(width)})
		bundle, err := server.get(path, "application/octet-stream")
		if err != nil {
			return nil, err
		}
		for i := int64(0); i < width; i++ {
			index := first + i
			if len(bundle) < 2 {
				return nil, fmt.Errorf("%s: ends before entry %d", path, index)
			}
			length := int(binary.BigEndian.Uint16(bundle))
			if length != entryLen || len(bundle) < 2+length {
				return nil, fmt.Errorf("%s: entry %d has %d bytes, want %d", path, index, length, entryLen)
			}
			entry := bundle[2 : 2+length]
			bundle = bundle[2+length:]
			if entry[0] != entryVersion || entry[1] > kindMax {
				return nil, fmt.Errorf("%s: entry %d begins %x", path, index, entry[:2])
			}
			added, err := tlog.StoredHashesForRecordHash(index, tlog.RecordHash(entry), nodes)
			if err != nil {
				return nil, fmt.Errorf("entry %d: %w", index, err)
			}
			nodes = append(nodes, added...)
		}
		if len(bundle) != 0 {
			return nil, fmt.Errorf("%s: %d bytes follow the last entry", path, len(bundle))
		}
	}
	return nodes, nil
}

// compareTiles fetches each tile that a log of this size publishes and compares it with the one that
// follows from the entries.
func compareTiles(server *server, size int64, local stored) (int, error) {
	tiles := publishedTiles(size)
	for _, tile := range tiles {
		want, err := tlog.ReadTileData(tile, local)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", tilePath(tile), err)
		}
		got, err := server.get(tilePath(tile), "application/octet-stream")
		if err != nil {
			return 0, err
		}
		if len(got) != len(want) {
			return 0, fmt.Errorf("%s: %d bytes, want %d", tilePath(tile), len(got), len(want))
		}
		for at := 0; at < len(want); at += tlog.HashSize {
			if !bytes.Equal(got[at:at+tlog.HashSize], want[at:at+tlog.HashSize]) {
				return 0, fmt.Errorf("%s: hash %d differs from the one of the entries", tilePath(tile), at/tlog.HashSize)
			}
		}
	}
	return len(tiles), nil
}

// publishedTiles lists, for every level, the full tiles and the partial one at the right edge.
func publishedTiles(size int64) []tlog.Tile {
	var tiles []tlog.Tile
	for level := 0; size > 0; level++ {
		for n := int64(0); n*tileWidth < size; n++ {
			width := size - n*tileWidth
			if width > tileWidth {
				width = tileWidth
			}
			tiles = append(tiles, tlog.Tile{H: tileHeight, L: level, N: n, W: int(width)})
		}
		// Only full tiles have a hash in the level above.
		size /= tileWidth
	}
	return tiles
}

// checkInclusion proves leaves spread evenly over the log, the first and the last included.
func checkInclusion(head tlog.Tree, remote tlog.HashReader, local stored, samples int64) error {
	if samples > head.N {
		samples = head.N
	}
	for i := int64(0); i < samples; i++ {
		index := head.N - 1
		if samples > 1 {
			index = i * (head.N - 1) / (samples - 1)
		}
		proof, err := tlog.ProveRecord(head.N, index, remote)
		if err != nil {
			return fmt.Errorf("inclusion of %d: %w", index, err)
		}
		leaf := local[tlog.StoredHashIndex(0, index)]
		if err := tlog.CheckRecord(proof, head.N, head.Hash, index, leaf); err != nil {
			return fmt.Errorf("inclusion of %d: %w", index, err)
		}
	}
	return nil
}

// checkConsistency proves that trees of earlier sizes, computed from the entries, are prefixes.
func checkConsistency(head tlog.Tree, remote tlog.HashReader, local stored) error {
	for size := head.N; size > 0; size /= 2 {
		root, err := tlog.TreeHash(size, local)
		if err != nil {
			return fmt.Errorf("root at %d: %w", size, err)
		}
		if err := prefix(head, tlog.Tree{N: size, Hash: root}, remote); err != nil {
			return err
		}
	}
	return nil
}

// checkOld proves that a checkpoint that was kept earlier is a prefix of the log of now.
func checkOld(file string, verifier note.Verifier, head tlog.Tree, remote tlog.HashReader) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	old, err := openCheckpoint(text, verifier)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if old.N > head.N {
		return fmt.Errorf("%s: its size %d is above the log's %d: the log was rolled back", file, old.N, head.N)
	}
	if old.N == 0 {
		return nil
	}
	return prefix(head, old, remote)
}

func prefix(head, old tlog.Tree, remote tlog.HashReader) error {
	proof, err := tlog.ProveTree(head.N, old.N, remote)
	if err == nil {
		err = tlog.CheckTree(proof, head.N, head.Hash, old.N, old.Hash)
	}
	if err != nil {
		return fmt.Errorf("consistency %d to %d: %w", old.N, head.N, err)
	}
	return nil
}

// checkNothingBeyond asks for the first tile and bundle after the last: an empty one is never served.
func checkNothingBeyond(server *server, size int64) error {
	beyond := (size + tileWidth - 1) / tileWidth
	for _, level := range []int{0, -1} {
		path := tilePath(tlog.Tile{H: tileHeight, L: level, N: beyond, W: tileWidth})
		status, _, _, err := server.fetch(path)
		if err != nil {
			return err
		}
		if status != http.StatusNotFound {
			return fmt.Errorf("%s: status %d, want 404: the log ends before it", path, status)
		}
	}
	return nil
}

// tilePath maps Go's paths, which name the tile's height, to those of the tlog-tiles format, which don't.
func tilePath(tile tlog.Tile) string {
	path := tile.Path()
	if tile.L == -1 {
		return "tile/entries/" + strings.TrimPrefix(path, "tile/8/data/")
	}
	return "tile/" + strings.TrimPrefix(path, "tile/8/")
}

// server reads a log over HTTP.
type server struct {
	base, token string
	requests    int
	// tiles keeps what ReadTiles fetched: neighbouring proofs share most of their tiles.
	tiles map[tlog.Tile][]byte
}

var client = &http.Client{Timeout: 30 * time.Second}

func (s *server) fetch(path string) (status int, contentType string, body []byte, err error) {
	request, err := http.NewRequest(http.MethodGet, s.base+"/"+path, nil)
	if err != nil {
		return 0, "", nil, err
	}
	if s.token != "" {
		request.Header.Set("Authorization", "Bearer "+s.token)
	}
	s.requests++
	reply, err := client.Do(request)
	if err != nil {
		return 0, "", nil, err
	}
	defer reply.Body.Close()
	body, err = io.ReadAll(io.LimitReader(reply.Body, replyMax+1))
	if err == nil && len(body) > replyMax {
		err = fmt.Errorf("%s: the answer has more than %d bytes", path, replyMax)
	}
	return reply.StatusCode, reply.Header.Get("Content-Type"), body, err
}

func (s *server) get(path, wantType string) ([]byte, error) {
	status, contentType, body, err := s.fetch(path)
	if err != nil {
		return nil, err
	}
	if status != http.StatusOK {
		return nil, fmt.Errorf("%s: status %d, want 200", path, status)
	}
	if contentType != wantType {
		return nil, fmt.Errorf("%s: content type %q, want %q", path, contentType, wantType)
	}
	return body, nil
}

// Height, ReadTiles and SaveTiles make server a tlog.TileReader.
func (s *server) Height() int { return tileHeight }

func (s *server) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	read := make([][]byte, len(tiles))
	for i, tile := range tiles {
		body, kept := s.tiles[tile]
		if !kept {
			var err error
			if body, err = s.get(tilePath(tile), "application/octet-stream"); err != nil {
				return nil, err
			}
		}
		if len(body) != tile.W*tlog.HashSize {
			return nil, fmt.Errorf("%s: %d bytes, want %d", tilePath(tile), len(body), tile.W*tlog.HashSize)
		}
		s.tiles[tile] = body
		read[i] = body
	}
	return read, nil
}

func (s *server) SaveTiles([]tlog.Tile, [][]byte) {}
